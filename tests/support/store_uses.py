"""Everything that can be asked of a store, and a recorder of the statements that it runs for that."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bot.store
from bot.domain import Card, Outcome, ServerSettings, Unchecked
from bot.store import Store
from models.labels import Axis
from tests.support.store_model import FORUM, GUILD, decision_of, post_of, thread_of

THREAD, MODERATOR, NOW = thread_of(1), 7, 1_000
CARD, OTHER_CARD, NOTICE = Card(50, 9000), Card(50, 9001), Card(50, 9002)
FOLDER = Path(bot.store.__file__).parent
REPOSITORIES = sorted(set(FOLDER.glob("*.py")) - {FOLDER / f"{name}.py" for name in ("database", "check", "backup")})

Uses = Iterator[tuple[str, Awaitable[Any]]]


@dataclass(frozen=True)
class Statement:
    method: str
    place: tuple[str, int]
    sql: str
    parameters: Sequence[Any]


class Recorder:
    """Notes each statement that a store runs, which method ran it, and where in the source."""

    def __init__(self) -> None:
        self.method = ""
        self.statements: list[Statement] = []

    def listen(self, store: Store) -> None:
        database = store.decisions._database
        for connection in (database._reader, database._writer):
            for name in ("execute", "executemany", "execute_fetchall"):
                setattr(connection, name, self._noted(getattr(connection, name)))

    def _noted(self, run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(sql: str, parameters: Sequence[Any] = ()) -> Any:
            frame = inspect.currentframe()
            while frame and Path(frame.f_code.co_filename) not in REPOSITORIES:
                frame = frame.f_back
            each = parameters if run.__name__ == "executemany" else [parameters]
            if frame and each:  # else it is BEGIN or COMMIT, or nothing is run at all
                place = Path(frame.f_code.co_filename).name, frame.f_lineno
                self.statements.append(Statement(self.method, place, sql, each[0]))
            return await run(sql, parameters)

        return noted


def uses(store: Store) -> Uses:
    """Every public method of every repository, on all its ways; the order matters."""
    yield from _settings(store)
    yield from _posts(store)
    yield from _history(store)
    yield from _cards(store)
    yield from _verdicts(store)
    yield from _ends(store)


def _settings(store: Store) -> Uses:
    servers, thresholds = store.servers, store.thresholds
    yield "servers.save", servers.save(ServerSettings(GUILD))
    yield "servers.watch", servers.watch(GUILD, [FORUM], MODERATOR)
    yield "servers.get", servers.get(GUILD)
    yield "servers.watched", servers.watched(GUILD)
    yield "servers.watched", servers.watched()
    yield "servers.unwatch", servers.unwatch(FORUM)
    yield "thresholds.set", thresholds.set(GUILD, None, Axis.INFLAMMATORY, 0.5, MODERATOR)
    yield "thresholds.set", thresholds.set(GUILD, None, Axis.INFLAMMATORY, None, MODERATOR)
    yield "thresholds.of", thresholds.of(GUILD, None)
    yield "thresholds.of_all", thresholds.of_all({(GUILD, None), (GUILD, FORUM), (2, None)})
    yield "thresholds.channels", thresholds.channels(GUILD)
    yield "thresholds.history", thresholds.history(GUILD, 10)


def _posts(store: Store) -> Uses:
    decisions = store.decisions
    flagged = [decision_of(post_of(number, "idiot", 0), NOW) for number in range(1, 7)]
    edited = decision_of(post_of(1, "friend", 1), NOW)
    back = decision_of(post_of(1, "idiot", 2), NOW)
    yield "decisions.record", decisions.record(flagged, open_reviews=True, cursors={THREAD: 301})
    yield "decisions.record", decisions.record([edited, back], open_reviews=True)
    yield "decisions.find", decisions.find([edited.post, back.post, post_of(9, "friend", 0)])
    yield "decisions.mark_failed", decisions.mark_failed(post_of(2, "kill", 1), "broke", {THREAD: 302})
    yield "decisions.cursors", decisions.cursors()
    yield "decisions.count", decisions.count(GUILD)


def _history(store: Store) -> Uses:
    history, heat = store.history, store.heat
    yield "history.standing", history.standing(THREAD, 0)
    yield "history.threads_standing", history.threads_standing(GUILD, 0)
    yield "history.failed", history.failed(GUILD)
    yield "history.move_cursors", history.move_cursors({THREAD: 310})
    yield "history.note_unchecked", history.note_unchecked(GUILD, Unchecked(THREAD, 0, 1, "too old"))
    yield "history.unchecked", history.unchecked(GUILD, 5)
    yield "heat.hot", heat.hot(GUILD, written_since=0, quiet_since=0, at_least=5, one_in=5)
    yield "heat.announced", heat.announced(GUILD, THREAD)


def _cards(store: Store) -> Uses:
    cards = store.cards
    yield "cards.waiting", cards.waiting(GUILD, 10)
    yield "cards.reviews", cards.reviews([1, 2])
    yield "cards.posted", _post_card(store)
    yield "cards.join", cards.join([3, 4], CARD)
    yield "cards.adopt", cards.adopt([5], OTHER_CARD, NOW)
    yield "cards.shows", _draw_card(store)
    yield "cards.standing", cards.standing(GUILD, CARD.channel_id, 0)
    yield "cards.behind", cards.behind(GUILD, limit=50)
    yield "cards.with_open_reviews", cards.with_open_reviews(GUILD)
    yield "cards.reviews_on", cards.reviews_on(CARD.message_id)
    yield "cards.open_on", cards.open_on(CARD.message_id, not_by=1)
    yield "cards.posting_times", cards.posting_times(GUILD, 0)
    yield "cards.save_notice", cards.save_notice(GUILD, NOTICE)
    yield "cards.notice", cards.notice(GUILD)


def _verdicts(store: Store) -> Uses:
    reviews = store.reviews
    yield "reviews.get", reviews.get(1)
    yield "reviews.guilds_behind", reviews.guilds_behind()
    yield "reviews.guilds_open", reviews.guilds_open()
    yield "reviews.count_waiting", reviews.count_waiting(GUILD)
    yield "reviews.count_open", reviews.count_open(GUILD)
    yield "reviews.resolve", reviews.resolve(1, Outcome.REMOVING, MODERATOR, 1)
    yield "reviews.reopen", reviews.reopen(1, "refused")
    yield "reviews.resolve", reviews.resolve(1, Outcome.REMOVING, MODERATOR, 1)
    yield "reviews.finish_removal", reviews.finish_removal(1)
    yield "reviews.found_gone", reviews.found_gone(1)


def _ends(store: Store) -> Uses:
    decisions, cards = store.decisions, store.cards
    yield "cards.lost", cards.lost(OTHER_CARD.message_id)
    yield "cards.channel_lost", cards.channel_lost(CARD.channel_id)
    yield "decisions.mark_deleted", decisions.mark_deleted([3, 4], NOW)
    yield "decisions.mark_channel_deleted", decisions.mark_channel_deleted(THREAD, NOW)
    yield "decisions.sweep_evidence", decisions.sweep_evidence(NOW + 1)


async def _post_card(store: Store) -> None:
    await store.cards.posted(await store.cards.reviews([1, 2]), CARD)


async def _draw_card(store: Store) -> None:
    await store.cards.shows(await store.cards.reviews_on(CARD.message_id), CARD)
