"""Live posts come before the backlog, and what happens while history is read is neither lost nor undone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from bot import intake
from bot.app import running
from bot.config import Settings
from bot.domain import Place, Post, Source
from tests.support.keyword import KeywordClassifier
from tests.support.world import HeldClassifier, World, open_world, text_of, until


def _post(number: int, text: str = "", edited_at: int | None = None) -> Post:
    text = text or f"post {number}"
    return Post(Source.DISCORD, str(number), "7", "alice", (text,), 0, place=Place(1, 2), edited_at=edited_at)


async def test_live_posts_are_decided_before_those_from_history(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(settings, classifier=classifier) as services:
        queue = services.intake
        waiting = [await queue.put_behind(_post(1))]
        await until(classifier.reached.is_set)
        waiting += [await queue.put_behind(_post(number)) for number in range(2, 30)]
        live = [queue.put(_post(100)), await queue.put_when_room(_post(101))]
        assert len(queue) == 30
        classifier.release.set()
        await asyncio.gather(*waiting, *live)
        assert [post.text for post in classifier.seen[:4]] == ["post 1", "post 100", "post 101", "post 2"]
        assert [post.text for post in classifier.seen[3:]] == [f"post {number}" for number in range(2, 30)]


async def test_a_full_backlog_waits_and_keeps_no_live_post_out(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(replace(settings, queue_size=1), classifier=classifier) as services:
        first = services.intake.put(_post(1))
        await until(classifier.reached.is_set)
        backlog = [asyncio.create_task(services.intake.put_behind(_post(number))) for number in range(2, 200)]
        await until(lambda: len(services.intake) == intake.BACKLOG)
        live = services.intake.put(_post(1000))
        drained = asyncio.create_task(services.intake.drain())
        classifier.release.set()
        assert (await first).is_new and (await live).is_new
        await drained
        assert all([(await (await put)).is_new for put in backlog]) and len(services.intake) == 0
        assert [post.text for post in classifier.seen[:2]] == ["post 1", "post 1000"]


async def test_a_reader_that_gives_up_while_the_backlog_is_full_holds_up_nobody(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(settings, classifier=classifier) as services:
        services.intake.put(_post(1))
        await until(classifier.reached.is_set)
        waiting = [asyncio.create_task(services.intake.put_behind(_post(number))) for number in range(2, 100)]
        await until(lambda: len(services.intake) == intake.BACKLOG)
        for put in waiting:
            put.cancel()
        classifier.release.set()
        await asyncio.wait_for(services.intake.drain(), 3)


async def test_an_older_state_that_is_read_late_covers_no_newer_one(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        for post in (_post(1, "You idiot.", 20), _post(1, "Dear mayor."), _post(1, "I will kill you.", 10)):
            await (await services.intake.put_behind(post))
        review = await services.store.reviews._database.fetch_all("SELECT * FROM reviews")
        decisions = await services.store.reviews._database.fetch_all("SELECT * FROM decisions")
        assert len(decisions) == 3 and [row["decision_id"] for row in review] == [decisions[0]["id"]]
        assert review[0]["version"] == 1, "its card has nothing new to show"
        await services.intake.put(_post(1, "Dear mayor.", 30))
        (review,) = await services.store.reviews._database.fetch_all("SELECT * FROM reviews")
        assert review["version"] == 2, "an edit back to the first words is newer all the same"


@dataclass
class _Held:
    """A world and its classifier, which can be held up."""

    world: World
    classifier: HeldClassifier

    async def catch_up(self, *missed: str, new_session: bool = True) -> list[int]:
        """Alice writes what is ``missed``; returns when the classifier has it from history, with the ids."""
        world, create = self.world, self.world.env.backend.create_message
        ids = [create(world.chat.id, world.alice.id, text, broadcast=False).id for text in missed]
        self.classifier.release.clear()
        self.classifier.reached.clear()
        with world.env._bot_scope():  # the bot's own work, for which `settle` waits
            for event in ("shard_connect", "shard_ready") if new_session else ("shard_ready",):
                world.env.bot.dispatch(event, 0)
        await until(self.classifier.reached.is_set)
        return ids

    async def finish(self) -> None:
        self.classifier.release.set()
        await self.world.env.settle()

    async def position(self) -> int:
        """The cursor of the chat."""
        rows = await self.world.rows("SELECT * FROM cursors")
        return next(row["position"] for row in rows if row["channel_id"] == self.world.chat.id)


@pytest_asyncio.fixture
async def held(settings: Settings) -> AsyncIterator[_Held]:
    classifier = HeldClassifier()
    classifier.release.set()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        yield _Held(world, classifier)
        classifier.release.set()


async def test_what_is_posted_meanwhile_is_decided_once_and_the_cursor_ends_behind_it(held: _Held) -> None:
    await held.catch_up("Good morning.", "You idiot.")
    world = held.world
    live = world.env.backend.create_message(world.chat.id, world.bob.id, "What an idiot.")
    await until(lambda: len(world.services.intake) > 0)
    await held.finish()
    assert len(await world.decisions()) == 3 and len(await world.cards()) == 2
    last = await world.alice.send(world.chat, "Good night.")
    assert await held.position() == last.id > live.id


async def test_what_is_edited_meanwhile_shows_its_new_state(held: _Held) -> None:
    rude, calm = await held.catch_up("You idiot.", "Good morning.")
    backend, chat = held.world.env.backend, held.world.chat
    backend.edit_message(chat.id, rude, {"content": "Dear mayor."})
    backend.edit_message(chat.id, calm, {"content": "I will kill you."})
    await held.finish()
    shown = {("kill" in text_of(card), "meanwhile" in text_of(card)) for card in await held.world.cards()}
    assert shown <= {(True, False), (False, True)} and (True, False) in shown


async def test_what_is_deleted_while_it_is_scored_is_said_to_be(held: _Held) -> None:
    (doomed,) = await held.catch_up("You idiot.")
    held.world.env.backend.delete_message(held.world.chat.id, doomed)
    await asyncio.sleep(0.05)
    await held.finish()
    assert "deleted" in text_of(await held.world.card())


async def test_what_is_deleted_before_its_turn_is_not_decided(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read from history, but waits for room in the backlog."""
    monkeypatch.setattr(intake, "BACKLOG", 1)
    classifier = HeldClassifier()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        held = _Held(world, classifier)
        *_, doomed = await held.catch_up("Good morning.", "Fine.", "Hm.", "You idiot.")
        world.env.backend.delete_message(world.chat.id, doomed)
        await asyncio.sleep(0.05)
        await held.finish()
        assert await world.cards() == [] and len(await world.decisions()) == 3
        last = await world.alice.send(world.chat, "Good night.")
        assert await held.position() == last.id


async def test_a_title_that_is_edited_while_its_thread_waits_to_be_read_stays_edited(held: _Held) -> None:
    """The list of threads that catching up goes by is older than the title."""
    world = held.world
    await world.services.store.servers.unwatch(world.forum.id)
    await world.env.advance_time(1)
    await world.services.store.servers.watch(world.guild.id, [world.forum.id], world.chief.id)  # after the chat
    await world.env.advance_time(1)
    thread, _ = await world.forum_post(world.alice, "Votes", "Good morning.")
    await held.catch_up("Missed in the chat.", new_session=False)
    world.env.backend.edit_channel(thread.id, {"name": "Our idiot mayor"})
    await until(lambda: len(world.services.intake) == 1)
    await held.finish()
    card = text_of(await world.card())
    assert "Our idiot mayor" in card and "edited meanwhile" not in card
