"""Posts, decisions and reviews in the database: one decision a revision, one open review a post, one winner."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain import Decision, Outcome, Place, Post, Review, Source, Verdict
from bot.store import Store
from models.classifier import Context, Span
from models.labels import SCORE_KEYS, Axis, Label
from tests.support.world import rows

GUILD, FORUM, THREAD = 1, 20, 300
PLACE = Place(GUILD, FORUM, THREAD)
FLAGS = Verdict((Axis.INFLAMMATORY,), Label.INSULT)
PASS = Verdict((), Label.INSULT)
MODERATOR = 7


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, clock=lambda: 1_000) as store:
        yield store


def post(text: str, external_id: int = 301) -> Post:
    return Post(Source.DISCORD, str(external_id), "5", "alice", (text,), 900, "Budget", reply_to="Why?", place=PLACE)


def decision(text: str, *, flagged: bool, external_id: int = 301, at: int = 1_000) -> Decision:
    return Decision(
        post=post(text, external_id),
        model_version="test-1",
        scores=dict.fromkeys(SCORE_KEYS, 0.9 if flagged else 0.1),
        thresholds=dict.fromkeys(SCORE_KEYS, 0.5),
        context=frozenset({Context.TITLE, Context.REPLY_TO}),
        verdict=FLAGS if flagged else PASS,
        decided_at=at,
        latency_ms=1.5,
        decisive=Span(0, len(text)) if flagged else None,
    )


async def write(store: Store, *decisions: Decision) -> int:
    return await store.decisions.record(decisions, open_reviews=True)


async def waiting(store: Store) -> list[Review]:
    return await store.cards.reviews([each.review_id for each in await store.cards.waiting(GUILD, limit=10)])


async def only_review(store: Store) -> Review:
    (review,) = await waiting(store)
    return review


async def test_a_revision_is_recorded_once_however_often_it_is_written(path: Path, store: Store) -> None:
    first = decision("An idiot wrote this.", flagged=True)
    assert await write(store, first, first) == 1
    assert await write(store, replace(first, decided_at=2_000)) == 0
    (row,) = rows(path, "SELECT * FROM decisions")
    assert row["decided_at"] == 1_000 and row["flagged"] == 1
    assert len(rows(path, "SELECT * FROM posts")) == len(rows(path, "SELECT * FROM reviews")) == 1


async def test_a_decision_is_read_back_as_it_was_written(store: Store) -> None:
    written = decision("An idiot wrote this.", flagged=True)
    await write(store, written)
    assert await store.decisions.find([written.post]) == [written]
    assert await store.decisions.find([post("Something else")]) == [None]
    assert await store.decisions.find([replace(written.post, thread_title="New title", reply_to=None)]) != [None]


async def test_the_words_of_unflagged_posts_are_nowhere_in_the_file(path: Path, store: Store) -> None:
    await write(store, decision("A zebra crossing is planned.", flagged=False), decision("idiot", flagged=True))
    assert rows(path, "SELECT text FROM evidence") == [{"text": "idiot"}]
    for file in path.parent.iterdir():
        assert b"zebra" not in file.read_bytes(), file.name


async def test_a_batch_is_written_wholly_or_not_at_all(path: Path, store: Store) -> None:
    broken = replace(decision("two", flagged=False, external_id=302), scores={Axis.INFLAMMATORY: float("nan")})
    with pytest.raises(Exception, match="json_valid"):
        await store.decisions.record([decision("one", flagged=True), broken], open_reviews=True, cursors={THREAD: 302})
    for table in ("posts", "decisions", "evidence", "reviews", "cursors"):
        assert rows(path, f"SELECT * FROM {table}") == [], table
    assert await write(store, decision("one", flagged=True)) == 1


async def test_a_post_without_anything_to_read_has_a_decision_without_scores(path: Path, store: Store) -> None:
    await write(store, replace(decision("", flagged=False), scores={}, verdict=Verdict((), None)))
    (row,) = rows(path, "SELECT * FROM decisions")
    assert (row["inflammatory"], row["misinformation"], row["strongest_label"]) == (None, None, None)
    (found,) = await store.decisions.find([post("")])
    assert found is not None and found.scores == {}


async def test_an_edit_back_to_an_earlier_text_points_back_to_its_decision(path: Path, store: Store) -> None:
    for text in ("one", "two", "one"):
        await write(store, decision(text, flagged=False))
    (pointed,) = rows(path, "SELECT current_decision_id FROM posts")
    first, _ = rows(path, "SELECT id FROM decisions ORDER BY id")
    assert pointed["current_decision_id"] == first["id"]


async def test_a_later_flagged_revision_updates_the_open_review(path: Path, store: Store) -> None:
    await write(store, decision("idiot", flagged=True))
    await write(store, decision("total idiot", flagged=True))
    review = await only_review(store)
    assert review.evidence is not None and review.evidence.text == "total idiot" and not review.edited
    assert [row["kind"] for row in rows(path, "SELECT kind FROM review_events")] == ["opened", "updated"]


async def test_an_edit_to_a_harmless_text_is_noted_on_the_review(store: Store) -> None:
    await write(store, decision("idiot", flagged=True))
    await write(store, decision("friend", flagged=False))
    review = await only_review(store)
    assert review.edited and review.evidence is not None and review.evidence.text == "idiot"
    await write(store, decision("idiot", flagged=True))
    assert not (await only_review(store)).edited


async def test_an_edit_back_to_an_earlier_flagged_text_shows_that_text_again(store: Store) -> None:
    for text in ("idiot", "total idiot", "idiot"):
        await write(store, decision(text, flagged=True))
    review = await only_review(store)
    assert review.evidence is not None and review.evidence.text == "idiot"
    assert not review.edited


async def test_a_flag_after_a_resolved_review_opens_another(store: Store) -> None:
    await write(store, decision("idiot", flagged=True))
    first = await only_review(store)
    assert await store.reviews.resolve(first.id, Outcome.FALSE_ALARM, MODERATOR)
    await write(store, decision("total idiot", flagged=True))
    assert await store.reviews.count_open(GUILD) == 1
    assert sorted(review.id for review in await waiting(store)) != [first.id]


async def test_of_moderators_who_resolve_at_once_exactly_one_wins(path: Path, store: Store) -> None:
    await write(store, decision("idiot", flagged=True))
    review = await only_review(store)
    outcomes = [Outcome.CONFIRMED, Outcome.FALSE_ALARM, Outcome.REMOVING, Outcome.CONFIRMED]
    won = await asyncio.gather(
        *(store.reviews.resolve(review.id, outcome, 100 + number) for number, outcome in enumerate(outcomes))
    )
    assert won.count(True) == 1
    (row,) = rows(path, "SELECT outcome, resolved_by, resolved_at FROM reviews")
    winner = won.index(True)
    assert row == {"outcome": outcomes[winner].value, "resolved_by": 100 + winner, "resolved_at": 1_000}
    logged = rows(path, "SELECT kind, actor_id FROM review_events WHERE kind != 'opened'")
    assert logged == [{"kind": outcomes[winner].value, "actor_id": 100 + winner}]


async def test_a_review_that_does_not_exist_cannot_be_resolved(path: Path, store: Store) -> None:
    assert not await store.reviews.resolve(99, Outcome.CONFIRMED, MODERATOR)
    assert await store.reviews.get(99) is None
    assert rows(path, "SELECT * FROM review_events") == []


async def test_deleting_a_thread_marks_all_its_posts_and_their_cards(store: Store) -> None:
    await write(store, decision("idiot", flagged=True), decision("fine", flagged=False, external_id=302))
    assert await store.decisions.mark_channel_deleted(THREAD, 2_000)
    assert (await only_review(store)).deleted
    assert not await store.decisions.mark_channel_deleted(THREAD, 3_000), "all were known to be gone"
    assert not await store.decisions.mark_deleted([301, 999], 3_000)


async def test_a_post_that_could_not_be_scored_is_noted_without_its_text_until_it_can(path: Path, store: Store) -> None:
    await store.decisions.mark_failed(post("A zebra broke it."), "the classifier failed", {THREAD: 301})
    assert rows(path, "SELECT failure FROM posts") == [{"failure": "the classifier failed"}]
    assert await store.decisions.cursors() == {THREAD: 301}
    assert all(b"zebra" not in file.read_bytes() for file in path.parent.iterdir())
    await write(store, decision("A zebra broke it.", flagged=False))
    assert rows(path, "SELECT failure FROM posts") == [{"failure": None}]


async def test_sweeping_deletes_words_and_keeps_decisions_and_tells_the_cards(path: Path, store: Store) -> None:
    await write(
        store, decision("idiot", flagged=True, at=1_000), decision("kill", flagged=True, external_id=302, at=2_000)
    )
    before = await only_review_of(store, "301")
    assert await store.decisions.sweep_evidence(before=2_000) == 1
    assert rows(path, "SELECT text FROM evidence") == [{"text": "kill"}]
    assert len(rows(path, "SELECT * FROM decisions")) == 2
    after = await only_review_of(store, "301")
    assert after.evidence is None and after.version > before.version


async def only_review_of(store: Store, post_id: str) -> Review:
    (review,) = [review for review in await waiting(store) if review.post_id == post_id]
    return review


async def test_counts_are_of_one_server_only(store: Store) -> None:
    await write(store, decision("idiot", flagged=True), decision("fine", flagged=False, external_id=302))
    await store.decisions.mark_failed(post("broken", 303), "failed")
    elsewhere = replace(
        decision("idiot", flagged=True, external_id=304), post=replace(post("idiot", 304), place=Place(2, 9))
    )
    await write(store, elsewhere)
    assert await store.decisions.count(GUILD) == (2, 1, 1)
    assert await store.decisions.count(GUILD + 1) == (1, 1, 0)
    assert sorted(await store.reviews.guilds_behind()) == [GUILD, GUILD + 1]


async def test_an_edit_back_to_words_that_were_swept_shows_them_again(store: Store) -> None:
    first, other = decision("idiot", flagged=True), decision("fine now", flagged=False)
    await store.decisions.record([first], open_reviews=True)
    await store.decisions.sweep_evidence(before=10**15)
    await store.decisions.record([other], open_reviews=True)
    await store.decisions.record([first], open_reviews=True)
    review = await store.reviews.get(1)
    assert review is not None and review.evidence is not None and "idiot" in review.evidence.text


async def test_half_characters_are_kept_as_question_marks(store: Store) -> None:
    await store.decisions.record([decision("idiot \ud83d!", flagged=True)], open_reviews=True)
    review = await store.reviews.get(1)
    assert review is not None and review.evidence is not None and review.evidence.text.endswith("idiot ?!")
