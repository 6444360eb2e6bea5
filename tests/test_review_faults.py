"""The review channel is missing, or Discord or the database fail: reviews stay, cards come later, each once."""

from typing import Any

import pytest
from discord import Permissions
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle

from bot.errors import StoreBusy
from tests.support.world import HIDDEN, SHOWN, World, answer, assert_nobody_pinged, text_of

LONG = 601
"""Seconds after which even a 403 is tried again."""


def review_posts(world: World) -> list[Any]:
    path = f"/channels/{world.review.id}/messages"
    return [entry for entry in world.env.http_requests if entry.method == "POST" and entry.path == path]


async def status(world: World) -> str:
    return answer(await world.mod.slash(world.chat, "status"))


async def set_review_channel(world: World, channel: ChannelHandle) -> str:
    return answer(await world.chief.slash(world.chat, "setup", review_channel=channel))


def another_channel(world: World) -> ChannelHandle:
    readers = dict.fromkeys((world.mods, world.chiefs, world.jury, world.env.bot.user), SHOWN)
    return world.guild.create_text_channel("review-2", overwrites={world.guild.default_role: HIDDEN, **readers})


async def open_reviews(world: World) -> int:
    return len(await world.rows("SELECT 1 FROM reviews WHERE outcome IS NULL"))


async def test_without_a_review_channel_reviews_wait_until_one_is_chosen(world: World) -> None:
    await world.set_up(review_channel_id=None)
    await world.alice.send(world.chat, "You idiot.")
    assert await open_reviews(world) == 1
    said = await status(world)
    assert "No review channel is chosen" in said and "1 wait for a card" in said
    await set_review_channel(world, world.review)
    assert "idiot" in text_of(await world.card())
    assert "0 wait for a card" in await status(world)


async def test_cards_wait_when_the_review_channel_was_deleted(world: World) -> None:
    await world.set_up()
    world.env.backend.delete_channel(world.review.id)
    await world.alice.send(world.chat, "You idiot.")
    assert await open_reviews(world) == 1
    assert "review channel is deleted" in await status(world)
    second = another_channel(world)
    await set_review_channel(world, second)
    (card,) = second.history()
    assert "idiot" in text_of(card)


async def test_open_cards_that_went_with_their_channel_come_again_in_the_new_one(world: World) -> None:
    await world.flagged_card()
    world.env.backend.delete_channel(world.review.id)
    await world.env.settle()
    assert "1 wait for a card" in await status(world)
    second = another_channel(world)
    await set_review_channel(world, second)
    (card,) = second.history()
    assert "idiot" in text_of(card)
    assert (await world.mod.click(card, label="Flag was right")).acknowledged
    assert await open_reviews(world) == 0


async def test_cards_wait_while_the_bot_may_not_write_in_the_review_channel(world: World) -> None:
    await world.set_up()
    denied = Overwrite(world.env.bot.user.id, type=1, allow=0, deny=Permissions(send_messages=True).value)
    world.env.backend.set_overwrite(world.review.id, denied)
    await world.env.settle()
    await world.alice.send(world.chat, "You idiot.")
    assert review_posts(world) == [], "no blind tries that end in a 403"
    said = await status(world)
    assert "may not write" in said and f"<#{world.review.id}>" in said and "1 wait for a card" in said
    allowed = Overwrite(world.env.bot.user.id, type=1, allow=SHOWN.pair()[0].value, deny=0)
    world.env.backend.set_overwrite(world.review.id, allowed)
    await world.env.advance_time(LONG)
    assert "idiot" in text_of(await world.card())


@pytest.mark.parametrize("status_code", [403, 404, 429, 500, 503])
async def test_a_card_that_discord_refuses_to_post_comes_later_exactly_once(world: World, status_code: int) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=status_code)
    await world.alice.send(world.chat, "You idiot.")
    assert not any("idiot" in text_of(message) for message in await world.cards())
    assert await open_reviews(world) == 1
    said = await status(world)
    assert "1 wait for a card" in said and str(status_code) in said
    await world.env.advance_time(LONG)
    await world.env.advance_time(LONG)
    assert "idiot" in text_of(await world.card())
    assert_nobody_pinged(world)


@pytest.mark.parametrize("status_code", [403, 429, 500, 503])
async def test_a_verdict_that_could_not_be_drawn_is_shown_later(world: World, status_code: int) -> None:
    card = await world.flagged_card()
    world.env.inject_error("PATCH", f"/channels/{world.review.id}/messages/*", status=status_code)
    assert (await world.mod.click(card, label="False alarm")).acknowledged
    assert await open_reviews(world) == 0
    assert str(status_code) in await status(world)
    await world.env.advance_time(LONG)
    assert "False alarm" in text_of(await world.card())


async def test_a_forbidden_post_is_not_tried_again_every_minute(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=403, code=50013, times=None)
    await world.alice.send(world.chat, "You idiot.")
    for _ in range(5):
        await world.env.advance_time(61)
    assert len(review_posts(world)) == 1


async def test_after_a_forbidden_post_the_waiting_cards_still_follow_at_the_set_pace(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=403, code=50013)
    for number in range(12):
        await world.forum_post(world.member(f"member {number}"), f"Thread {number}", "You idiot.")
    await set_review_channel(world, world.review)
    await world.env.advance_time(61)
    await world.env.advance_time(61)
    assert len([text for text in map(text_of, await world.cards()) if "idiot" in text]) == 12


async def test_a_card_in_a_channel_that_is_closed_to_the_bot_holds_up_no_other(world: World) -> None:
    await world.set_up()
    old = await world.alice.send(world.chat, "You idiot.")
    second = another_channel(world)
    await set_review_channel(world, second)
    world.env.inject_error("PATCH", f"/channels/{world.review.id}/messages/*", status=403, code=50001, times=None)
    await world.alice.edit(old, "I am sorry.")
    await world.alice.send(world.chat, "What an idiot.")
    (card,) = second.history()
    assert (await world.mod.click(card, label="Flag was right")).acknowledged
    (card,) = second.history()
    assert "The flag was right" in text_of(card)


async def test_a_card_that_discord_calls_malformed_holds_up_no_other(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=400, code=50035)
    await world.alice.send(world.chat, "You idiot.")
    await world.bob.send(world.chat, "It is the cabal.")
    assert any("cabal" in text_of(message) for message in await world.cards())
    await world.env.advance_time(LONG)
    assert sum("You idiot" in text_of(message) for message in await world.cards()) == 1


async def test_a_card_whose_posting_could_not_be_noted_is_not_posted_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    cards = world.services.store.cards

    async def busy(*_: Any) -> None:
        raise StoreBusy("The database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(cards, "posted", busy)
        await world.alice.send(world.chat, "You idiot.")
    assert "locked" in await status(world)
    await world.env.advance_time(LONG)
    assert len(review_posts(world)) == len(await world.cards()) == 1
    (row,) = await world.rows("SELECT card_message_id FROM reviews")
    assert row["card_message_id"] is not None
    assert (await world.mod.click((await world.cards())[-1], label="False alarm")).acknowledged


async def test_every_try_to_post_a_card_carries_the_same_nonce(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=500)
    await world.alice.send(world.chat, "You idiot.")
    await world.env.advance_time(LONG)
    await world.alice.send(world.chat, "You idiots.")
    first, again, other = [(entry.json["nonce"], entry.json["enforce_nonce"]) for entry in review_posts(world)]
    assert first == again != other


async def test_cards_that_waited_are_posted_after_a_restart(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=500)
    await world.alice.send(world.chat, "You idiot.")
    await world.restart()
    assert "idiot" in text_of(await world.card())
