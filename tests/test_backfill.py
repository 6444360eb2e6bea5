"""`/backfill` reads older posts: as a rehearsal that leaves nothing behind, or for good."""

from typing import Any

import discord
import pytest
from simcord.backend.models import Overwrite

from bot.config import Settings
from cogs.catchup import backfill
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, assert_nobody_pinged, open_world, refusal, text_of

DAY = 24 * 3600
TABLES = ("posts", "decisions", "evidence", "reviews", "cursors", "unchecked")


def _write(world: World, channel: Any, *texts: str) -> list[int]:
    """Alice wrote this before anybody watched."""
    create = world.env.backend.create_message
    return [create(channel.id, world.alice.id, text, broadcast=False).id for text in texts]


async def _read_back(world: World, channel: Any, days: int = 30, **options: Any) -> str:
    result = await world.chief.slash(world.chat, "backfill", channel=channel, days=days, **options)
    assert result.ephemeral
    return answer(result)


async def _records(world: World) -> list[list[dict[str, Any]]]:
    return [await world.rows(f"SELECT * FROM {table}") for table in TABLES]


async def test_a_rehearsal_counts_and_links_and_records_nothing(world: World) -> None:
    await world.set_up()
    await world.services.store.servers.unwatch(world.chat.id)
    _write(world, world.chat, "Good morning.", "He is late.")
    rude, cabal = _write(world, world.chat, "You idiot @everyone.", "A cabal!")
    before = await _records(world)
    said = await _read_back(world, world.chat)
    assert "4 posts read, 2 would have been flagged (50.0%)" in said
    assert "insult" in said.lower() or "Inflammatory: 1" in said
    for message_id in (rude, cabal):
        assert f"https://discord.com/channels/{world.guild.id}/{world.chat.id}/{message_id}" in said
    assert "nothing was saved" in said and "You idiot" not in said
    assert await _records(world) == before and before[0] == [] and await world.cards() == []
    assert_nobody_pinged(world)


async def test_only_the_days_asked_for_are_read(world: World) -> None:
    await world.set_up()
    _write(world, world.chat, "An old idiot.")
    await world.env.advance_time(DAY + 3600)
    _write(world, world.chat, "A young idiot.")
    assert "1 posts read, 1 would" in await _read_back(world, world.chat, days=1)
    assert "2 posts read, 2 would" in await _read_back(world, world.chat, days=2)


async def test_reading_back_for_good_records_and_makes_cards_once(world: World) -> None:
    await world.set_up()
    _write(world, world.chat, "Good morning.", "You idiot @everyone.")
    for _ in range(2):
        assert "2 posts read, 1 are flagged" in await _read_back(world, world.chat, dry_run=False)
        assert "You idiot" in text_of(await world.card()) and len(await world.decisions()) == 2
    assert_nobody_pinged(world)


async def test_a_forum_is_read_with_its_threads_and_one_thread_alone(world: World) -> None:
    await world.set_up()
    first, _ = await world.forum_post(world.alice, "Our idiot mayor", "He was late.")
    second, _ = await world.forum_post(world.bob, "Votes", "A cabal!")
    world.env.backend.edit_channel(first.id, {}, thread_metadata={"archived": True, "locked": False})
    assert "2 posts read, 2 would" in await _read_back(world, world.forum)
    assert "1 posts read, 1 would" in await _read_back(world, second)


async def test_nothing_to_read_is_said(world: World) -> None:
    await world.set_up()
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    world.env.backend.create_message(world.chat.id, robot.id, "Beep, idiot.", broadcast=False)
    assert "0 posts read, 0 would have been flagged." in await _read_back(world, world.chat)


async def test_posts_that_cannot_be_scored_are_counted_one_by_one(settings: Settings) -> None:
    async with open_world(settings, KeywordClassifier(breaks_on="glitch")) as world:
        await world.set_up()
        _write(world, world.chat, "Good morning.", "A glitch.", "You idiot.", *["Fine."] * backfill.GROUP)
        for options in ({}, {"dry_run": False}):
            said = await _read_back(world, world.chat, **options)
            assert f"{2 + backfill.GROUP} posts read, 1 " in said and "1 of them could not be scored" in said


async def test_parts_that_may_not_be_read_are_counted(world: World) -> None:
    await world.set_up()
    world.env.inject_error("GET", f"/channels/{world.chat.id}/threads/archived/public", status=403, code=50013)
    assert "Not all of it could be read" in await _read_back(world, world.chat)


async def test_a_channel_that_may_not_be_read_is_refused_with_what_to_do(world: World) -> None:
    await world.set_up()
    _hide(world, read_message_history=True)
    await world.env.settle()
    result = await world.chief.slash(world.chat, "backfill", channel=world.chat, days=3)
    assert "give me View Channel and Read Message History" in refusal(world, result)
    assert "0 posts read" in await _read_back(world, world.forum), "the next one need not wait for it"


def _hide(world: World, **permissions: bool) -> None:
    denied = discord.Permissions(**permissions).value
    world.env.backend.set_overwrite(world.chat.id, Overwrite(world.env.bot.user.id, 1, 0, denied))


async def test_it_is_for_managers(world: World) -> None:
    await world.set_up()
    assert "backfill" not in world.mod.available_commands(world.chat)
    (command,) = [command for command in await world.env.bot.tree.fetch_commands() if command.name == "backfill"]
    world.guild.set_command_permissions(command, {world.mods: True})  # the server gives the command, not the right
    result = await world.mod.slash(world.chat, "backfill", channel=world.chat, days=3)
    assert "Manage Server" in refusal(world, result)


async def test_one_at_a_time_on_a_server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    cog = world.env.bot.get_cog("Backfill")
    cog._busy.add(world.guild.id)
    result = await world.chief.slash(world.chat, "backfill", channel=world.chat, days=3)
    assert "reading back on this server already" in refusal(world, result)
    cog._busy.clear()
    world.env.inject_error("GET", f"/channels/{world.chat.id}/messages", status=500, times=1)
    result = await world.chief.slash(world.chat, "backfill", channel=world.chat, days=3)
    assert "HTTP 500" in refusal(world, result, discord.HTTPException)
    assert "0 posts read" in await _read_back(world, world.chat), "a failure leaves nobody waiting"


async def test_when_it_took_too_long_for_an_answer_the_review_channel_gets_it(world: World) -> None:
    await world.set_up()
    _write(world, world.chat, "You idiot.")
    world.env.inject_error("POST", "/webhooks/*", status=404, code=10015)
    world.env.inject_error("PATCH", "/webhooks/*", status=404, code=10015)
    await world.chief.slash(world.chat, "backfill", channel=world.chat, days=3)
    assert "1 posts read, 1 would have been flagged" in text_of(await world.card())
