"""What people do meanwhile: posting, editing, renaming, deleting, and moderators who press buttons."""

import random
from collections import Counter, defaultdict

from bot.domain import Place, Post, Source
from tests.loopback.interactions import Interactions, walk
from tests.loopback.model import Channel, Message, Thread
from tests.loopback.town import Town

CALM = ("I see it differently.", "The vote is on Monday.", "Who pays for this?", "Good point, thank you.")
FLAGGED = ("You are an idiot.", "The cabal hides it.", "Somebody should kill it, and him.", "What an idiot of a mayor.")
FLAGGED_SHARE = 0.06
RECENT = 200
BUTTONS = ("review:confirm:", "review:false_alarm:")


class Storm:
    """Draws what happens next. ``revisions`` holds every state that each post ever had."""

    def __init__(self, town: Town, interactions: Interactions, seed: int) -> None:
        self.town = town
        self.done: Counter[str] = Counter()
        self.revisions: defaultdict[int, set[str]] = defaultdict(set)
        self._interactions = interactions
        self._chance = random.Random(seed)
        self._authors = [town.alice, town.bob, *(town.world.add_member(town.guild, f"user{n}") for n in range(12))]
        self._judges = [town.mod, town.world.add_member(town.guild, "mod2", town.mods)]
        self._recent: list[Message] = []
        self._threads: list[Thread] = []
        self._actions = {
            self._comment: 80,
            self._open_thread: 4,
            self._edit: 8,
            self._delete: 5,
            self._rename: 1,
            self._archive: 1,
            self._delete_thread: 0.2,
            self._bulk_delete: 0.3,
            self._judge: 2,
        }

    @property
    def posts(self) -> int:
        """Threads and comments so far."""
        return self.done["comment"] + self.done["open thread"]

    def step(self) -> None:
        """One thing happens."""
        (action,) = self._chance.choices(list(self._actions), list(self._actions.values()))
        if action() is not False:
            self.done[action.__name__.strip("_").replace("_", " ")] += 1

    def _words(self) -> str:
        chosen = FLAGGED if self._chance.random() < FLAGGED_SHARE else CALM
        return f"{self._chance.choice(chosen)} ({self.done.total()})"

    def _note(self, message: Message) -> None:
        self.revisions[message.id].add(revision(self.town, message))

    def _said(self, message: Message) -> None:
        self._note(message)
        self._recent = [*self._recent[-RECENT:], message]

    def _comment(self) -> None:
        place: Channel = self.town.chat
        if self._threads and self._chance.random() < 0.7:
            place = self._chance.choice(self._threads[-20:])
        reply = self._chance.choice(self._recent) if self._recent and self._chance.random() < 0.2 else None
        if reply is not None and reply.channel_id != place.id:
            reply = None
        self._said(self.town.world.post(place, self._chance.choice(self._authors), self._words(), reply))

    def _open_thread(self) -> None:
        author = self._chance.choice(self._authors)
        thread = self.town.world.forum_post(self.town.forum, author, f"News {self.done.total()}", self._words())
        self._threads.append(thread)
        starter = thread.history.get(thread.id)
        assert starter is not None, "it was just posted"
        self._said(starter)

    def _edit(self) -> bool | None:
        if not self._recent:
            return False
        message = self._chance.choice(self._recent)
        self.town.world.edit(message, self._words())
        return self._note(message)

    def _delete(self) -> bool | None:
        if not self._recent:
            return False
        message = self._recent.pop(self._chance.randrange(len(self._recent)))
        return self.town.world.delete(message)

    def _bulk_delete(self) -> bool | None:
        chosen = [message for message in self._recent if message.channel_id == self.town.chat.id][:5]
        if not chosen:
            return False
        self._recent = [message for message in self._recent if message not in chosen]
        return self.town.world.bulk_delete(chosen)

    def _rename(self) -> bool | None:
        if not self._threads:
            return False
        thread = self._chance.choice(self._threads[-20:])
        self.town.world.rename(thread, f"{thread.name[:20]}, again {self.done.total()} {self._words()[:40]}")
        starter = thread.history.get(thread.id)
        return self._note(starter) if starter else None

    def _archive(self) -> bool | None:
        if not self._threads:
            return False
        return self.town.world.archive(self._chance.choice(self._threads[-20:]))

    def _delete_thread(self) -> bool | None:
        if len(self._threads) < 5:
            return False
        thread = self._threads.pop(self._chance.randrange(len(self._threads)))
        self._recent = [message for message in self._recent if message.channel_id != thread.id]
        return self.town.world.delete_thread(thread)

    def _judge(self) -> bool | None:
        """Two moderators press a button of one card at the same moment."""
        cards = [(card, ids) for card in self.town.cards() if (ids := _buttons(card))]
        if not cards:
            return False
        card, ids = self._chance.choice(cards)
        for judge in self._judges:
            self._interactions.click(card, self._chance.choice(ids), judge)
        return None


def _buttons(card: Message) -> list[str]:
    ids = [each.get("custom_id", "") for each in walk(card.extra.get("components", []))]
    return [id_ for id_ in ids if id_.startswith(BUTTONS)]


def revision(town: Town, message: Message) -> str:
    """The hash under which the bot has to know the present state of ``message``."""
    channel = town.world.channel_of(message)
    thread = channel if isinstance(channel, Thread) else None
    return Post(
        source=Source.DISCORD,
        external_id=str(message.id),
        author_id=str(message.author.id),
        author_name="",
        parts=(message.text,),
        created_at=0,
        thread_title=thread.name if thread else None,
        is_starter=message.id == message.channel_id,
        place=Place(town.guild.id, channel.id),
    ).revision
