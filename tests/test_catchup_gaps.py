"""Gaps that open in ways nobody thinks of at first: none of them may be passed over, or pass unnoticed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from simcord.backend import serializers

from bot.errors import StoreError
from tests.support.gaps import cursor, decided, miss, reconnect
from tests.support.world import World, text_of

ARCHIVED = {"archived": True, "locked": False}


async def test_a_bot_that_was_kicked_and_invited_again_reads_what_was_said_between(world: World) -> None:
    await world.set_up()
    seen = await world.alice.send(world.chat, "Hello.")
    guild = serializers.guild_create_payload(world.env.backend, world.env.backend.get_guild(world.guild.id))
    guild.pop("unavailable", None)  # Discord sends it with an outage only
    world.env.backend.emit("GUILD_DELETE", {"id": str(world.guild.id)})
    await world.env.settle()
    assert not world.services.cursors.is_continuous(world.chat.id)
    missed = miss(world, world.chat)
    assert await cursor(world, world.chat) == seen.id
    world.env.backend.emit("GUILD_CREATE", guild)
    await world.env.settle()
    live = await world.alice.send(world.chat, "Hello again.")
    assert await decided(world) == {seen.id, missed, live.id}
    assert await cursor(world, world.chat) == live.id


async def test_a_post_that_is_left_while_the_records_cannot_be_read_is_read_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()

    async def broken(*_: object) -> dict[int, int]:
        raise StoreError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.services.store.servers), "watched", broken)
        post = world.env.backend.create_message(world.chat.id, world.alice.id, "You idiot.")
        await world.env.settle()
        assert world.services.health.last_error is not None
        assert "reading was cut short" in world.services.health.last_error[1]
    assert await decided(world) == set()
    await world.env.advance_time(61)
    assert await decided(world) == {post.id} and await cursor(world, world.chat) == post.id


async def test_one_servers_failure_keeps_us_neither_from_the_others_nor_from_trying_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    other = world.env.create_guild("Village")
    await world.env.settle()
    servers = type(world.services.store.servers)
    watched, asked = servers.watched, []

    async def partly(self: Any, guild_id: int | None = None) -> dict[int, int]:
        asked.append(guild_id)
        if guild_id == world.guild.id and asked.count(guild_id) == 1:
            raise StoreError("disk I/O error")
        return await watched(self, guild_id)

    monkeypatch.setattr(servers, "watched", partly)
    missed = miss(world, world.chat)
    await reconnect(world)
    assert other.id in asked and missed not in await decided(world)
    await world.env.advance_time(61)
    assert missed in await decided(world)


@pytest.fixture
def ahead(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, timedelta]]:
    """How far the clock of the bot's machine runs ahead of Discord's."""
    skew, true = {"by": timedelta()}, world.env.now
    monkeypatch.setattr(world.env, "now", lambda: true() + skew["by"])
    yield skew
    skew["by"] = timedelta()


async def test_a_clock_that_runs_ahead_gives_up_no_post(world: World, ahead: dict[str, timedelta]) -> None:
    await world.set_up()
    await world.env.advance_time(1)
    await world.alice.send(world.chat, "Hello.")
    thread, _ = await world.forum_post(world.bob, "Votes", "Good morning.")
    first = {miss(world, world.chat), miss(world, thread)}
    world.env.backend.edit_channel(thread.id, {}, thread_metadata=ARCHIVED)
    ahead["by"] = timedelta(days=world.settings.catchup_days + 1)
    await reconnect(world)
    assert first <= await decided(world) and await world.rows("SELECT * FROM unchecked") == []
    ahead["by"] = timedelta()
    second = miss(world, world.chat)
    await reconnect(world)
    assert second in await decided(world) and await cursor(world, world.chat) == second


async def test_what_setup_watches_is_owed_from_then_on_by_discords_clock(
    world: World, ahead: dict[str, timedelta]
) -> None:
    await world.set_up()
    await world.services.store.servers.unwatch(world.chat.id)
    before = miss(world, world.chat)
    await world.env.advance_time(1)
    ahead["by"] = timedelta(hours=1)
    await world.chief.slash(world.chat, "setup", watch=world.chat)
    after = miss(world, world.chat)
    await reconnect(world)
    assert before not in await decided(world) and after in await decided(world)


async def test_a_watched_channel_that_discord_says_is_gone_does_not_vanish_silently(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "You idiot.")
    world.env.inject_error("GET", f"/channels/{world.chat.id}/messages", status=404, code=10003, times=None)
    await reconnect(world)
    assert "deleted" in text_of(await world.card())
    gone = f"Channel or thread {world.chat.id} does not exist any more (404)"
    assert f"{gone}: its posts count as deleted" in caplog.text
    assert f"{gone}. It is no longer watched." in str(world.services.health.last_error)
