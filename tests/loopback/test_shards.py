"""The real bot as a process, split into two shards: real sockets, discord.py's own reconnecting and its pauses."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.loopback.bot_process import APPLICATION, TOKEN, BotProcess
from tests.loopback.server import Loopback, serving
from tests.loopback.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(loop_scope="module", scope="module")
SECONDS = 15
"""discord.py waits five before it asks for a new session."""


@shared
async def loopback() -> AsyncIterator[Loopback]:
    async with serving(APPLICATION, TOKEN, heartbeat_ms=500) as opened:
        opened.world.shards = 2
        yield opened
    assert asyncio.all_tasks() == {asyncio.current_task()}


@shared
async def towns(loopback: Loopback) -> list[Town]:
    """The server on shard 0, the server on shard 1."""
    return [Town(loopback.world, shard_id) for shard_id in (0, 1)]


@shared
async def process(
    loopback: Loopback, towns: list[Town], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BotProcess]:
    started = BotProcess(loopback, tmp_path_factory.mktemp("bot"), "--silence", "2", THREADWATCH_CARDS_PER_MINUTE="60")
    for town in towns:
        await town.set_up(started.database)
    yield started
    await started.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(process: BotProcess, towns: list[Town]) -> AsyncIterator[BotProcess]:
    """Running, with both shards connected, and done with reading what it missed."""
    if not process.running:
        start = len(process.discord.rest.answered)
        await process.start()
        await caught_up(process, towns[1], start)
    await process.until(lambda: process.discord.gateway.ready, "a bot with both shards connected", SECONDS)
    yield process


def read_since(loopback: Loopback, town: Town, start: int) -> list[str]:
    """What was read of the town's history, from REST request number ``start`` on."""
    read = (f"GET /guilds/{town.guild.id}/threads/active", f"GET /channels/{town.chat.id}/messages")
    return [asked for asked, _ in loopback.rest.answered[start:] if asked in read]


async def caught_up(bot: BotProcess, town: Town, start: int) -> None:
    """Twice in each new session: when the server comes into view, and when all of its shard's servers have."""
    last = f"GET /channels/{town.chat.id}/users/@me/threads/archived/private"
    await bot.until(
        lambda: [asked for asked, _ in bot.discord.rest.answered[start:]].count(last) == 2,
        "a bot that caught up",
        SECONDS,
    )


def cursor(bot: BotProcess, town: Town) -> int:
    with sqlite3.connect(f"file:{bot.database}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT position FROM cursors WHERE channel_id = ?", (town.chat.id,)).fetchone()
    return found[0] if found else 0


def lose_session(loopback: Loopback, shard_id: int) -> int:
    """Returns how often the bot has asked for a session before."""
    identified = loopback.gateway.identified
    loopback.gateway_faults.refuse_next_resume()
    loopback.gateway_faults.drop(shard_id)
    return identified


async def test_each_server_gets_the_cards_of_its_own_posts(bot: BotProcess, towns: list[Town]) -> None:
    for number, town in enumerate(towns):
        town.flagged(f"The idiot of shard {number}")
    for number, town in enumerate(towns):
        await town.card(f"idiot of shard {number}")
        assert not town.cards(f"idiot of shard {1 - number}")


async def test_a_shard_that_lost_its_session_catches_up_and_the_other_is_not_read(
    bot: BotProcess, loopback: Loopback, towns: list[Town]
) -> None:
    start, identified = len(loopback.rest.answered), lose_session(loopback, 1)
    posts = [town.world.post(town.chat, town.alice, f"A lost idiot {number}") for number, town in enumerate(towns)]
    await towns[0].card("lost idiot 0")
    assert not towns[1].cards("lost idiot 1")
    await towns[1].card("lost idiot 1", SECONDS)
    await caught_up(bot, towns[1], start)
    assert loopback.gateway.identified == identified + 1
    assert read_since(loopback, towns[0], start) == []
    await bot.until(
        lambda: [cursor(bot, town) for town in towns] == [post.id for post in posts], "both cursors at the end"
    )


async def test_a_network_that_fails_for_a_while_costs_no_session(
    bot: BotProcess, loopback: Loopback, towns: list[Town]
) -> None:
    """discord.py by itself would ask for a new session after the first failure, and end the bot after the second."""
    identified, resumed = loopback.gateway.identified, loopback.gateway.resumed
    loopback.gateway_faults.refuse_next_connections(False, True)
    loopback.gateway_faults.drop(0)
    towns[0].flagged("The idiot behind the network")
    await bot.until(lambda: loopback.gateway.resumed > resumed, "a resumed session", SECONDS)
    await towns[0].card("behind the network")
    assert loopback.gateway.identified == identified


async def test_a_server_that_removed_the_bot_meanwhile_is_not_asked_for_any_more(
    bot: BotProcess, loopback: Loopback, towns: list[Town]
) -> None:
    gone = loopback.world.guilds.pop(towns[1].guild.id)
    try:
        identified = lose_session(loopback, 1)
        new_session = "a new session of the shard"
        await bot.until(
            lambda: loopback.gateway.identified > identified and loopback.gateway.ready, new_session, SECONDS
        )
        start = len(loopback.rest.answered)
        await asyncio.sleep(2.5)  # discord.py waits for two seconds whether more servers come
        assert read_since(loopback, towns[1], start) == []
    finally:
        loopback.world.guilds[gone.id] = gone
        await bot.kill()


@pytest.mark.parametrize("shards", [1, 2])
async def test_a_restart_with_another_number_of_shards_loses_nothing(
    process: BotProcess, loopback: Loopback, towns: list[Town], shards: int
) -> None:
    await process.kill()
    posts = [
        town.world.post(town.chat, town.alice, f"An idiot at night {number}, {shards}")
        for number, town in enumerate(towns)
    ]
    loopback.world.shards = shards
    await process.start()
    for number, town in enumerate(towns):
        await town.card(f"idiot at night {number}, {shards}", SECONDS)
    await process.until(
        lambda: [cursor(process, town) for town in towns] == [post.id for post in posts], "both cursors at the end"
    )
