"""Many posts go at once, with a channel or in one report: what that does to their reviews."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain import Outcome, Review
from bot.store import Store
from tests.support.store_model import FORUM, GUILD, decision_of, post_of, thread_of
from tests.support.world import rows

OPEN, JUDGED, UNCERTAIN, ELSEWHERE = 1, 3, 5, 2
"""Posts, in two threads; each has the review of the same place in this order."""
DELETED = "SELECT external_id FROM posts WHERE deleted_at = 9 ORDER BY 1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, clock=lambda: 9) as store:
        posts = [post_of(number, "idiot", 0) for number in (OPEN, JUDGED, UNCERTAIN, ELSEWHERE)]
        await store.decisions.record([decision_of(post, 1) for post in posts], open_reviews=True)
        await store.reviews.resolve(2, Outcome.CONFIRMED, 7)
        await store.reviews.resolve(3, Outcome.REMOVING, 7)
        yield store


async def reviews_of(store: Store) -> list[Review]:
    return await store.cards.reviews([1, 2, 3, 4])


async def test_a_deleted_thread_closes_no_open_review_ends_removals_and_leaves_verdicts_alone(
    path: Path, store: Store
) -> None:
    before = await reviews_of(store)
    assert await store.decisions.mark_channel_deleted(thread_of(OPEN), 9)
    after = await reviews_of(store)
    assert [each.outcome for each in after] == [None, Outcome.CONFIRMED, Outcome.REMOVED, None]
    assert [each.deleted for each in after] == [True, True, True, False]
    assert [new.version - old.version for old, new in zip(before, after, strict=True)] == [1, 0, 1, 0]
    assert rows(path, "SELECT review_id, at FROM review_events WHERE kind = 'deleted'") == [{"review_id": 1, "at": 9}]
    assert [row["external_id"] for row in rows(path, DELETED)] == [str(OPEN), str(JUDGED), str(UNCERTAIN)]


async def test_what_is_known_to_be_deleted_is_no_news(path: Path, store: Store) -> None:
    assert await store.decisions.mark_deleted([OPEN, 77], 9)
    before = await reviews_of(store)
    assert not await store.decisions.mark_deleted([OPEN, 77], 10)
    assert not await store.decisions.mark_deleted([], 10)
    assert await reviews_of(store) == before
    assert await store.decisions.mark_channel_deleted(FORUM, 9)
    assert len(rows(path, "SELECT 1 FROM review_events WHERE kind = 'deleted'")) == 2
    assert len(rows(path, DELETED)) == 4 and await store.reviews.count_open(GUILD) == 2
