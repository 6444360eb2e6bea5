"""Cards keep pace with the reviews: a limit a minute, a line for those that wait, no card lost, none doubled."""

from collections.abc import AsyncIterator
from dataclasses import replace

import discord
import pytest
import pytest_asyncio

from bot.config import Settings
from tests.support.world import World, assert_nobody_pinged, buttons_of, open_world, text_of


@pytest_asyncio.fixture
async def slow(settings: Settings) -> AsyncIterator[World]:
    """A server that shows two cards a minute."""
    async with open_world(replace(settings, cards_per_minute=2)) as opened:
        await opened.set_up()
        yield opened


async def shown(world: World) -> tuple[list[str], list[str]]:
    """The words on the cards, oldest first, and the other lines in the review channel."""
    texts = [(text_of(message), bool(buttons_of(message))) for message in await world.cards()]
    return [text for text, is_card in texts if is_card], [text for text, is_card in texts if not is_card]


async def post(world: World, *numbers: int) -> None:
    """Each in a thread of its own by somebody else, so that none shares a card."""
    for number in numbers:
        member = world.member(f"member {number}")
        await world.forum_post(member, f"Thread {number}", f"You idiot number {number}.")


def numbers_on(cards: list[str]) -> list[int]:
    return [int(card.split("idiot number ")[1].split(".")[0]) for card in cards]


async def test_cards_over_the_limit_wait_and_are_announced_in_one_line(slow: World) -> None:
    await post(slow, 1, 2, 3, 4, 5)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2]
    assert len(lines) == 1 and "card: 3." in lines[0]
    assert len(await slow.rows("SELECT 1 FROM reviews WHERE outcome IS NULL")) == 5
    assert_nobody_pinged(slow)


async def test_cards_that_waited_come_in_order_and_the_line_goes(slow: World) -> None:
    await post(slow, 1, 2, 3, 4, 5)
    await slow.env.advance_time(61)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2, 3, 4]
    assert len(lines) == 1 and "card: 1." in lines[0]
    await slow.env.advance_time(61)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2, 3, 4, 5]
    assert lines == []


async def test_the_limit_counts_any_minute_not_calendar_minutes(slow: World) -> None:
    await post(slow, 1)
    await slow.env.advance_time(40)
    await post(slow, 2, 3)
    assert numbers_on((await shown(slow))[0]) == [1, 2]
    await slow.env.advance_time(21)
    assert numbers_on((await shown(slow))[0]) == [1, 2, 3]
    await post(slow, 4)
    assert numbers_on((await shown(slow))[0]) == [1, 2, 3]
    await slow.env.advance_time(61)
    assert numbers_on((await shown(slow))[0]) == [1, 2, 3, 4]


async def test_the_limit_and_the_line_outlive_a_restart(slow: World) -> None:
    await post(slow, 1, 2, 3)
    await slow.restart()
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2] and len(lines) == 1
    await slow.env.advance_time(61)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2, 3] and lines == []


async def test_a_verdict_is_shown_at_once_while_other_cards_wait(slow: World) -> None:
    await post(slow, 1, 2, 3)
    first, *_ = await slow.cards()
    assert (await slow.mod.click(first, label="False alarm")).acknowledged
    assert "False alarm" in (await shown(slow))[0][0]


async def test_a_line_that_discord_fails_to_delete_goes_later(slow: World) -> None:
    await post(slow, 1, 2, 3)
    slow.env.inject_error("DELETE", f"/channels/{slow.review.id}/messages/*", status=500)
    await slow.env.advance_time(61)
    await slow.env.advance_time(61)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2, 3]
    assert lines == []


async def test_a_line_that_somebody_deleted_does_not_hold_up_the_cards(slow: World) -> None:
    await post(slow, 1, 2, 3)
    await slow.mod.delete((await slow.cards())[-1])
    await post(slow, 4)
    await slow.env.advance_time(61)
    await slow.env.advance_time(61)
    cards, lines = await shown(slow)
    assert numbers_on(cards) == [1, 2, 3, 4] and lines == []


@pytest.mark.parametrize("in_bulk", [False, True])
async def test_an_open_card_that_somebody_deleted_is_posted_again_and_works(world: World, in_bulk: bool) -> None:
    card = await world.flagged_card()
    if in_bulk:
        world.env.backend.bulk_delete_messages(world.review.id, [card.id])
        await world.env.settle()
    else:
        await world.mod.delete(card)
    again = await world.card()
    assert again.id != card.id and text_of(again) == text_of(card)
    assert (await world.mod.click(again, label="Flag was right")).acknowledged
    assert "The flag was right" in text_of(await world.card())


async def test_a_resolved_card_that_somebody_deleted_stays_away(world: World) -> None:
    assert (await world.mod.click(await world.flagged_card(), label="False alarm")).acknowledged
    await world.mod.delete(await world.card())
    assert await world.cards() == []
    await world.restart()
    assert await world.cards() == []


async def test_an_open_card_deleted_while_the_bot_was_away_comes_back_when_it_changes(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    card = await world.card()
    await world.env.shutdown()
    world.env.backend.delete_message(world.review.id, card.id)
    world.env.bot = type(world.env.bot)(world.services, world.env.bot._extension_names)
    await world.env.start()
    world.env.backend.edit_message(world.chat.id, message.id, {"content": "You great idiot."})
    await world.env.settle()
    assert "great idiot" in text_of(await world.card())


async def test_two_servers_do_not_share_a_limit_or_a_card(slow: World) -> None:
    other = slow.env.create_guild("City")
    review = other.create_text_channel(
        "review", overwrites={other.default_role: discord.PermissionOverwrite(view_channel=True)}
    )
    chat = other.create_text_channel("chat")
    owner = other.add_member(slow.env.create_user("owner"))
    await slow.env.settle()
    servers = slow.services.store.servers
    await servers.save(replace(await servers.get(other.id), review_channel_id=review.id))
    await servers.watch(other.id, [chat.id], owner.id)
    await post(slow, 1, 2, 3)
    await owner.send(chat, "You idiot.")
    assert numbers_on((await shown(slow))[0]) == [1, 2]
    (card,) = review.history()
    assert "idiot" in text_of(card)
    assert (await slow.mod.click((await slow.cards())[0], label="False alarm")).acknowledged
    open_in = await slow.rows("SELECT guild_id, count(*) AS n FROM reviews WHERE outcome IS NULL GROUP BY guild_id")
    assert {row["guild_id"]: row["n"] for row in open_in} == {slow.guild.id: 2, other.id: 1}
