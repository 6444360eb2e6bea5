"""Random sequences of all that happens to the store, beside a model in plain Python.

The program is killed in between, too, also in the middle of a transaction. To search longer, with another seed each
time: ``PROPERTY_EXAMPLES=5000 pytest --timeout=0 tests/test_store_properties.py tests/test_cursor_properties.py``.
"""

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from bot.domain import Card, Outcome, Review
from bot.store import Store
from tests.support.killable_store import KillableStore
from tests.support.properties import indexes, profile
from tests.support.store_model import (
    FAULTS,
    FORUM,
    GUILD,
    POSTS,
    TABLES,
    TEXT_OF,
    WORDS,
    Model,
    ReviewModel,
    decision_of,
    post_of,
    thread_of,
)

REVIEW_CHANNELS = (70, 71)

posts = st.sampled_from(POSTS)
texts = st.sampled_from(list(WORDS))
times = st.none() | st.integers(0, 40)
"""When a state of a post was written: None is now, anything else was read late from history."""
states = st.lists(st.tuples(posts, texts, times), min_size=1, max_size=3)
verdicts = st.sampled_from([Outcome.CONFIRMED, Outcome.FALSE_ALARM, Outcome.REMOVING])


class StoreMachine(KillableStore):
    """Members write and delete, moderators judge, the publisher draws cards; any of it may end half-way."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.before: dict[int, dict[str, Any]] = {}
        self.drawing: list[Review] = []
        self.pictures: dict[int, object] = {}

    @override
    def start_again(self) -> None:
        super().start_again()
        self.drawing = []

    @rule(states=states, without_reviews=st.integers(0, 3).map(lambda chance: chance == 3))
    def write(self, states: list[tuple[int, str, int | None]], without_reviews: bool) -> None:
        """A batch of posts, edits, edits taken back, late readings."""
        at = self.now + 1  # when it is done, by the store's clock
        moved = {thread_of(post): at for post, *_ in states}
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
                assert was.outcome is Outcome.REMOVING
                assert review.outcome in (None, Outcome.REMOVED, Outcome.CONFIRMED)
            if picture(review) != picture(was):
                assert review.version > was.version, "the card has to be drawn anew"
            if review.card and shown[review.id] == review.version:
                assert self.pictures[review.id] == picture(review), "the card shows something else, and will for ever"
        self.before = {review.id: review for review in reviews}


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
