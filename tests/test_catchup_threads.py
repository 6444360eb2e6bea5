"""Threads that are private, archived long ago or cannot be listed: read where we may, told of where we may not."""

import discord
import pytest
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle

from tests.support.gaps import cursor, decided, miss, reconnect
from tests.support.world import World, answer

DAY = 24 * 3600
ARCHIVED = {"archived": True, "locked": False}
FAILURES = "Not all that I missed could be read; I try again every minute."


async def _status(world: World) -> str:
    return answer(await world.mod.slash(world.chat, "status"))


def _may_not_manage_threads(world: World) -> None:
    """As on any server where the bot has no more permissions than its invitation asks for."""
    denied = discord.Permissions(manage_threads=True).value
    world.env.backend.set_overwrite(world.chat.id, Overwrite(world.env.bot.user.id, 1, 0, denied))


async def _private_thread(world: World) -> ChannelHandle:
    """In the chat, with alice and the bot in it."""
    backend = world.env.backend
    thread = backend.create_thread(world.chat.id, "Between us", world.alice.id, type=12)
    backend.add_thread_member(thread.id, world.env.bot.user.id)
    await world.env.settle()
    return ChannelHandle(world.env, world.guild, thread)


async def test_a_private_thread_is_read_when_we_are_added_to_it_again(world: World) -> None:
    await world.set_up()
    _may_not_manage_threads(world)
    thread, me, backend = await _private_thread(world), world.env.bot.user.id, world.env.backend
    seen = await world.alice.send(thread, "Hello.")
    assert world.services.cursors.is_continuous(thread.id)
    backend.remove_thread_member(thread.id, me)
    await world.env.settle()
    assert not world.services.cursors.is_continuous(thread.id)
    missed = miss(world, thread)
    assert await cursor(world, thread) == seen.id
    backend.add_thread_member(thread.id, me)
    await world.env.settle()
    live = await world.alice.send(thread, "Hello again.")
    assert await decided(world) == {seen.id, missed, live.id}
    assert await cursor(world, thread) == live.id


async def test_who_may_manage_threads_goes_on_reading_a_private_thread_that_it_left(world: World) -> None:
    await world.set_up()
    thread = await _private_thread(world)
    world.env.backend.remove_thread_member(thread.id, world.env.bot.user.id)
    await world.env.settle()
    live = await world.alice.send(thread, "Hello again.")
    assert await cursor(world, thread) == live.id


async def test_private_threads_that_we_are_in_are_read_from_the_archive_without_manage_threads(world: World) -> None:
    await world.set_up()
    _may_not_manage_threads(world)
    thread, other = await _private_thread(world), await _private_thread(world)
    missed, unseen = miss(world, thread), miss(world, other)
    world.env.backend.remove_thread_member(other.id, world.env.bot.user.id)
    for each in (thread, other):
        world.env.backend.edit_channel(each.id, {}, thread_metadata=ARCHIVED)
    await reconnect(world)
    assert missed in await decided(world) and unseen not in await decided(world)
    assert "Could not check" not in await _status(world), "we never had to do with the other one"


async def test_a_private_thread_with_posts_in_the_records_that_we_may_see_no_more_is_named(world: World) -> None:
    await world.set_up()
    _may_not_manage_threads(world)
    thread = await _private_thread(world)
    await world.alice.send(thread, "Hello.")
    world.env.backend.remove_thread_member(thread.id, world.env.bot.user.id)
    world.env.backend.edit_channel(thread.id, {}, thread_metadata=ARCHIVED)
    world.env.inject_error("GET", f"/channels/{thread.id}", status=403, code=50001, times=None)
    await reconnect(world)
    assert f"Could not check <#{thread.id}>: a private thread that I am no longer in" in await _status(world)


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403, "code": 50013}, None])
async def test_a_channel_whose_threads_cannot_be_listed_holds_up_no_other(
    world: World, fault: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    assert list(await world.services.store.servers.watched()) == [world.forum.id, world.chat.id], "the forum is first"
    if fault is None:

        def malformed(*_: object, **__: object) -> None:
            raise discord.InvalidData("Unknown channel type 99")

        monkeypatch.setattr(discord.ForumChannel, "archived_threads", malformed)
    else:
        path = f"/channels/{world.forum.id}/threads/archived/public"
        world.env.inject_error("GET", path, times=None, **fault)
    missed = miss(world, world.chat)
    await reconnect(world)
    assert missed in await decided(world)
    refused = fault is not None and fault["status"] == 403
    assert (f"Could not check <#{world.forum.id}>" in await _status(world)) == refused
    assert (FAILURES in await _status(world)) == (not refused)
    monkeypatch.undo()
    world.env.backend.faults.clear()
    await world.env.advance_time(61)
    assert FAILURES not in await _status(world)


async def test_what_is_given_up_in_threads_archived_long_ago_is_written_down_once(world: World) -> None:
    await world.set_up()
    done, _ = await world.forum_post(world.bob, "Read to its end", "Good morning.")
    thread, _ = await world.forum_post(world.bob, "Votes", "Good morning.")
    missed, emit = miss(world, thread), world.env.backend.emit
    world.env.backend.emit = lambda *_, **__: None  # the bot is away when they are archived
    for each in (done, thread):
        world.env.backend.edit_channel(each.id, {}, thread_metadata=ARCHIVED)
    world.env.backend.emit = emit
    world.env.backend.advance_clock((world.settings.catchup_days + 2) * DAY)
    young = await world.alice.send(world.chat, "You idiot.")
    await reconnect(world)
    await reconnect(world)
    (given_up,) = await world.rows("SELECT channel_id, since, until FROM unchecked")
    at = round(discord.utils.snowflake_time(missed).timestamp() * 1000)
    assert given_up == {"channel_id": thread.id, "since": at, "until": at}
    assert await cursor(world, thread) == missed and f"Not read: <#{thread.id}>" in await _status(world)
    assert missed not in await decided(world) and young.id in await decided(world)
