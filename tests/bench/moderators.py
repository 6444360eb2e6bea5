"""What moderators, and the bot itself, ask of a large database: by command, button and round of the publisher."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.domain import Outcome
from bot.store import Store
from models.labels import Axis
from tests.bench.million import BIG_SERVER, CHAT, NOW, REVIEW_CHANNEL

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS

Deeds = dict[str, Callable[[], Awaitable[Any]]]


async def questions(store: Store) -> Deeds:
    """What is asked of the largest server, while it is flooded and 15,000 of its reviews are open."""
    return _commands(store) | await _buttons(store) | await _publisher(store) | _upkeep(store)


def rare_deeds(store: Store) -> Deeds:
    """Long ones: each is one transaction that nobody waits for but what is written meanwhile."""
    return {
        "a chat with 5 % of all posts is deleted": lambda: store.decisions.mark_channel_deleted(CHAT, NOW),
        "a review channel is deleted with all its cards": lambda: store.cards.channel_lost(REVIEW_CHANNEL),
        "retention is cut to a month": lambda: store.decisions.sweep_evidence(NOW - 30 * DAY_MS),
    }


def _commands(store: Store) -> Deeds:
    async def status() -> None:
        await store.servers.get(BIG_SERVER)
        await store.servers.watched(BIG_SERVER)
        await store.decisions.count(BIG_SERVER)
        await store.history.failed(BIG_SERVER, attempts=1_000_000)
        await store.history.unchecked(BIG_SERVER, 5)
        await store.reviews.count_waiting(BIG_SERVER)
        await store.reviews.count_open(BIG_SERVER)

    async def show() -> None:
        await store.thresholds.of(BIG_SERVER, None)
        await store.thresholds.of(BIG_SERVER, CHAT)
        await store.thresholds.channels(BIG_SERVER)

    async def set_up() -> None:
        await store.servers.save(await store.servers.get(BIG_SERVER))
        await store.servers.watch(BIG_SERVER, [CHAT], 7)
        await store.servers.watched(BIG_SERVER)

    return {
        "/status": status,
        "/threshold show": show,
        "/threshold history": lambda: store.thresholds.history(BIG_SERVER, 10),
        "/threshold set": lambda: store.thresholds.set(BIG_SERVER, CHAT, Axis.INFLAMMATORY, 0.5, 7),
        "/setup": set_up,
    }


async def _buttons(store: Store) -> Deeds:
    card = (await store.cards.with_open_reviews(BIG_SERVER))[0]
    to_decide = await store.cards.open_on(card.message_id, not_by=7)

    async def verdict() -> None:
        await store.reviews.get(to_decide[0])
        await store.reviews.resolve(to_decide.pop() if len(to_decide) > 1 else to_decide[0], Outcome.CONFIRMED, 7)
        await store.cards.reviews_on(card.message_id)
        await store.cards.open_on(card.message_id, not_by=7)

    return {"a verdict, and the page after it": verdict}


async def _publisher(store: Store) -> Deeds:
    cards, reviews = store.cards, store.reviews
    waiting = await cards.waiting(BIG_SERVER, 2000)
    joined, *known = await cards.with_open_reviews(BIG_SERVER)

    async def round_of_cards() -> None:
        await cards.waiting(BIG_SERVER, 2000)
        await cards.standing(BIG_SERVER, REVIEW_CHANNEL, NOW - 10 * MINUTE_MS)
        for card in await cards.behind(BIG_SERVER, limit=50):
            await cards.reviews_on(card.message_id)
        await cards.posting_times(BIG_SERVER, NOW - MINUTE_MS)
        await cards.reviews([each.review_id for each in waiting[:25]])
        await cards.notice(BIG_SERVER)

    async def new_session() -> None:
        await reviews.guilds_behind()
        await reviews.guilds_open()
        await cards.with_open_reviews(BIG_SERVER)

    return {
        "a round of the publisher, with 50 cards to draw": round_of_cards,
        "a waiting review joins a card": lambda: cards.join([waiting.pop().review_id], joined),
        "a card is gone": lambda: cards.lost(known.pop().message_id),
        "a channel without cards is gone": lambda: cards.channel_lost(CHAT),
        "a new session": new_session,
    }


def _upkeep(store: Store) -> Deeds:
    history = store.history

    def heat() -> Awaitable[Any]:
        written, quiet = NOW - 10 * MINUTE_MS, NOW - 60 * MINUTE_MS
        return store.heat.hot(BIG_SERVER, written_since=written, quiet_since=quiet, at_least=5, one_in=5)

    return {
        "heat, with 9,500 posts in ten minutes": heat,
        "the start: all cursors": store.decisions.cursors,
        "catch-up: posts of a chat, of two days": lambda: history.standing(CHAT, NOW - 2 * DAY_MS),
        "catch-up: threads of two days": lambda: history.threads_standing(BIG_SERVER, NOW - 2 * DAY_MS),
        "catch-up: failed posts": lambda: history.failed(BIG_SERVER),
        "a hundred posts are deleted": lambda: store.decisions.mark_deleted(range(100), NOW),
        "retention, hourly": lambda: store.decisions.sweep_evidence(0),
    }
