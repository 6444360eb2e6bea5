"""Catching up while Discord, the database or the classifier fails, and while people go on posting."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import discord
import pytest
from simcord.backend.models import Overwrite

from bot.config import Settings
from cogs.catchup import reader
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, open_world, text_of, until

DAY = 24 * 3600
FAILURES = "Not all that I missed could be read; I try again every minute."


def _miss(world: World, channel: Any, *texts: str) -> list[int]:
    """Alice posts while the bot is not connected."""
    create = world.env.backend.create_message
    return [create(channel.id, world.alice.id, text, broadcast=False).id for text in texts]


async def _reconnect(world: World) -> None:
    _new_session(world)
    await world.env.settle()


def _new_session(world: World) -> None:
    with world.env._bot_scope():  # the bot's own work, for which `settle` waits
        world.env.bot.dispatch("shard_connect", 0)
        world.env.bot.dispatch("shard_ready", 0)


async def _cursor(world: World, channel: Any) -> int:
    rows = await world.rows("SELECT * FROM cursors")
    return next((row["position"] for row in rows if row["channel_id"] == channel.id), 0)


async def _status(world: World) -> str:
    return answer(await world.mod.slash(world.chat, "status"))


async def _shown(world: World) -> str:
    return "\n".join(text_of(card) for card in await world.cards())


@pytest.mark.parametrize(
    "path", ["/channels/{chat}/messages", "/guilds/*/threads/active", "/channels/{chat}/threads/*"]
)
async def test_what_discord_fails_to_give_is_read_a_minute_later(world: World, path: str) -> None:
    await world.set_up()
    seen = await world.alice.send(world.chat, "Good morning.")
    thread, _ = await world.forum_post(world.bob, "Votes", "Good morning.")
    missed = [*_miss(world, world.chat, "You idiot."), *_miss(world, thread, "A cabal!")]
    world.env.inject_error("GET", path.format(chat=world.chat.id), status=500, times=1)
    await _reconnect(world)
    assert FAILURES in await _status(world)
    assert "HTTP 500" in await _status(world)
    live = await world.alice.send(world.chat, "Hello again.")
    if not await world.cards():
        assert await _cursor(world, world.chat) == seen.id < live.id
    await world.env.advance_time(61)
    assert "You idiot." in await _shown(world) and "A cabal!" in await _shown(world)
    assert (await _cursor(world, world.chat), await _cursor(world, thread)) == (live.id, missed[1])
    assert FAILURES not in await _status(world)


async def test_a_channel_that_discord_refuses_is_named_and_not_asked_for_every_minute(world: World) -> None:
    await world.set_up()
    path = f"/channels/{world.chat.id}/messages"
    world.env.inject_error("GET", path, status=403, code=50001, times=None)
    (missed,) = _miss(world, world.chat, "You idiot.")
    await _reconnect(world)
    assert f"Could not check <#{world.chat.id}>: Discord does not let me read it (403)" in await _status(world)
    await world.alice.send(world.chat, "Hello.")
    assert await _cursor(world, world.chat) < missed
    world.env.http_requests.clear()
    await world.env.advance_time(200)
    assert not [request for request in world.env.http_requests if request.path == path]
    world.env.backend.faults.clear()
    await _reconnect(world)
    assert "You idiot." in await _shown(world)


async def test_a_watched_thread_that_may_not_be_seen_keeps_nothing_else_from_being_read(world: World) -> None:
    hidden, _ = await world.forum_post(world.alice, "Votes", "Good morning.")
    world.env.backend.edit_channel(hidden.id, {}, thread_metadata={"archived": True, "locked": False})
    await world.set_up()
    await world.services.store.servers.unwatch(world.chat.id)
    await world.services.store.servers.watch(world.guild.id, [hidden.id], world.chief.id)
    await world.services.store.servers.watch(world.guild.id, [world.chat.id], world.chief.id)
    await world.env.advance_time(1)
    _miss(world, world.chat, "You idiot.")
    world.env.inject_error("GET", f"/channels/{hidden.id}", status=403, code=50001, times=None)
    await _reconnect(world)
    assert "You idiot." in await _shown(world)
    assert f"Could not check <#{hidden.id}>" in await _status(world) and FAILURES not in await _status(world)


async def test_what_may_not_be_seen_is_said(world: World) -> None:
    await world.set_up()
    denied = discord.Permissions(read_message_history=True).value
    world.env.backend.set_overwrite(world.forum.id, Overwrite(world.env.bot.user.id, 1, 0, denied))
    await world.env.settle()
    await _reconnect(world)
    said = await _status(world)
    assert f"Could not check <#{world.forum.id}>: I lack View Channel or Read Message History" in said
    assert said.count("Could not check") == 1


async def test_posts_past_the_age_limit_are_given_up_once_and_that_is_said(settings: Settings) -> None:
    async with open_world(replace(settings, catchup_days=1, reconcile_hours=1)) as world:
        await world.set_up()
        await world.env.advance_time(1)
        (old,) = _miss(world, world.chat, "Too old, idiot.")
        await world.env.advance_time(DAY + 3600)
        await world.mod.send(world.review, "Anybody here?")  # by what is said, not by a clock, is known how late it is
        await _reconnect(world)
        await _reconnect(world)
        assert await world.decisions() == []
        (skipped,) = await world.rows("SELECT * FROM unchecked")
        assert (skipped["channel_id"], skipped["since"]) == (
            world.chat.id,
            discord.utils.snowflake_time(old).timestamp() * 1000,
        )
        assert (await _status(world)).count(f"Not read: <#{world.chat.id}>") == 1
        assert await _cursor(world, world.chat) == old


async def test_nothing_counts_as_deleted_because_it_may_no_longer_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a bot without Read Message History Discord shows an empty history."""
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")

    async def empty(*_: object) -> AsyncIterator[list[discord.Message]]:
        for page in ():
            yield page

    monkeypatch.setattr(reader, "pages", empty)
    world.env.inject_error("GET", f"/channels/{world.chat.id}/messages/{post.id}", status=403, code=50013, times=None)
    await _reconnect(world)
    assert "deleted" not in text_of(await world.card())
    assert f"Could not check <#{world.chat.id}>" in await _status(world)
    assert not world.services.cursors.is_continuous(world.chat.id)


async def test_a_defect_in_one_channel_keeps_the_others_from_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.bob, "Votes", "Good morning.")
    (poison,) = _miss(world, thread, "Poison.")
    _miss(world, world.chat, "You idiot.")
    whole = reader.to_post

    def broken(message: discord.Message, channel: Any) -> Any:
        if message.id == poison:
            raise KeyError("a message of a new kind")
        return whole(message, channel)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "to_post", broken)
        await _reconnect(world)
    assert "You idiot." in await _shown(world) and FAILURES in await _status(world)
    await world.env.advance_time(61)
    assert await _cursor(world, thread) == poison


async def test_a_locked_database_delays_catching_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.patience.RETRY_SECONDS", (0.05,))
    await world.set_up()
    *_, last = _miss(world, world.chat, "You idiot.", "Good morning.")
    async with world.locked_database():
        _new_session(world)
        await until(lambda: world.services.health.last_error is not None)
        assert await world.decisions() == []
    await world.env.settle()
    assert "You idiot." in text_of(await world.card())
    assert await _cursor(world, world.chat) == last and len(await world.decisions()) == 2


async def test_a_post_that_breaks_the_classifier_is_tried_three_times_in_all(settings: Settings) -> None:
    classifier = KeywordClassifier(breaks_on="glitch")
    async with open_world(settings, classifier) as world:
        await world.set_up()
        *_, last = _miss(world, world.chat, "Good morning.", "A glitch.", "You idiot.")
        await _reconnect(world)
        assert "You idiot." in text_of(await world.card())
        assert await _cursor(world, world.chat) == last and "1 could not be scored" in await _status(world)
        for hour in range(5):
            assert _tries(classifier) >= min(hour + 1, 3)
            await world.env.advance_time(3600)
        assert _tries(classifier) == 4, "at first in its batch and by itself"
        assert [row["attempts"] for row in await world.rows("SELECT * FROM posts WHERE failure IS NOT NULL")] == [3]


def _tries(classifier: KeywordClassifier) -> int:
    return sum("glitch" in post.text for post in classifier.seen)


async def test_an_outage_of_a_server_is_a_gap(world: World) -> None:
    await world.set_up()
    seen = await world.alice.send(world.chat, "Good morning.")
    with world.env._bot_scope():
        world.env.bot.dispatch("guild_unavailable", world.env.bot.get_guild(world.guild.id))
    _miss(world, world.chat, "You idiot.")
    live = await world.alice.send(world.chat, "Hello again.")
    assert await _cursor(world, world.chat) == seen.id
    with world.env._bot_scope():
        world.env.bot.dispatch("guild_available", world.env.bot.get_guild(world.guild.id))
    await world.env.settle()
    assert "You idiot." in await _shown(world) and await _cursor(world, world.chat) == live.id


async def test_a_channel_that_only_a_deleted_role_showed_us_has_a_gap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody changes the channel itself, and Discord says nothing but that the role is gone."""
    await world.set_up()
    assert world.services.cursors.is_continuous(world.chat.id)
    monkeypatch.setattr("cogs.catchup.cog.readable", lambda _: False)
    world.env.backend.delete_role(world.guild.id, world.jury.id)
    await world.env.settle()
    assert not world.services.cursors.is_continuous(world.chat.id)


async def test_a_post_that_was_left_and_deleted_before_it_was_read_holds_up_nothing(world: World) -> None:
    await world.set_up()
    channel_id = world.chat.id
    left = world.env.backend.create_message(channel_id, world.alice.id, "Gone soon.", broadcast=False)
    world.services.cursors.arrived(channel_id, left.id)
    world.env.backend.delete_message(channel_id, left.id)
    await world.catch_up()
    after = await world.bob.send(world.chat, "Good night.")
    (row,) = await world.rows(f"SELECT position FROM cursors WHERE channel_id = {channel_id}")
    assert row["position"] == after.id
