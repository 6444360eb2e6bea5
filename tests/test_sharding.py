"""Two shards in one process: each server gets its own, and a shard that loses its session disturbs no other.

`tests/loopback/test_shards.py` shows the same over real sockets.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot import heartbeat
from bot.config import Settings
from bot.cursors import CursorTracker
from bot.heartbeat import beating, unhealthy
from bot.login import is_connected
from bot.shards import AWAY_MS
from tests.support.world import World, answer, open_world, text_of, until

ON_SHARD_0, ON_SHARD_1 = 4 << 22, 5 << 22
"""Ids of servers."""


@pytest_asyncio.fixture
async def towns(settings: Settings) -> AsyncIterator[tuple[World, World]]:
    """Both are set up; the first is on shard 0 of two, the second on shard 1."""
    async with open_world(settings, shards=2) as first:
        second = World(first.env, settings, shard_id=1)
        await first.env.settle()
        for world in (first, second):
            await world.set_up()
        yield first, second


@asynccontextmanager
async def session_lost(world: World, shard_id: int) -> AsyncIterator[None]:
    """Inside, nothing reaches the shard; afterwards it has a new session."""
    shard = world.env.bot.get_shard(shard_id)
    with world.env._bot_scope():
        await shard.disconnect()
    await world.env.settle()
    yield
    with world.env._bot_scope():
        await shard.reconnect()
    await world.env.settle()


async def happens(world: World, event: str, shard_id: int) -> None:
    """An event of discord.py's, or of our own."""
    with world.env._bot_scope():
        world.env.bot.dispatch(event, shard_id)
    await world.env.settle()


def asked(world: World, since: int = 0) -> list[str]:
    """What Discord was asked for about the world's server and its channels, from request number ``since`` on."""
    places = (world.guild, world.forum, world.chat, world.review)
    return [
        f"{request.method} {request.path}"
        for request in world.env.http_requests[since:]
        if any(str(place.id) in request.path for place in places)
    ]


async def decided(world: World) -> list[int]:
    return sorted(int(decision["external_id"]) for decision in await world.decisions())


async def test_each_server_gets_the_cards_of_its_own_posts(towns: tuple[World, World]) -> None:
    assert [world.env.bot.get_guild(world.guild.id).shard_id for world in towns] == [0, 1]
    for number, world in enumerate(towns):
        await world.alice.send(world.chat, f"You idiot number {number}.")
    for number, world in enumerate(towns):
        assert f"idiot number {number}" in text_of(await world.card())


async def test_a_shard_that_lost_its_session_catches_up_and_the_other_is_not_read(towns: tuple[World, World]) -> None:
    first, second = towns
    async with session_lost(second, 1):
        seen = await first.alice.send(first.chat, "You idiot here.")
        missed = second.env.backend.create_message(second.chat.id, second.alice.id, "You idiot there.")
        await first.env.settle()
        assert await decided(first) == [seen.id]
        before = len(first.env.http_requests)
    assert await decided(first) == sorted([seen.id, missed.id])
    assert "idiot there" in text_of(await second.card()) and "idiot here" in text_of(await first.card())
    assert f"GET /channels/{second.chat.id}/messages" in asked(second, before)
    assert asked(first, before) == []
    cursors = first.services.cursors
    assert cursors.position(second.chat.id) == missed.id and cursors.position(first.chat.id) == seen.id


async def test_a_lost_session_holds_the_cursors_of_its_servers_only(towns: tuple[World, World]) -> None:
    first, second = towns
    cursors, threads = first.services.cursors, list[int]()
    for world in towns:
        await world.alice.send(world.chat, "Hello.")
        thread, _ = await world.forum_post(world.alice, "Budget vote", "A fine plan.")
        threads.append(thread.id)
    held = cursors.position(second.chat.id)
    await happens(first, "shard_connect", 1)
    assert [cursors.is_continuous(thread) for thread in threads] == [True, False]
    live = [await world.alice.send(world.chat, "Hello again.") for world in towns]
    assert cursors.position(first.chat.id) == live[0].id and cursors.position(second.chat.id) == held


async def test_cards_deleted_meanwhile_come_again_where_nobody_was_told(towns: tuple[World, World]) -> None:
    first, second = towns
    for world in towns:
        await world.alice.send(world.chat, "You idiot.")
    gone = await second.card()
    async with session_lost(second, 1):
        second.env.backend.delete_message(second.review.id, gone.id)
        before = len(first.env.http_requests)
    assert asked(first, before) == []
    await first.bob.send(first.chat, "You idiot, too.")
    assert not any(request.startswith("GET") for request in asked(first, before)), "no card is looked for there"
    again = await second.card()
    assert again.id != gone.id and "idiot" in text_of(again)


async def test_a_new_session_of_one_shard_looks_at_no_reviews_of_another(
    towns: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = towns
    for world in towns:
        await world.alice.send(world.chat, "You idiot.")
    publisher, published = first.env.bot.get_cog("ReviewCog").publisher, list[int]()

    async def publish(guild_id: int) -> None:
        published.append(guild_id)

    monkeypatch.setattr(publisher, "publish", publish)
    await happens(first, "new_session", 1)
    assert set(published) == {second.guild.id}


async def test_a_shard_whose_own_event_never_comes_is_caught_up_with_all_the_same(
    towns: tuple[World, World],
) -> None:
    """discord.py drops it if another shard's second READY follows at once: see `bot/shards.py`."""
    first, _ = towns
    heard: list[str] = []

    async def on_shard_ready(shard_id: int) -> None:
        heard.append(f"shard {shard_id} ready")

    async def on_new_session(shard_id: int) -> None:
        heard.append(f"new session of {shard_id}")

    for listener in (on_shard_ready, on_new_session):
        first.env.bot.add_listener(listener)
    missed = first.env.backend.create_message(first.chat.id, first.alice.id, "You idiot.", broadcast=False)
    with first.env._bot_scope():
        for shard_id in (0, 1, 1):
            first.env.bot.get_shard(shard_id)._parent._reconnect(shard_id)  # READY without a disconnection
            await asyncio.sleep(0)
    await first.env.settle()
    assert sorted(heard) == ["new session of 0", "new session of 1", "shard 1 ready"]
    assert missed.id in await decided(first)


async def test_status_tells_of_the_shard_of_its_server(towns: tuple[World, World]) -> None:
    first, second = towns
    await first.env.advance_time(90)
    async with session_lost(second, 1):
        pass
    began = [int(first.env.now().timestamp()) - ago for ago in (90, 0)]
    for shard_id, world in enumerate(towns):
        said = answer(await world.mod.slash(world.chat, "status"))
        assert f"shard ID {shard_id} of 2 shards, its session began <t:{began[shard_id]}:R>" in said
        assert said.count("shard ID") == 1
    await happens(first, "shard_disconnect", 1)
    lost = f"connection lost <t:{int(first.env.now().timestamp())}:R>"
    for shard_id, world in enumerate(towns):
        assert (lost in answer(await world.mod.slash(world.chat, "status"))) == (shard_id == 1)


async def test_status_does_not_speak_of_shards_where_there_is_one(world: World) -> None:
    await world.set_up()
    assert "shard" not in answer(await world.mod.slash(world.chat, "status"))


async def test_the_heartbeat_tells_which_shard_is_away_for_long(
    towns: tuple[World, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = towns
    bot, path = first.env.bot, tmp_path / "heartbeat.json"
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.01)

    def judged() -> str | None:
        return unhealthy(path, first.services.clock)

    async with beating(path, first.services, lambda: is_connected(bot), bot.away):
        await until(path.exists)
        assert judged() is None
        async with session_lost(second, 1):
            assert is_connected(bot), "it may be back in a moment"
            await first.env.advance_time(AWAY_MS / 1000 + 1)
            await until(lambda: judged() == "the bot is not connected to Discord (shard 1)")
        await until(lambda: judged() is None)


async def test_a_resumed_shard_is_not_away_and_has_missed_nothing(towns: tuple[World, World]) -> None:
    first, second = towns
    bot, before = first.env.bot, len(first.env.http_requests)
    for _ in range(2):  # it comes again with each attempt
        await happens(first, "shard_disconnect", 1)
        await first.env.advance_time(AWAY_MS / 1000 - 10)
    assert bot.away() == [1] and not is_connected(bot)
    await happens(first, "shard_resumed", 1)
    assert bot.away() == [] and is_connected(bot)
    assert asked(second, before) == []


async def test_a_bot_with_no_connection_at_all_is_not_connected_at_once(towns: tuple[World, World]) -> None:
    first, second = towns
    async with session_lost(first, 0):
        assert is_connected(first.env.bot)
        async with session_lost(second, 1):
            assert not is_connected(first.env.bot) and first.env.bot.away() == []


@pytest.mark.parametrize(("guild_id", "missed"), [(ON_SHARD_0, False), (ON_SHARD_1, True)])
def test_a_new_session_opens_a_gap_on_the_servers_of_its_shard(guild_id: int, missed: bool) -> None:
    tracker = CursorTracker({})
    tracker.connected(0, 2)
    tracker.connected(1, 2)
    tracker.born(7, 8, guild_id)
    being_read = tracker.gap(9, 8, guild_id)
    tracker.connected(1, 2)
    assert tracker.is_continuous(7) is not missed
    assert tracker.gap_closed(9, 8, being_read) is not missed
