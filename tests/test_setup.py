"""`/setup`: where reviews go, who reviews, what is watched, and which permissions are missing."""

from typing import Any

import pytest
import simcord
from discord import Permissions
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle

from tests.support.world import World, answer, assert_nobody_pinged, refusal, text_of


async def setup(world: World, **options: Any) -> str:
    result = await world.chief.slash(world.chat, "setup", **options)
    assert result.ephemeral
    return answer(result)


async def settings(world: World) -> dict[str, Any] | None:
    found = await world.rows("SELECT review_channel_id, reviewer_role_id, watch_bots FROM guilds")
    return found[0] if found else None


async def watched(world: World) -> set[int]:
    return {row["channel_id"] for row in await world.rows("SELECT channel_id FROM watched_channels")}


def deny(world: World, channel: ChannelHandle, **permissions: bool) -> None:
    denied = Permissions(**permissions).value
    world.env.backend.set_overwrite(channel.id, Overwrite(world.env.bot.user.id, type=1, allow=0, deny=denied))


async def test_a_server_is_set_up_in_one_go_and_the_bot_starts_to_work(world: World) -> None:
    said = await setup(world, review_channel=world.review, reviewer_role=world.jury, watch=world.forum)
    assert f"**Review channel:** <#{world.review.id}>" in said
    assert f"**Reviewers:** <@&{world.jury.id}>" in said
    assert f"**Watched:** <#{world.forum.id}>" in said
    assert "No permission is missing" in said
    await world.forum_post(world.alice, "Budget vote", "You idiot.")
    assert (await world.juror.click(await world.card(), label="Flag was right")).acknowledged
    assert "The flag was right" in text_of(await world.card())
    assert_nobody_pinged(world)


async def test_without_options_the_set_up_is_shown_and_how_to_begin(world: World) -> None:
    said = await setup(world)
    assert "/setup review_channel:" in said and "/setup watch:" in said
    assert "members with Manage Messages" in said
    assert "bots and webhooks:** ignored" in said


async def test_later_options_leave_what_was_chosen_before(world: World) -> None:
    await setup(world, review_channel=world.review, reviewer_role=world.jury, watch=world.forum)
    await setup(world, watch=world.chat, watch_bots=True)
    await setup(world)
    assert await settings(world) == {
        "review_channel_id": world.review.id,
        "reviewer_role_id": world.jury.id,
        "watch_bots": 1,
    }
    assert await watched(world) == {world.forum.id, world.chat.id}


async def test_a_review_channel_that_everyone_can_read_is_refused_and_nothing_is_changed(world: World) -> None:
    options = {"review_channel": world.chat, "reviewer_role": world.jury, "watch": world.forum, "watch_bots": True}
    said = refusal(world, await world.chief.slash(world.chat, "setup", **options))
    assert "@everyone can read" in said and f"<#{world.chat.id}>" in said and "Nothing was changed" in said
    assert await settings(world) is None
    assert await watched(world) == set()
    assert_nobody_pinged(world)


async def test_a_refused_review_channel_leaves_the_earlier_one(world: World) -> None:
    await world.set_up()
    refusal(world, await world.chief.slash(world.chat, "setup", review_channel=world.chat))
    await world.alice.send(world.chat, "You idiot.")
    assert "idiot" in text_of(await world.card())


async def test_everyone_is_refused_as_the_reviewer_role(world: World) -> None:
    said = refusal(world, await world.chief.slash(world.chat, "setup", reviewer_role=world.guild.default_role))
    assert "everyone" in said
    assert await settings(world) is None


async def test_watching_twice_changes_nothing_and_unwatching_stops(world: World) -> None:
    await world.set_up()
    await setup(world, watch=world.chat)
    said = await setup(world, unwatch=world.chat)
    assert f"<#{world.chat.id}>" not in said
    await world.alice.send(world.chat, "You idiot.")
    assert await world.decisions() == []
    assert await watched(world) == {world.forum.id}


async def test_a_single_thread_can_be_watched(world: World) -> None:
    await setup(world, review_channel=world.review)
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Hello.")
    await world.env.advance_time(1)
    await setup(world, watch=thread)
    await world.bob.send(thread, "You idiot.")
    await world.forum_post(world.alice, "Other", "You idiot.")
    assert len(await world.decisions()) == 1


async def test_unwatching_what_is_not_watched_says_so_and_changes_nothing(world: World) -> None:
    await setup(world, watch=world.forum)
    options = {"unwatch": world.chat, "review_channel": world.review, "watch_bots": True}
    said = refusal(world, await world.chief.slash(world.chat, "setup", **options))
    assert f"<#{world.chat.id}> was not watched" in said
    assert await settings(world) == {"review_channel_id": None, "reviewer_role_id": None, "watch_bots": 0}


async def test_missing_permissions_are_listed_with_the_channel_they_are_missing_in(world: World) -> None:
    await world.set_up()
    deny(world, world.review, send_messages=True)
    deny(world, world.forum, read_message_history=True)
    deny(world, world.chat, manage_messages=True)
    await world.env.settle()
    lines = (await setup(world)).splitlines()
    missing = lines[lines.index("**Missing:**") + 1 :]
    by_channel = {line.split("<#")[1].split(">")[0]: line for line in missing if line.startswith("- ")}
    assert len(by_channel) == 3
    assert any(line.startswith("To mend:") for line in missing)
    assert "Send Messages" in by_channel[str(world.review.id)]
    assert "cards cannot be posted" in by_channel[str(world.review.id)]
    assert "Read Message History" in by_channel[str(world.forum.id)]
    assert "Manage Messages" in by_channel[str(world.chat.id)]
    assert lines.index("**Optional:**") < lines.index(by_channel[str(world.chat.id)])


async def test_without_what_is_optional_the_bot_is_ready_all_the_same(world: World) -> None:
    await world.set_up()
    deny(world, world.chat, manage_messages=True)
    await world.env.settle()
    said = await setup(world)
    assert "✅ Ready" in said and "Missing" not in said and "Remove post* is not offered" in said


async def test_channels_hidden_from_the_bot_are_reported(world: World) -> None:
    await world.set_up()
    deny(world, world.review, view_channel=True)
    deny(world, world.forum, view_channel=True)
    await world.env.settle()
    said = await setup(world)
    assert f"View Channel, Send Messages, Read Message History in <#{world.review.id}>" in said
    assert f"View Channel, Read Message History in <#{world.forum.id}>" in said


async def test_a_review_channel_that_was_deleted_is_reported(world: World) -> None:
    await world.set_up()
    world.env.backend.delete_channel(world.review.id)
    await world.env.settle()
    assert f"<#{world.review.id}> is deleted or hidden from me: cards cannot be posted" in await setup(world)


async def test_a_report_on_many_channels_fits_a_message(world: World) -> None:
    await world.set_up()
    rooms = [world.guild.create_text_channel(f"room-{number}") for number in range(40)]
    for room in rooms:
        deny(world, room, manage_messages=True, read_message_history=True)
    await world.env.settle()
    await world.services.store.servers.watch(world.guild.id, [room.id for room in rooms], world.chief.id)
    said = await setup(world)
    assert "**Missing:**" in said and "Read Message History" in said and len(said) <= 2000


async def test_members_without_manage_server_are_not_offered_the_command(world: World) -> None:
    for person in (world.alice, world.mod, world.juror):
        assert "setup" not in person.available_commands(world.chat)
        with pytest.raises(simcord.SetupError):
            await person.slash(world.chat, "setup")


async def test_a_server_that_gives_the_command_to_others_does_not_give_them_the_right(world: World) -> None:
    await world.set_up()
    (command,) = [command for command in await world.env.bot.tree.fetch_commands() if command.name == "setup"]
    world.guild.set_command_permissions(command, {world.mods: True})
    before = await settings(world)
    for options in ({}, {"watch_bots": True}, {"unwatch": world.chat}):
        said = refusal(world, await world.mod.slash(world.chat, "setup", **options))
        assert "Manage Server" in said
    assert await settings(world) == before
    assert await watched(world) == {world.forum.id, world.chat.id}


async def test_set_up_is_acknowledged_before_the_database_which_may_be_busy_for_seconds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = world.services.store.servers
    save = servers.save
    answered: list[bool] = []

    async def watched_save(*args: Any) -> None:
        answered.append(any(entry.path.endswith("/callback") for entry in world.env.http_requests))
        await save(*args)

    monkeypatch.setattr(servers, "save", watched_save)
    await setup(world, watch=world.forum)
    assert answered == [True]
