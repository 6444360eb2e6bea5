"""A thread that boils over is announced once an hour; history that is read late, and calm threads, never."""

from dataclasses import replace

import discord
import pytest_asyncio
from simcord.builders import ChannelHandle

from bot.config import Settings
from bot.domain import Place, Post, Source
from tests.support.floods import gang, raid
from tests.support.world import World, assert_nobody_pinged, buttons_of, open_world, text_of


@pytest_asyncio.fixture
async def thread(world: World) -> ChannelHandle:
    await world.set_up()
    return (await world.forum_post(world.alice, "Budget vote", "What do you think?"))[0]


async def alerts(world: World) -> list[discord.Message]:
    return [message for message in await world.cards() if "boiling over" in text_of(message)]


async def say(world: World, channel: ChannelHandle, *texts: str) -> None:
    for text in texts:
        world.env.backend.create_message(channel.id, world.bob.id, text)
    await world.env.settle()


async def test_a_boiling_thread_is_announced_with_its_figures_and_a_link(world: World, thread: ChannelHandle) -> None:
    await say(world, thread, *["I disagree."] * 10)
    await say(world, thread, *["You idiot."] * 5)
    (alert,) = await alerts(world)
    said = f"🔥 <#{thread.id}> is boiling over: 5 of 16 posts in the last 10 minutes were flagged so far."
    assert text_of(alert) == said
    assert buttons_of(alert)["Open the thread"]["url"] == f"https://discord.com/channels/{world.guild.id}/{thread.id}"
    assert_nobody_pinged(world)


async def test_four_flagged_posts_are_no_heat(world: World, thread: ChannelHandle) -> None:
    await say(world, thread, *["You idiot."] * 4)
    assert await alerts(world) == []


async def test_five_among_many_are_no_heat_and_count_the_channel_without_threads_too(world: World) -> None:
    await world.set_up()
    await say(world, world.chat, *["I disagree."] * 21)
    await say(world, world.chat, *["You idiot."] * 5)
    assert await alerts(world) == []
    await say(world, world.chat, "You idiot.")
    assert f"<#{world.chat.id}> is boiling over: 6 of 27" in text_of((await alerts(world))[0])


async def test_a_thread_is_announced_once_an_hour_even_after_a_restart(world: World, thread: ChannelHandle) -> None:
    await say(world, thread, *["You idiot."] * 6)
    await world.restart()
    await say(world, thread, *["You idiot."] * 6)
    assert len(await alerts(world)) == 1
    await world.env.advance_time(3601)
    assert len(await alerts(world)) == 1, "it has cooled down"
    await say(world, thread, *["You idiot."] * 6)
    assert len(await alerts(world)) == 2


async def test_old_flagged_posts_that_are_read_late_are_no_heat(world: World, thread: ChannelHandle) -> None:
    hours_ago = world.services.clock() - 3 * 3600 * 1000
    place = Place(world.guild.id, world.forum.id, thread.id)
    posts = [
        Post(Source.DISCORD, str(1000 + number), "7", "old", ("You idiot.",), hours_ago, place=place)
        for number in range(9)
    ]
    await world.services.pipeline.process(posts, open_reviews=True)
    await say(world, thread, *["You idiot."] * 4)
    assert len(await world.rows("SELECT 1 FROM reviews")) == 13
    assert await alerts(world) == []
    await say(world, thread, "You idiot.")
    assert "5 of 6 posts" in text_of((await alerts(world))[0])


async def test_an_alert_counts_for_the_cap_and_comes_before_cards(settings: Settings) -> None:
    async with open_world(replace(settings, cards_per_minute=2)) as world:
        await world.set_up()
        first, second = await gang(world, 2)
        await world.forum_post(first, "Thread 1", "You idiot.")
        await world.forum_post(second, "Thread 2", "You idiot.")
        await raid(world, world.chat, [world.alice], 8)
        assert await alerts(world) == []
        await world.env.advance_time(61)
        assert len(await alerts(world)) == 1
        await world.forum_post(first, "Thread 3", "You idiot.")
        posted = await world.rows("SELECT 1 FROM reviews WHERE card_posted_at IS NOT NULL")
        assert len(posted) == 3, "two at first; then the alert and one card, and no more that minute"


async def test_an_alert_that_discord_refuses_comes_later_once(world: World, thread: ChannelHandle) -> None:
    await say(world, thread, *["You idiot."] * 4)
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=500)
    await say(world, thread, "You idiot.")
    assert await alerts(world) == []
    await world.env.advance_time(61)
    await world.env.advance_time(61)
    assert len(await alerts(world)) == 1
