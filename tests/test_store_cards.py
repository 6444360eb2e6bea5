"""Cards in the database: which reviews share one, with a thousand of them, and without reading whole tables."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain import Card, Outcome, Place
from bot.store import Store
from cogs.review.fold import LARGEST, Board, new_cards
from tests.test_store_reviews import GUILD, MODERATOR, decision

CHANNEL, THREADS, ROOM = 50, 4, 10
FIRST = Card(CHANNEL, 9000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, clock=lambda: 1_000) as store:
        yield store


async def flood(store: Store, count: int) -> None:
    """Flagged posts of many authors in a few threads."""
    decisions = [decision("idiot", flagged=True, external_id=number) for number in range(count)]
    await store.decisions.record(
        [
            replace(
                each, post=replace(each.post, author_id=str(number), place=Place(GUILD, 20, 300 + number % THREADS))
            )
            for number, each in enumerate(decisions)
        ],
        open_reviews=True,
    )


async def post_cards(store: Store, room: int) -> None:
    """What the publisher does in one minute, without Discord."""
    waiting = await store.cards.waiting(GUILD, limit=2000)
    for number, together in enumerate(new_cards(waiting, Board([]), room)):
        reviews = await store.cards.reviews([each.review_id for each in together])
        await store.cards.posted(reviews, Card(CHANNEL, FIRST.message_id + number))


async def test_a_thousand_reviews_fit_on_a_few_cards_of_bounded_size(store: Store) -> None:
    await flood(store, 1_000)
    await post_cards(store, ROOM)
    standing = await store.cards.standing(GUILD, CHANNEL, since=0)
    assert [each.size for each in standing] == [LARGEST] * 4 + [50] * 4
    assert {each.channel_id for each in standing} == {300, 301, 302, 303}
    assert await store.reviews.count_waiting(GUILD) == 0 and await store.reviews.count_open(GUILD) == 1_000
    assert len(await store.cards.posting_times(GUILD, since=0)) == 8, "a card counts once for the cap"


async def test_one_verdict_leaves_one_card_behind(store: Store) -> None:
    await flood(store, 1_000)
    await post_cards(store, ROOM)
    assert await store.cards.behind(GUILD, limit=50) == []
    review = (await store.cards.reviews_on(FIRST.message_id))[17]
    assert await store.reviews.resolve(review.id, Outcome.CONFIRMED, MODERATOR)
    assert await store.cards.behind(GUILD, limit=50) == [FIRST]
    await store.cards.shows(await store.cards.reviews_on(FIRST.message_id), FIRST)
    assert await store.cards.behind(GUILD, limit=50) == []
    assert review.id not in await store.cards.open_on(FIRST.message_id, not_by=0)
    assert len(await store.cards.open_on(FIRST.message_id, not_by=int(review.author_id))) == LARGEST - 1


async def test_a_lost_card_sets_its_open_reviews_free_and_no_others(store: Store) -> None:
    await flood(store, 1_000)
    await post_cards(store, ROOM)
    review = (await store.cards.reviews_on(FIRST.message_id))[0]
    assert await store.reviews.resolve(review.id, Outcome.CONFIRMED, MODERATOR)
    assert await store.cards.lost(FIRST.message_id) == GUILD
    assert await store.reviews.count_waiting(GUILD) == LARGEST - 1
    assert await store.cards.lost(FIRST.message_id) is None


async def test_a_picture_of_older_words_leaves_the_card_behind(store: Store) -> None:
    await flood(store, 3)
    await post_cards(store, 1)
    await store.decisions.mark_deleted([0], 2_000)
    older = await store.cards.reviews_on(FIRST.message_id)
    await store.decisions.sweep_evidence(before=2_000)
    await store.cards.shows(older, FIRST)
    assert await store.cards.behind(GUILD, limit=50) == [FIRST]
    await store.cards.shows(await store.cards.reviews_on(FIRST.message_id), FIRST)
    await store.cards.shows(older, FIRST)
    assert await store.cards.behind(GUILD, limit=50) == [], "what was shown once is not forgotten"


async def test_a_clock_that_is_put_back_holds_up_no_cards(path: Path) -> None:
    now = [10_000_000]
    async with Store.open(path, clock=lambda: now[0]) as store:
        await flood(store, 8)
        await post_cards(store, ROOM)
        assert await store.cards.posting_times(GUILD, since=now[0] - 60_000) != []
        now[0] -= 3_600_000
        assert await store.cards.posting_times(GUILD, since=now[0] - 60_000) == []
