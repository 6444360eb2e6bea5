"""Edits, titles and deletions that Discord or the database fails on are read again until they are settled."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import pytest
from simcord.builders import ChannelHandle

from bot.config import Settings
from bot.errors import StoreError
from tests.support.world import HeldClassifier, World, open_world, text_of, until

HOUR = 3600
GET_MESSAGE = "/channels/*/messages/*"


async def _fails(*_: object, **__: object) -> Any:
    raise StoreError("disk I/O error")


def _rename(world: World, thread: ChannelHandle, title: str) -> None:
    world.env.backend.edit_channel(thread.id, {"name": title})


def _fetched(world: World, channel_id: int) -> int:
    return sum(f"/channels/{channel_id}/messages/" in entry.path for entry in world.env.http_requests)


def _waiting(world: World) -> int:
    return sum(not task.done() for task in asyncio.all_tasks() if task.get_name().startswith("Reading post"))


async def test_a_renamed_thread_whose_post_cannot_be_fetched_is_read_when_discord_answers(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Good morning.")
    world.env.inject_error("GET", GET_MESSAGE, status=500, times=4)
    _rename(world, thread, "The mayor is an idiot")
    await world.env.settle()
    assert await world.cards() == [] and "HTTP 500" in str(world.services.health.last_error)
    await world.env.advance_time(HOUR)
    assert "The mayor is an idiot" in text_of(await world.card())


async def test_a_title_edit_of_an_archived_thread_is_read_when_discord_answers(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Good morning.")
    backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await world.env.settle()
    world.env.inject_error("GET", f"/channels/{thread.id}", status=500, times=2)
    backend.edit_channel(thread.id, {"name": "The mayor is an idiot"})
    await world.env.settle()
    await world.env.advance_time(HOUR)
    assert "The mayor is an idiot" in text_of(await world.card())


@pytest.mark.parametrize("what", ["decisions.record", "servers.watched", "servers.get"])
async def test_an_edit_that_the_database_fails_on_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "Good morning.")
    room, method = what.split(".")
    with monkeypatch.context() as broken:
        broken.setattr(type(getattr(world.services.store, room)), method, _fails)
        world.env.backend.edit_message(world.chat.id, post.id, {"content": "You idiot."})
        await until(lambda: _waiting(world) == 1)
    assert f"Reading post {post.id} again failed" in str(world.services.health.last_error)
    await world.env.settle()
    assert "You idiot." in text_of(await world.card())
    assert _waiting(world) == 0


@pytest.mark.parametrize("error", [aiohttp.ClientConnectionError(), TimeoutError(), ConnectionResetError()])
async def test_an_edit_in_an_archived_thread_is_read_when_the_connection_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(*_: object) -> None:
        raise error

    await world.set_up()
    backend = world.env.backend
    thread, starter = await world.forum_post(world.alice, "Budget vote", "Good morning.")
    backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await world.env.settle()
    with monkeypatch.context() as patch:
        patch.setattr(discord.Guild, "fetch_channel", broken)
        backend.edit_message(thread.id, starter.id, {"content": "You idiot."})
        await until(lambda: _waiting(world) == 1)
    await world.env.settle()
    assert "You idiot." in text_of(await world.card())


async def test_many_edits_of_a_post_are_one_retry_which_reads_the_last_state(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "Good morning.")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.store.servers), "watched", _fails)
        for text in ("Good day.", "Good evening.", "You idiot."):
            world.env.backend.edit_message(world.chat.id, post.id, {"content": text})
            await asyncio.sleep(0.05)
        assert _waiting(world) == 1
    await world.env.settle()
    await world.env.advance_time(HOUR)
    assert _fetched(world, world.chat.id) == 1
    assert "You idiot." in text_of(await world.card()) and len(await world.decisions()) == 2


async def test_an_edit_that_fails_while_an_older_one_is_read_again_is_read_after_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = HeldClassifier()
    classifier.release.set()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        servers = type(world.services.store.servers)
        post = await world.alice.send(world.chat, "Good morning.")
        with monkeypatch.context() as broken:
            broken.setattr(servers, "watched", _fails)
            world.env.backend.edit_message(world.chat.id, post.id, {"content": "Good day."})
            await until(lambda: _waiting(world) == 1)
        classifier.release.clear()
        classifier.reached.clear()
        await until(classifier.reached.is_set)  # the retry is being decided
        with monkeypatch.context() as broken:
            broken.setattr(servers, "watched", _fails)
            world.env.backend.edit_message(world.chat.id, post.id, {"content": "You idiot."})
            await asyncio.sleep(0.05)
        classifier.release.set()
        await world.env.settle()
        await world.env.advance_time(HOUR)
        assert "You idiot." in text_of(await world.card())


@pytest.mark.parametrize("status", [403, 404])
async def test_a_post_that_is_gone_or_hidden_by_then_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "Good morning.")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.store.servers), "watched", _fails)
        world.env.backend.edit_message(world.chat.id, post.id, {"content": "You idiot."})
        await until(lambda: _waiting(world) == 1)
    world.env.inject_error("GET", GET_MESSAGE, status=status, times=None)
    await world.env.settle()
    await world.env.advance_time(10 * HOUR)
    assert _fetched(world, world.chat.id) == 1 and _waiting(world) == 0


async def test_the_pauses_between_attempts_grow(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Good morning.")
    world.env.inject_error("GET", GET_MESSAGE, status=503, times=None)
    _rename(world, thread, "The mayor is an idiot")
    await world.env.settle()
    await world.env.advance_time(4 * HOUR)
    assert 15 < _fetched(world, thread.id) < 25


async def test_nothing_is_tried_again_once_the_cog_is_unloaded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    posts = [await world.alice.send(world.chat, "Good morning.") for _ in range(2)]
    cog = world.env.bot.get_cog("Watch")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.store.servers), "watched", _fails)
        world.env.backend.edit_message(world.chat.id, posts[0].id, {"content": "You idiot."})
        await until(lambda: _waiting(world) == 1)
        await world.env.bot.remove_cog("Watch")
        await until(lambda: _waiting(world) == 0)
        message = await world.env.bot.get_channel(world.chat.id).fetch_message(posts[1].id)
        await cog.on_raw_message_edit(type("Payload", (), {"message": message}))  # one that was under way
    assert _waiting(world) == 0


@pytest.mark.parametrize("whole_channel", [False, True])
async def test_a_deletion_that_the_database_fails_on_is_marked_later(
    world: World, monkeypatch: pytest.MonkeyPatch, whole_channel: bool
) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    decisions = type(world.services.store.decisions)
    with monkeypatch.context() as broken:
        broken.setattr(decisions, "mark_deleted", _fails)
        broken.setattr(decisions, "mark_channel_deleted", _fails)
        if whole_channel:
            world.env.backend.delete_channel(world.chat.id)
        else:
            world.env.backend.delete_message(world.chat.id, post.id)
        await until(lambda: "deleted failed" in str(world.services.health.last_error))
    await world.env.settle()
    assert "deleted meanwhile" in text_of(await world.card())
    assert (world.chat.id in await world.services.store.servers.watched(world.guild.id)) is not whole_channel


@pytest.mark.parametrize("before", [0, 1], ids=["is marked", "waits for a post"])
async def test_posts_that_follow_a_deletion_in_a_locked_database_fill_the_queue_and_are_left(
    settings: Settings, caplog: pytest.LogCaptureFixture, before: int
) -> None:
    """They used to wait for the deletion outside the queue, as many as came."""
    async with open_world(replace(settings, queue_size=10)) as world:
        await world.set_up()
        old = await world.alice.send(world.chat, "Hello.")
        posted, say = set[int](), world.env.backend.create_message
        async with world.locked_database():
            posted |= {say(world.chat.id, world.bob.id, "Good morning.").id for _ in range(before)}
            await asyncio.sleep(0.02)
            world.env.backend.delete_message(world.chat.id, old.id)
            await until(lambda: "locked" in caplog.text)
            for number in range(40):
                posted.add(say(world.chat.id, world.bob.id, f"Post {number}.").id)
                await asyncio.sleep(0.01)
            await until(lambda: "left for catch-up: 10 posts are waiting already" in " ".join(caplog.text.split()))
            assert len(world.services.intake) == 10
        await world.env.settle()
        await world.env.advance_time(HOUR)
        decisions = await world.decisions()
        assert posted < {int(decision["external_id"]) for decision in decisions}
        assert [row["external_id"] for row in decisions if row["deleted_at"] is not None] == [str(old.id)]


async def test_posts_that_follow_an_edit_without_room_are_left_when_too_many_wait(settings: Settings) -> None:
    """The edit keeps its channel's turn until the queue has room for it."""
    classifier = HeldClassifier()
    classifier.release.set()
    async with open_world(replace(settings, queue_size=2), classifier) as world:
        await world.set_up()
        edited = await world.alice.send(world.chat, "Hello.")
        classifier.release.clear()
        classifier.reached.clear()
        create = world.env.backend.create_message
        posted = {create(world.chat.id, world.bob.id, "Held.").id}
        await until(classifier.reached.is_set)
        posted |= {create(world.chat.id, world.bob.id, f"Waits {number}.").id for number in range(2)}
        await until(lambda: len(world.services.intake) == 2)
        world.env.backend.edit_message(world.chat.id, edited.id, {"content": "You idiot."})
        await asyncio.sleep(0.02)
        posted |= {create(world.chat.id, world.bob.id, f"Post {number}.").id for number in range(3)}
        await until(lambda: "2 posts are waiting for their turn" in str(world.services.health.last_error))
        classifier.release.set()
        await world.env.settle()
        await world.env.advance_time(HOUR)
        assert posted < {int(decision["external_id"]) for decision in await world.decisions()}
        assert "You idiot." in text_of(await world.card())
