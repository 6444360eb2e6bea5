"""A flood of flagged posts: few cards, few edits, nothing lost, nothing twice."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bot.config import Settings
from cogs.review import fold as rules
from tests.support.floods import ONE_BY_ONE, fold, folds, gang, raid, singles, sizes, slowly
from tests.support.world import (
    HIDDEN,
    SHOWN,
    World,
    answer,
    assert_nobody_pinged,
    buttons_of,
    open_world,
    text_of,
)


@pytest_asyncio.fixture
async def slow(settings: Settings) -> AsyncIterator[World]:
    """A server that shows two cards a minute."""
    async with open_world(replace(settings, cards_per_minute=2)) as opened:
        await opened.set_up()
        yield opened


def requests(world: World, method: str) -> list[Any]:
    path = f"/channels/{world.review.id}/messages"
    return [entry for entry in world.env.http_requests if entry.method == method and entry.path.startswith(path)]


async def forget_cards(world: World) -> None:
    """As if the bot had been killed after posting its cards, before noting it."""
    async with world.services.store.cards._database.transaction() as connection:
        await connection.execute(
            "UPDATE reviews SET card_channel_id = NULL, card_message_id = NULL, card_posted_at = NULL, "
            "shown_version = 0, shown_decision_id = NULL"
        )


async def test_a_raid_on_one_thread_shares_a_card_and_every_post_is_in_the_log(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "What do you think?")
    await raid(world, thread, await gang(world, 7), 60)
    assert sum(await sizes(world)) == 60
    said = text_of((await folds(world))[-1])
    assert f"flagged posts in <#{thread.id}>" in said and "still to decide" in said and "Idiot number" in said
    assert len(requests(world, "POST")) <= 4
    assert len([row for row in await world.decisions() if row["flagged"]]) == 60
    opened = await world.rows("SELECT 1 FROM review_events WHERE kind = 'opened'")
    assert len(opened) == 60
    assert_nobody_pinged(world)


async def test_the_first_two_cards_of_a_thread_stay_single_and_the_third_becomes_the_fold(world: World) -> None:
    await world.set_up()
    for number, member in enumerate(await gang(world, 5)):
        await slowly(world.chat, member, f"You idiot number {number}.")
        assert await sizes(world) == [[1], [1, 1], [1, 1, 1], [1, 1, 2], [1, 1, 3]][number]
    assert "### 3 flagged posts in" in text_of(await fold(world))
    assert buttons_of(await fold(world)).keys() == {ONE_BY_ONE, "Go to channel"}
    first, second = await singles(world)
    assert "number 0" in text_of(first) and "number 1" in text_of(second)
    assert (await world.mod.click(first, label="False alarm")).acknowledged


async def test_one_author_in_many_threads_shares_a_card(world: World) -> None:
    await world.set_up()
    for number in range(6):
        await world.forum_post(world.alice, f"Thread {number}", f"You idiot number {number}.")
    assert await sizes(world) == [1, 1, 4]
    said = text_of(await fold(world))
    assert f"### 4 flagged posts by <@{world.alice.id}>" in said and said.count(" in <#") == 4
    assert set(buttons_of(await fold(world))) == {ONE_BY_ONE}


async def test_a_fold_of_a_thread_takes_no_posts_from_other_threads(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.bob, "Budget vote", "What do you think?")
    await slowly(thread, world.alice, *["You idiot."] * 5)
    await slowly(world.chat, world.alice, "You idiot.")
    assert f"### 3 flagged posts in <#{thread.id}>" in text_of(await fold(world))
    assert await sizes(world) == [1, 1, 3, 1]


async def test_quiet_threads_of_different_people_keep_cards_of_their_own(world: World) -> None:
    await world.set_up()
    for number, member in enumerate(await gang(world, 5)):
        await world.forum_post(member, f"Thread {number}", "You idiot.")
    assert await sizes(world) == [1] * 5


async def test_an_old_or_a_settled_card_takes_no_more(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, *["You idiot."] * 3)
    assert (await world.mod.click((await singles(world))[-1], label="False alarm")).acknowledged
    await slowly(world.chat, world.alice, "You idiot.", "You idiot.")
    assert await sizes(world) == [1, 1, 1, 2]
    await world.env.advance_time(rules.WINDOW_MS / 1000 + 1)
    await slowly(world.chat, world.alice, "You idiot.")
    assert await sizes(world) == [1, 1, 1, 2, 1]


async def test_a_full_fold_is_followed_by_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["cogs.review.fold"], "LARGEST", 20)  # extensions are loaded anew
    await world.set_up()
    await raid(world, world.chat, await gang(world, 3), 60)
    found = await sizes(world)
    assert sum(found) == 60 and max(found) <= 20 and len(found) <= 8


async def test_what_had_to_wait_comes_on_one_card_and_the_cap_holds(slow: World) -> None:
    people = await gang(slow, 4)
    for number, member in enumerate(people[:2]):
        await slow.forum_post(member, f"Thread {number}", "You idiot.")
    await raid(slow, slow.chat, people[2:], 12)
    assert len(await singles(slow)) == 2 and not await folds(slow)
    assert any("card: 12." in text_of(message) for message in await slow.cards())
    await slow.env.advance_time(61)
    assert "### 12 flagged posts in" in text_of(await fold(slow))
    assert len(await slow.rows("SELECT 1 FROM reviews WHERE card_message_id IS NULL")) == 0
    await slow.env.advance_time(61)
    assert not any("card:" in text_of(message) for message in await slow.cards())


async def test_a_burst_leads_to_few_edits(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, *["You idiot."] * 4)
    world.env.http_requests.clear()
    await raid(world, world.chat, [world.alice, world.bob], 100)
    assert sum(await sizes(world)) == 104
    assert 1 <= len(requests(world, "PATCH")) <= 12


async def test_a_thousand_calls_are_one_look_and_one_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    publisher, looks = world.env.bot.get_cog("ReviewCog").publisher, list[int]()

    async def count(guild_id: int, *_: Any) -> None:
        looks.append(guild_id)
        await asyncio.sleep(0.01)

    monkeypatch.setattr(publisher, "_look", count)
    await asyncio.gather(*(publisher.publish(world.guild.id) for _ in range(1000)))
    assert looks == [world.guild.id] * 2, "what was asked for during a look needs one more"
    await publisher.publish(world.guild.id)
    assert len(looks) == 3


async def test_a_fold_of_hostile_texts_fits_and_is_plain(world: World) -> None:
    await world.set_up()
    body = "idiot " + "*_~`|[]()<>#@:-" * 130
    for number in range(14):
        await world.member(f"very long name {number}").send(world.chat, body[:1990])
    said = text_of(await fold(world))
    assert len(said) <= 4000 and "### 12 flagged" in said and "more" in said
    assert "\\*\\_" in said and "@everyone" not in said
    assert_nobody_pinged(world)


async def test_a_fold_survives_a_restart_and_goes_on(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, *["You idiot."] * 5)
    await world.restart()
    await slowly(world.chat, world.bob, "You idiot.")
    assert await sizes(world) == [1, 1, 4] and "### 4 flagged" in text_of(await fold(world))


@pytest.mark.parametrize("count", [1, 30])
async def test_cards_posted_just_before_a_crash_are_adopted(world: World, count: int) -> None:
    await world.set_up()
    await raid(world, world.chat, await gang(world, 3), count)
    before = [message.id for message in await world.cards()]
    await forget_cards(world)
    await world.env.advance_time(61)  # else all is counted for the cap
    await world.restart()
    assert sum(await sizes(world)) == count
    assert [message.id for message in await world.cards()] == before
    assert len(await sizes(world)) == len(await singles(world)) + len(await folds(world))
    await slowly(world.chat, world.alice, "You idiot.")
    assert sum(await sizes(world)) == count + 1


async def test_cards_of_others_and_settled_ones_are_not_adopted(world: World) -> None:
    card = await world.flagged_card()
    assert (await world.mod.click(card, label="False alarm")).acknowledged
    await world.bob.send(world.chat, "You idiot.")
    await world.restart()
    assert await sizes(world) == [1, 1]


async def test_a_history_that_cannot_be_read_delays_cards_and_loses_none(world: World) -> None:
    await world.set_up()
    world.env.inject_error("GET", f"/channels/{world.review.id}/messages", status=500, times=None)
    await slowly(world.chat, world.alice, "You idiot.")
    assert await world.cards() == []
    assert "looked through" in answer(await world.mod.slash(world.chat, "status"))
    world.env.backend.faults.clear()
    await world.env.advance_time(61)
    assert await sizes(world) == [1] and len(await world.cards()) == 1


async def test_a_fold_that_a_moderator_deleted_comes_again_without_what_was_decided(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, *["You idiot."] * 6)
    page = await world.mod.click(await fold(world), label=ONE_BY_ONE)
    assert (await world.mod.click(page.response, label="False alarm")).acknowledged
    await world.mod.delete(await fold(world))
    assert "### 3 flagged posts" in text_of(await fold(world))
    rows = await world.rows("SELECT outcome FROM reviews WHERE card_message_id IS NULL")
    assert [row["outcome"] for row in rows] == ["false_alarm"]


async def test_a_fold_that_went_with_its_channel_comes_again_in_the_next(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, *["You idiot."] * 6)
    world.env.backend.delete_channel(world.review.id)
    await world.env.settle()
    readers = dict.fromkeys((world.mods, world.chiefs, world.env.bot.user), SHOWN)
    world.review = world.guild.create_text_channel("r2", overwrites={world.guild.default_role: HIDDEN, **readers})
    answer(await world.chief.slash(world.chat, "setup", review_channel=world.review))
    assert await sizes(world) == [6]
    assert (await world.mod.click(await fold(world), label=ONE_BY_ONE)).acknowledged


async def test_a_server_that_the_bot_leaves_is_forgotten(world: World) -> None:
    await world.set_up()
    await slowly(world.chat, world.alice, "You idiot.")
    publisher = world.env.bot.get_cog("ReviewCog").publisher
    assert world.guild.id in publisher._servers
    world.env.bot.dispatch("guild_remove", world.env.bot.get_guild(world.guild.id))
    await world.env.settle()
    assert publisher._servers == {}
