"""The small tables: thresholds and every change of them, cursors, watched channels."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain import ServerSettings
from bot.store import Store
from models.labels import Axis, Label
from tests.support.world import rows

GUILD, CHANNEL, MODERATOR = 1, 20, 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, clock=lambda: 1_000) as store:
        yield store


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
async def test_a_threshold_outside_zero_to_one_never_reaches_the_table(path: Path, store: Store, value: float) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await store.thresholds.set(GUILD, None, Axis.INFLAMMATORY, value, MODERATOR)
    assert rows(path, "SELECT * FROM thresholds") == rows(path, "SELECT * FROM threshold_changes") == []


async def test_every_change_of_a_threshold_is_logged_with_who_and_when(path: Path, store: Store) -> None:
    table = store.thresholds
    await table.set(GUILD, None, Axis.INFLAMMATORY, 0.6, MODERATOR)
    await table.set(GUILD, CHANNEL, Label.THREAT, 0.3, MODERATOR)
    assert await table.set(GUILD, None, Axis.INFLAMMATORY, 0.7, MODERATOR + 1) == 0.6
    assert await table.set(GUILD, None, Axis.INFLAMMATORY, 0.7, MODERATOR) == 0.7
    assert await table.set(GUILD, CHANNEL, Label.THREAT, None, MODERATOR) == 0.3
    assert await table.of(GUILD, None) == {Axis.INFLAMMATORY: 0.7}
    assert await table.of(GUILD, CHANNEL) == {} and await table.channels(GUILD) == []
    told = [(c.key, c.channel_id, c.old, c.new, c.changed_by, c.changed_at) for c in await table.history(GUILD, 10)]
    assert told == [
        (Label.THREAT, CHANNEL, 0.3, None, MODERATOR, 1_000),
        (Axis.INFLAMMATORY, None, 0.6, 0.7, MODERATOR + 1, 1_000),
        (Label.THREAT, CHANNEL, None, 0.3, MODERATOR, 1_000),
        (Axis.INFLAMMATORY, None, None, 0.6, MODERATOR, 1_000),
    ]
    assert await table.history(GUILD + 1, 10) == [] and len(await table.history(GUILD, 2)) == 2


async def test_cursors_only_move_forward(store: Store) -> None:
    await store.decisions.record([], open_reviews=False, cursors={1: 50, 2: 70})
    await store.decisions.record([], open_reviews=False, cursors={1: 40, 2: 80, 3: 5})
    assert await store.decisions.cursors() == {1: 50, 2: 80, 3: 5}


async def test_a_channel_is_watched_once_until_it_is_no_longer(store: Store) -> None:
    await store.servers.save(ServerSettings(GUILD, 5, 6, watch_bots=True))
    await store.servers.watch(GUILD, [CHANNEL, CHANNEL + 1], MODERATOR)
    await store.servers.watch(GUILD, [CHANNEL], MODERATOR)
    assert await store.servers.watched(GUILD) == {CHANNEL: 1_000, CHANNEL + 1: 1_000}
    assert await store.servers.unwatch(CHANNEL) and not await store.servers.unwatch(CHANNEL)
    assert await store.servers.watched() == {CHANNEL + 1: 1_000}
    assert await store.servers.get(GUILD) == ServerSettings(GUILD, 5, 6, watch_bots=True)
