"""The loopback Discord as discord.py's own client sees it: paging, refusals, what is posted once."""

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest
import pytest_asyncio
from discord.http import Route, handle_message_parameters

from tests.loopback.bot_process import APPLICATION, TOKEN
from tests.loopback.launch import point_discord_at
from tests.loopback.permissions import MANAGE_THREADS, READ_MESSAGE_HISTORY, REVIEW_ONLY, SEND_MESSAGES
from tests.loopback.server import Loopback, serving
from tests.loopback.town import Town


@pytest_asyncio.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with serving(APPLICATION, TOKEN) as opened:
        yield opened


@pytest.fixture
def town(loopback: Loopback) -> Town:
    return Town(loopback.world)


@pytest_asyncio.fixture
async def client(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[discord.Client]:
    """Logged in with the bot's token, not connected to the gateway."""
    point_discord_at(loopback.port, monkeypatch.setattr)
    async with discord.Client(intents=discord.Intents.none()) as opened:
        await opened.login(TOKEN)
        yield opened


async def text_channel(client: discord.Client, id_: int) -> discord.TextChannel:
    channel = await client.fetch_channel(id_)
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_history_is_read_in_pages_in_both_directions(client: discord.Client, town: Town) -> None:
    posts = [town.world.post(town.chat, town.alice, f"post {number}") for number in range(250)]
    channel = await text_channel(client, town.chat.id)
    ids = [post.id for post in posts]
    assert [message.id async for message in channel.history(limit=None)] == ids[::-1]
    after = discord.Object(ids[19])
    assert [message.id async for message in channel.history(limit=None, after=after)] == ids[20:]
    around = [message.id async for message in channel.history(limit=5, around=discord.Object(ids[100]))]
    assert sorted(around) == ids[98:103]


async def test_a_page_after_an_id_holds_the_oldest_newest_first(client: discord.Client, town: Town) -> None:
    ids = [str(town.world.post(town.chat, town.alice, "hello").id) for _ in range(9)]
    page = await client.http.logs_from(town.chat.id, 3, after=int(ids[4]))
    assert [message["id"] for message in page] == ids[7:4:-1]
    page = await client.http.logs_from(town.chat.id, 3, before=int(ids[4]))
    assert [message["id"] for message in page] == ids[3:0:-1]
    with pytest.raises(discord.HTTPException) as refused:
        await client.http.logs_from(town.chat.id, 101)
    assert refused.value.code == 50035


async def test_deleted_messages_are_gone_and_answers_say_what_they_answer(client: discord.Client, town: Town) -> None:
    first = town.world.post(town.chat, town.alice, "first")
    town.world.post(town.chat, town.bob, "second", reply_to=first)
    channel = await text_channel(client, town.chat.id)
    (second, _) = [message async for message in channel.history()]
    assert second.type is discord.MessageType.reply and second.reference and second.reference.resolved
    town.world.delete(first)
    (second,) = [message async for message in channel.history()]
    assert second.reference and isinstance(second.reference.resolved, discord.DeletedReferencedMessage)
    with pytest.raises(discord.NotFound) as refused:
        await channel.fetch_message(first.id)
    assert refused.value.code == 10008


async def test_archived_threads_come_in_pages_latest_archived_first(client: discord.Client, town: Town) -> None:
    threads = [town.world.forum_post(town.forum, town.alice, f"thread {number}", "text") for number in range(105)]
    for thread in threads[5:] + threads[:5]:
        town.world.archive(thread)
    town.world.archive(threads[50], archived=False)
    forum = await client.fetch_channel(town.forum.id)
    assert isinstance(forum, discord.ForumChannel)
    expected = [thread.id for thread in threads[4::-1] + threads[:4:-1] if thread is not threads[50]]
    assert [thread.id async for thread in forum.archived_threads(limit=None)] == expected
    page = await client.http.get_public_archived_threads(town.forum.id, limit=100)
    assert page["has_more"] and len(page["threads"]) == 100
    active = await client.http.get_active_threads(town.guild.id)
    assert [int(thread["id"]) for thread in active["threads"]] == [threads[50].id]


async def test_private_archived_threads_need_manage_threads(client: discord.Client, town: Town) -> None:
    thread = town.world.create_thread(town.chat, town.alice, "between us", private=True)
    town.world.archive(thread)
    with pytest.raises(discord.Forbidden) as refused:
        await client.http.get_private_archived_threads(town.chat.id)
    assert refused.value.code == 50013
    allowed = REVIEW_ONLY | MANAGE_THREADS
    town.world.set_overwrite(town.chat, town.world.me(town.guild), allow=allowed)
    page = await client.http.get_private_archived_threads(town.chat.id)
    assert [int(found["id"]) for found in page["threads"]] == [thread.id]
    page = await client.http.get_public_archived_threads(town.chat.id)
    assert page["threads"] == []


async def test_a_hidden_channel_is_refused_and_told_of_without_details(
    client: discord.Client, loopback: Loopback, town: Town
) -> None:
    town.world.post(town.hidden, town.alice, "between us")
    with pytest.raises(discord.Forbidden) as refused:
        await client.http.logs_from(town.hidden.id, 10)
    assert refused.value.code == 50001
    shown = {channel["id"]: channel["name"] for channel in loopback.world.guild_create(town.guild)["channels"]}
    assert shown[str(town.hidden.id)] == "___hidden___" and shown[str(town.chat.id)] == "chat"
    assert not [change for change in loopback.world.log if change.event.startswith("MESSAGE_") and change.visible]


async def test_permissions_are_looked_at_one_by_one(client: discord.Client, town: Town) -> None:
    post, me = town.world.post(town.chat, town.alice, "hello"), town.world.me(town.guild)
    channel = await text_channel(client, town.chat.id)
    with pytest.raises(discord.Forbidden, match="Missing Permissions"):
        await channel.get_partial_message(post.id).delete()
    with pytest.raises(discord.Forbidden, match="authored by another user"):
        await channel.get_partial_message(post.id).edit(content="mine")
    town.world.set_overwrite(town.chat, me, deny=READ_MESSAGE_HISTORY | SEND_MESSAGES)
    assert [message async for message in channel.history()] == []
    with pytest.raises(discord.Forbidden, match="Missing Permissions"):
        await channel.send("hello")
    town.world.delete_channel(town.chat)
    with pytest.raises(discord.NotFound, match="Unknown Channel"):
        await channel.send("hello")


async def test_a_nonce_makes_one_message(client: discord.Client, town: Town) -> None:
    channel = await text_channel(client, town.chat.id)
    first, again = await channel.send("once", nonce="review-1"), await channel.send("twice", nonce="review-1")
    assert again.id == first.id and again.content == "once"
    assert (await channel.send("other", nonce="review-2")).id != first.id
    assert len(town.chat.history) == 2
    with handle_message_parameters(content="unenforced", nonce="review-1") as parameters:
        assert parameters.payload and parameters.payload.pop("enforce_nonce")
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=town.chat.id)
        await client.http.request(route, json=parameters.payload)
    assert len(town.chat.history) == 3


async def test_a_wrong_token_is_refused_by_rest_and_gateway(client: discord.Client, loopback: Loopback) -> None:
    with pytest.raises(discord.LoginFailure):
        await client.http.static_login("wrong")
    client.http.token = "wrong"
    with pytest.raises(discord.ConnectionClosed) as refused:
        async with asyncio.timeout(10):
            await client.connect(reconnect=False)
    assert refused.value.code == 4004 and not loopback.gateway.identified


async def test_the_clock_of_the_world_may_stand_still(loopback: Loopback, town: Town) -> None:
    loopback.world.clock = lambda: 1_700_000_000_000
    ids = [town.world.post(town.chat, town.alice, "hello").id for _ in range(50)]
    assert ids == sorted(set(ids))
