"""Random sequences of all that happens to the store and to cursors, beside models in plain Python.

The program is killed in between, too, also in the middle of a transaction. To search longer, with another seed each
time: ``PROPERTY_EXAMPLES=5000 pytest --timeout=0 tests/test_store_properties.py``.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.cursors import CursorTracker, Gap
from bot.domain import Card, Decision, Outcome, Place, Post, Review, Source, Verdict
from bot.store import Store
from models.classifier import Span
from models.labels import SCORE_KEYS, Axis, Label

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")  # not into the checkout
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
GUILD, FORUM, REVIEW_CHANNELS = 1, 20, (70, 71)
POSTS = (1, 2, 3, 4)
WORDS = {"idiot": True, "total idiot": True, "kill": True, "friend": False, "good day": False}
"""What people write, and whether it is flagged."""
T = TypeVar("T")


def profile(examples: int, steps: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        stateful_step_count=steps,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],  # shrinking takes minutes
    )


def thread_of(post: int) -> int:
    return 300 + post % 2


def post_of(post: int, text: str, edited_at: int) -> Post:
    place = Place(GUILD, FORUM, thread_of(post))
    return Post(Source.DISCORD, str(post), "5", "alice", (text,), 0, place=place, edited_at=edited_at or None)


def decision_of(post: Post, at: int) -> Decision:
    flagged = WORDS[post.text]
    return Decision(
        post=post,
        model_version="test-1",
        scores=dict.fromkeys(SCORE_KEYS, 0.9 if flagged else 0.1),
        thresholds=dict.fromkeys(SCORE_KEYS, 0.5),
        context=frozenset(),
        verdict=Verdict((Axis.INFLAMMATORY,) if flagged else (), Label.INSULT),
        decided_at=at,
        latency_ms=1.0,
        decisive=Span(0, len(post.text)) if flagged else None,
    )


TEXT_OF = {post_of(1, text, 0).revision: text for text in WORDS}

FAULTS = {
    "a revision with two decisions": "SELECT 1 FROM decisions GROUP BY post_id, revision HAVING count(*) > 1",
    "two open reviews of a post": "SELECT 1 FROM reviews WHERE outcome IS NULL GROUP BY post_id HAVING count(*) > 1",
    "a review of another post's or an unflagged decision": """
        SELECT 1 FROM reviews r JOIN decisions d ON d.id = r.decision_id WHERE d.post_id != r.post_id OR NOT d.flagged
    """,
    "a current decision of another post": """
        SELECT 1 FROM posts p JOIN decisions d ON d.id = p.current_decision_id WHERE d.post_id != p.id
    """,
    "a card ahead of its row": "SELECT 1 FROM reviews WHERE shown_version > version",
    "words of an unflagged post": "SELECT 1 FROM evidence JOIN decisions d ON d.id = decision_id WHERE NOT d.flagged",
    "a verdict that nobody logged": """
        SELECT 1 FROM reviews r WHERE outcome IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM review_events e
            WHERE e.review_id = r.id AND e.actor_id = r.resolved_by AND e.kind IN (r.outcome, 'removing'))
    """,
    "a second verdict": """
        SELECT 1 FROM review_events GROUP BY review_id
        HAVING sum(kind IN ('confirmed', 'false_alarm', 'removing')) > 1 + sum(kind = 'removal_failed')
    """,
    "a review that was opened twice or never": """
        SELECT 1 FROM reviews r WHERE 1 != (
            SELECT count(*) FROM review_events e WHERE e.review_id = r.id AND e.kind = 'opened')
    """,
}
TABLES = {
    "decisions": "SELECT external_id, revision, NULL FROM decisions d JOIN posts p ON p.id = d.post_id",
    "posts": """
        SELECT external_id, revision, coalesce(edited_at, 0), failure IS NOT NULL, deleted_at IS NOT NULL
        FROM posts p LEFT JOIN decisions d ON d.id = p.current_decision_id
    """,
    "evidence": """
        SELECT external_id, revision, stored_at
        FROM evidence JOIN decisions d ON d.id = decision_id JOIN posts p ON p.id = d.post_id
    """,
    "reviews": """
        SELECT r.id, d.revision, external_id, outcome, resolved_by, card_message_id, s.revision
        FROM reviews r JOIN posts p ON p.id = r.post_id JOIN decisions d ON d.id = r.decision_id
        LEFT JOIN decisions s ON s.id = r.shown_decision_id
    """,
    "cursors": "SELECT channel_id, NULL, position FROM cursors",
}


@dataclass
class PostModel:
    current: str | None = None
    newest: int = 0
    failed: bool = False
    deleted: bool = False


@dataclass
class ReviewModel:
    post: int
    text: str
    outcome: Outcome | None = None
    by: int | None = None
    card: int | None = None
    shown: str | None = None

    def takes(self, seen: str | None) -> bool:
        """Whether a verdict counts from a moderator who saw ``seen`` (None: the card, if there is one)."""
        said = seen or self.shown or (self.text if self.card is None else None)
        return self.outcome is None and said == self.text


class Model:
    """What the store has to hold."""

    def __init__(self) -> None:
        self.posts: defaultdict[int, PostModel] = defaultdict(PostModel)
        self.decisions: set[tuple[int, str]] = set()
        self.evidence: dict[tuple[int, str], int] = {}
        self.reviews: dict[int, ReviewModel] = {}
        self.cursors: dict[int, int] = {}

    def open_review(self, post: int) -> ReviewModel | None:
        return next((each for each in self.reviews.values() if each.post == post and each.outcome is None), None)

    def decided(self, post: int, text: str, edited_at: int, at: int, open_reviews: bool) -> None:
        state = self.posts[post]
        if WORDS[text] and (post, text) not in self.decisions:
            self.evidence[post, text] = at
        self.decisions.add((post, text))
        if edited_at < state.newest:
            return
        is_other, state.current, state.newest, state.failed = state.current != text, text, edited_at, False
        judged = any((each.post, each.text) == (post, text) and each.outcome for each in self.reviews.values())
        if WORDS[text] and open_reviews and is_other and not judged:
            self.evidence.setdefault((post, text), at)  # swept meanwhile
            if review := self.open_review(post):
                review.text = text
            else:
                self.reviews[len(self.reviews) + 1] = ReviewModel(post, text)

    def failed(self, post: int, edited_at: int) -> None:
        state = self.posts[post]
        if edited_at >= state.newest:
            state.newest, state.failed = edited_at, True

    def deleted(self, posts: Sequence[int]) -> None:
        news = [post for post in posts if post in self.posts and not self.posts[post].deleted]
        for post in news:
            self.posts[post].deleted = True
        for review in self.reviews.values():
            if review.post in news and review.outcome is Outcome.REMOVING:
                review.outcome = Outcome.REMOVED

    def lost(self, cards: set[int]) -> None:
        for review in self.reviews.values():
            review.card = None if review.card in cards else review.card

    def moved(self, thread: int, position: int) -> None:
        self.cursors[thread] = max(position, self.cursors.get(thread, 0))

    def tables(self) -> dict[str, set[tuple[Any, ...]]]:
        return {
            "decisions": {(str(post), text, None) for post, text in self.decisions},
            "posts": {(str(id_), p.current, p.newest, p.failed, p.deleted) for id_, p in self.posts.items()},
            "evidence": {(str(post), text, at) for (post, text), at in self.evidence.items()},
            "reviews": {
                (id_, r.text, str(r.post), r.outcome, r.by, r.card, r.shown) for id_, r in self.reviews.items()
            },
            "cursors": {(thread, None, position) for thread, position in self.cursors.items()},
        }


class Killed(BaseException):
    """The program ends here; what is on the disk is all that is left."""


posts = st.sampled_from(POSTS)
texts = st.sampled_from(list(WORDS))
times = st.none() | st.integers(0, 40)
"""When a state of a post was written: None is now, anything else was read late from history."""
states = st.lists(st.tuples(posts, texts, times), min_size=1, max_size=3)
verdicts = st.sampled_from([Outcome.CONFIRMED, Outcome.FALSE_ALARM, Outcome.REMOVING])
indexes = st.integers(0, 20)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "0.db"
        self.runner = asyncio.Runner()
        self.now, self.numbers = 1, count(1)
        self.statements_left: int | None = None
        self.model = Model()
        self.before: dict[int, dict[str, Any]] = {}
        self.drawing: list[Review] = []
        self.pictures: dict[int, object] = {}
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.reader = sqlite3.connect(self.path, isolation_level=None)
        opened = Store.open(self.path, clock=lambda: self.now)
        self.store: Store = self.runner.run(self.stack.enter_async_context(opened))
        writer = self.store.decisions._database._writer
        self.runner.run(_spill(writer.execute))
        for name in ("execute", "execute_fetchall", "executemany"):
            setattr(writer, name, self.counted(getattr(writer, name)))

    def counted(self, statement: Callable[..., Awaitable[T]]) -> Callable[..., Coroutine[Any, Any, T]]:
        async def run(*args: Any) -> T:
            if self.statements_left is not None:
                if self.statements_left == 0:
                    self.leave_disk()
                    raise Killed
                self.statements_left -= 1
            return await statement(*args)

        return run

    def leave_disk(self) -> None:
        """What a killed program leaves behind: the files as they are at this moment."""
        left = self.path.with_name(f"{next(self.numbers)}.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.path}{suffix}", f"{left}{suffix}")
        self.path = left

    def do(self, work: Coroutine[Any, Any, T]) -> list[T]:
        """What ``work`` gives; nothing if the program was killed meanwhile, and started again."""
        self.now += 1
        try:
            return [self.runner.run(work)]
        except Killed:
            self.start_again()
            return []

    def start_again(self) -> None:
        self.close()
        self.statements_left = None
        self.drawing = []
        self.open()

    def close(self) -> None:
        self.reader.close()
        self.runner.run(self.stack.aclose())

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        self.folder.cleanup()

    @rule(statements=st.none() | st.integers(-1, 12))
    def end(self, statements: int | None) -> None:
        """Told to stop (None), killed now (-1), or in the middle of what comes next, or of what comes after that."""
        if statements == -1:
            self.leave_disk()
        if statements is None or statements == -1:
            self.start_again()
        else:
            self.statements_left = statements

    @rule(states=states, without_reviews=st.integers(0, 3).map(lambda chance: chance == 3))
    def write(self, states: list[tuple[int, str, int | None]], without_reviews: bool) -> None:
        """A batch of posts, edits, edits taken back, late readings."""
        at, moved = self.now, {thread_of(post): self.now for post, *_ in states}
        batch = [decision_of(post_of(post, text, at if when is None else when), at) for post, text, when in states]
        for _ in self.do(self.store.decisions.record(batch, open_reviews=not without_reviews, cursors=moved)):
            for post, text, when in states:
                self.model.decided(post, text, at if when is None else when, at, not without_reviews)
                self.model.moved(thread_of(post), at)

    @rule(post=posts, text=texts, when=times, position=st.integers(0, 60))
    def fail(self, post: int, text: str, when: int | None, position: int) -> None:
        """The classifier broke; ``position`` may lie behind the cursor."""
        at = self.now if when is None else when
        failed = self.store.decisions.mark_failed(post_of(post, text, at), "broke", {thread_of(post): position})
        for _ in self.do(failed):
            self.model.failed(post, at)
            self.model.moved(thread_of(post), position)

    @rule(gone=st.lists(posts, min_size=1, max_size=2))
    def delete(self, gone: list[int]) -> None:
        for _ in self.do(self.store.decisions.mark_deleted(gone, self.now)):
            self.model.deleted(gone)

    @rule(thread=st.sampled_from([FORUM, *map(thread_of, (1, 2))]))
    def delete_thread(self, thread: int) -> None:
        gone = [post for post in POSTS if thread in (FORUM, thread_of(post))]
        for _ in self.do(self.store.decisions.mark_channel_deleted(thread, self.now)):
            self.model.deleted(gone)

    @rule(age=st.integers(0, 20))
    def sweep(self, age: int) -> None:
        before = self.now - age
        for _ in self.do(self.store.decisions.sweep_evidence(before)):
            self.model.evidence = {key: at for key, at in self.model.evidence.items() if at >= before}

    @precondition(lambda self: self.model.reviews)
    @rule(index=indexes, outcomes=st.tuples(verdicts, verdicts), saw=st.tuples(*[st.none() | texts] * 2))
    def resolve(self, index: int, outcomes: tuple[Outcome, ...], saw: tuple[str | None, ...]) -> None:
        """Two moderators press at the same moment."""
        id_, review = _pick(self.model.reviews, index)
        known = "SELECT revision, d.id FROM decisions d JOIN posts p ON p.id = post_id WHERE external_id = ?"
        ids = {TEXT_OF[revision]: decision_id for revision, decision_id in self.select(known, str(review.post))}
        seen = [ids.get(text, 99) if text else None for text in saw]

        won: list[int] = []

        async def press(moderator: int) -> None:
            if await self.store.reviews.resolve(id_, outcomes[moderator], 100 + moderator, seen[moderator]):
                won.append(moderator)

        async def both() -> None:
            for error in await asyncio.gather(press(0), press(1), return_exceptions=True):
                if error:
                    raise error

        if self.do(both()):
            assert len(won) == any(map(review.takes, saw)), "one winner, if anybody saw what is to be judged"
        for moderator in won:  # perhaps the program was killed while the other one lost
            assert review.takes(saw[moderator])
            review.outcome, review.by = outcomes[moderator], 100 + moderator

    @precondition(lambda self: self.model.reviews)
    @rule(index=indexes, worked=st.booleans())
    def removal_ends(self, index: int, worked: bool) -> None:
        id_, review = _pick(self.model.reviews, index)
        newer = self.model.open_review(review.post)
        reviews = self.store.reviews
        for _ in self.do(reviews.finish_removal(id_) if worked else reviews.reopen(id_, "refused")):
            if review.outcome is Outcome.REMOVING:
                refused = (Outcome.CONFIRMED, review.by) if newer else (None, None)
                review.outcome, review.by = (Outcome.REMOVED, review.by) if worked else refused

    @precondition(lambda self: not self.drawing)
    @rule(index=indexes, size=st.integers(1, 3))
    def draw(self, index: int, size: int) -> None:
        """The publisher reads what a card has to show; until it has posted that, much may happen."""
        cards = self.store.cards
        standing = sorted({review.card for review in self.model.reviews.values() if review.card})
        if index % 2 and standing:
            (self.drawing,) = self.do(cards.reviews_on(standing[index % len(standing)]))
        else:
            (waiting,) = self.do(cards.waiting(GUILD, size))
            (self.drawing,) = self.do(cards.reviews([each.review_id for each in waiting]))

    @precondition(lambda self: self.drawing)
    @rule(channel=st.sampled_from(REVIEW_CHANNELS), deleted=st.booleans())
    def drawn(self, channel: int, deleted: bool) -> None:
        """The picture is on Discord; if it is an old card's, somebody may have deleted that at the same moment."""
        drawn, self.drawing = self.drawing, []
        if deleted and drawn[0].card and self.do(self.store.cards.lost(drawn[0].card.message_id)):
            self.model.lost({drawn[0].card.message_id})
        card, is_new = drawn[0].card or Card(channel, 1_000 + next(self.numbers)), drawn[0].card is None
        for _ in self.do((self.store.cards.posted if is_new else self.store.cards.shows)(drawn, card)):
            for review in drawn:
                model = self.model.reviews[review.id]
                model.card = card.message_id if is_new else model.card
                if model.card == card.message_id:
                    ((revision,),) = self.select("SELECT revision FROM decisions WHERE id = ?", review.decision_id)
                    model.shown, self.pictures[review.id] = TEXT_OF[revision], picture(review)

    @precondition(lambda self: not self.drawing and any(each.card for each in self.model.reviews.values()))
    @rule(index=indexes, adopted=st.booleans())
    def join(self, index: int, adopted: bool) -> None:
        """Waiting reviews go on a card that stands, or turn out to have one."""
        (waiting,) = self.do(self.store.cards.waiting(GUILD, 2))
        standing = self.select("SELECT DISTINCT card_channel_id, card_message_id FROM reviews WHERE card_message_id")
        ids, card = [each.review_id for each in waiting], Card(*standing[index % len(standing)])
        if not ids:
            return
        cards = self.store.cards
        for _ in self.do(cards.adopt(ids, card, self.now) if adopted else cards.join(ids, card)):
            for id_ in ids:
                self.model.reviews[id_].card = card.message_id

    @rule(index=indexes, channel=st.booleans())
    def lose(self, index: int, channel: bool) -> None:
        """Somebody deletes a card, or the channel that cards are in."""
        standing = self.select("SELECT card_channel_id, card_message_id FROM reviews WHERE card_message_id")
        if not standing:
            return
        lost = standing[index % len(standing)]
        cards = self.store.cards
        for _ in self.do(cards.channel_lost(lost[0]) if channel else cards.lost(lost[1])):
            gone = {each[1] for each in standing if each[0] == lost[0]} if channel else {lost[1]}
            self.model.lost(gone)

    def select(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.reader.execute(sql, values).fetchall()

    @invariant()
    def nothing_is_wrong_in_the_file(self) -> None:
        assert self.select("PRAGMA quick_check") == [("ok",)]
        assert self.select("PRAGMA foreign_key_check") == []
        assert [fault for fault, sql in FAULTS.items() if self.select(sql)] == []

    @invariant()
    def the_store_holds_what_the_model_does(self) -> None:
        for name, wanted in self.model.tables().items():
            rows = self.select(TABLES[name])
            found = {(row[0], TEXT_OF.get(row[1]), *row[2:]) for row in rows}
            if name == "reviews":
                found = {(*row[:-1], TEXT_OF.get(row[-1])) for row in found}
            assert found == wanted, name
            assert len(rows) == len(found), name

    @invariant()
    def no_review_takes_a_forbidden_step_and_no_card_is_stale_for_good(self) -> None:
        reviews = self.runner.run(self.store.cards.reviews(list(self.model.reviews)))
        shown = dict(self.select("SELECT id, shown_version FROM reviews"))
        for review in reviews:
            was = self.before.get(review.id, review)
            assert review.version >= was.version
            if was.outcome not in (None, review.outcome):
                assert was.outcome is Outcome.REMOVING and review.outcome in (None, Outcome.REMOVED)
            if picture(review) != picture(was):
                assert review.version > was.version, "the card has to be drawn anew"
            if review.card and shown[review.id] == review.version:
                assert self.pictures[review.id] == picture(review), "the card shows something else, and will for ever"
        self.before = {review.id: review for review in reviews}


async def _spill(execute: Callable[[str], Awaitable[Any]]) -> None:
    """Half a transaction then stands on the disk before it ends."""
    await execute("PRAGMA cache_size = 1")


def _pick(reviews: dict[int, ReviewModel], index: int) -> tuple[int, ReviewModel]:
    return list(reviews.items())[index % len(reviews)]


def picture(review: Review) -> object:
    """What a card shows; that the post was changed after the verdict concerns nobody any more."""
    changes = (review.deleted, review.edited, review.unread) if review.outcome is None else None
    return review.decision_id, review.evidence, changes, review.outcome, review.resolved_by


def test_the_store_stays_right_whatever_happens() -> None:
    run_state_machine_as_test(StoreMachine, settings=profile(25, 40))


async def test_a_removal_that_fails_after_an_edit_to_other_flagged_words_leaves_one_review_open(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "threadwatch.db") as store:
        await store.decisions.record([decision_of(post_of(1, "idiot", 0), 1)], open_reviews=True)
        assert await store.reviews.resolve(1, Outcome.REMOVING, 100)
        await store.decisions.record([decision_of(post_of(1, "kill", 2), 2)], open_reviews=True)
        await store.reviews.reopen(1, "forbidden")
        assert await store.reviews.count_open(GUILD) == 1


CHANNEL, START = 1, 1_000


cuts = st.sampled_from(["resumed", "new session", "hidden", "new program"])


@dataclass
class Room:
    """What is true of a channel or thread, known to the bot or not. Every message in it is owed a decision."""

    parent: int | None = None
    messages: list[int] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    """Arrived at the bot, and not settled."""
    settled: set[int] = field(default_factory=set)
    reading: "Reading | None" = None


@dataclass
class Reading:
    gap: Gap
    position: int
    at: int
    ended: bool = False


class CursorMachine(RuleBasedStateMachine):
    """A channel and a thread in it; the bot is cut off and comes back, history is read, batches are written or lost."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = count(START + 1)
        self.rooms = {CHANNEL: Room()}
        self.stored: dict[int, int] = {}
        self.before: dict[int, int] = {}
        self.start()

    def start(self) -> None:
        """A program starts on what is stored."""
        self.tracker = CursorTracker(self.stored)
        self.writing: tuple[list[tuple[int, int]], dict[int, int]] | None = None
        for room in self.rooms.values():
            room.reading, room.waiting = None, set()
        self.tracker.connected()

    def room(self, index: int) -> tuple[int, Room]:
        return list(self.rooms.items())[index % len(self.rooms)]

    def arrive(self, id_: int, message: int) -> None:
        self.tracker.arrived(id_, message)
        self.tracker.owed_since(id_, START)
        self.rooms[id_].waiting.add(message)

    @rule(index=indexes, messages=st.integers(1, 3))
    def send(self, index: int, messages: int) -> None:
        id_, room = self.room(index)
        for message in (next(self.ids) for _ in range(messages)):
            room.messages.append(message)
            self.arrive(id_, message)

    @precondition(lambda self: len(self.rooms) == 1)
    @rule()
    def open_thread(self) -> None:
        id_ = next(self.ids)
        self.rooms[id_] = Room(CHANNEL)
        self.tracker.born(id_, CHANNEL)

    @rule(how=cuts, index=indexes, missed=st.booleans(), then=st.booleans(), reading=st.booleans())
    def cut_off(self, how: str, index: int, missed: bool, then: bool, reading: bool) -> None:
        """Perhaps a message is sent meanwhile; only a resumed session brings it afterwards. Perhaps while reading."""
        id_, room = self.room(index)
        if reading:
            self.begin_reading(index, 0, len(room.messages) + 1)
        if how == "hidden":
            self.tracker.interrupted(CHANNEL)
        message = next(self.ids)
        room.messages += [message] if missed else []
        if how == "new program":
            self.start()
        elif how == "new session":
            self.tracker.connected()
        elif how == "resumed" and missed:
            self.arrive(id_, message)
        if reading:
            self.end_reading(index)
        if then:
            self.send(index, 1)

    @precondition(lambda self: self.writing is None)
    @rule(index=indexes, which=st.lists(indexes, max_size=3), edited=st.booleans(), later=st.booleans())
    def decide(self, index: int, which: list[int], edited: bool, later: bool) -> None:
        """A batch is decided, perhaps with edits of older messages; more may happen until it is written."""
        id_, room = self.room(index)
        from_ = sorted(room.settled if edited else room.waiting)
        settled = [(id_, from_[each % len(from_)]) for each in which if from_] or [(id_, 0)]
        self.writing = settled, self.tracker.positions_after(settled)
        if not later:
            self.write(fails=False)

    @precondition(lambda self: self.writing is not None)
    @rule(fails=st.integers(0, 3).map(lambda chance: chance == 3))
    def write(self, fails: bool) -> None:
        assert self.writing is not None
        (settled, positions), self.writing = self.writing, None
        if not fails:
            self.settle(settled, positions)

    @rule(index=indexes, which=indexes)
    def ignore(self, index: int, which: int) -> None:
        """A message that is no post: settled at once."""
        id_, room = self.room(index)
        if room.waiting:
            self.settle([(id_, sorted(room.waiting)[which % len(room.waiting)])], {})

    def settle(self, settled: list[tuple[int, int]], positions: dict[int, int]) -> None:
        self.tracker.written(settled, positions)
        self.stored |= positions
        for id_, message in settled:
            self.rooms[id_].waiting.discard(message)
            self.rooms[id_].settled.add(message)

    @rule(index=indexes, back=st.integers(0, 5), size=st.integers(1, 4))
    def begin_reading(self, index: int, back: int, size: int) -> None:
        """Anew, if a reading was given up; from before the cursor, to look at young posts again."""
        id_, room = self.room(index)
        self.tracker.owed_since(id_, START)
        position = self.tracker.position(id_) or START
        room.reading = Reading(self.tracker.gap(id_, room.parent), position, position - back)
        self.read_page(index, size)

    @rule(index=indexes, size=st.integers(1, 4))
    def read_page(self, index: int, size: int) -> None:
        id_, room = self.room(index)
        if (reading := room.reading) is None or reading.ended:
            return
        page = [message for message in room.messages if message > reading.at][:size]
        reading.ended = len(page) < size
        for message in page:
            if message > reading.position:
                self.arrive(id_, message)
        if page:
            reading.at = page[-1]
            self.tracker.read_up_to(id_, page[-1])

    @rule(index=indexes)
    def end_reading(self, index: int) -> None:
        id_, room = self.room(index)
        if room.reading and room.reading.ended:
            self.tracker.gap_closed(id_, room.parent, room.reading.gap)
            room.reading = None

    @precondition(lambda self: self.writing is None)
    @rule()
    def all_is_read_and_settled(self) -> None:
        for index, (id_, room) in enumerate(self.rooms.items()):
            self.begin_reading(index, 0, len(room.messages) + 1)
            self.end_reading(index)
            settled = [(id_, message) for message in [0, *room.waiting]]
            self.settle(settled, self.tracker.positions_after(settled))
            assert self.tracker.position(id_) == max(room.messages, default=START), "the cursor reaches the end"

    @invariant()
    def no_cursor_passes_what_is_owed_or_moves_back(self) -> None:
        """Neither as it stands nor as it would if something, or all that waits, were settled now."""
        for id_, room in self.rooms.items():
            for batch in ({0}, room.waiting, set(sorted(room.waiting)[:1])):
                would = self.tracker.positions_after([(id_, message) for message in batch])
                position = would.get(id_, self.tracker.position(id_))
                owed = set(room.messages) - room.settled - (batch if would else set())
                assert position is None or position < min(owed, default=position + 1), "an unsettled message is passed"
            assert self.stored.get(id_, 0) >= self.before.get(id_, 0), "a cursor moved back"
        self.before = dict(self.stored)


def test_no_cursor_passes_a_message_that_is_owed() -> None:
    run_state_machine_as_test(CursorMachine, settings=profile(100, 50))
