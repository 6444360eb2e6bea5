"""A post that is edited or deleted while it waits for a verdict."""

import pytest
from simcord.builders import ChannelHandle

from tests.support.world import World, assert_nobody_pinged, buttons_of, text_of

NOT_FLAGGED_NOW = "the new one was not flagged"


async def reviews(world: World) -> list[str | None]:
    return [row["outcome"] for row in await world.rows("SELECT outcome FROM reviews ORDER BY id")]


async def test_a_post_edited_to_something_harmless_is_shown_as_edited_and_can_still_be_resolved(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(post, "I am sorry.")
    card = await world.card()
    assert NOT_FLAGGED_NOW in text_of(card) and "You idiot" in text_of(card)
    assert (await world.mod.click(card, label="False alarm")).acknowledged
    assert await reviews(world) == ["false_alarm"]


async def test_a_post_edited_to_other_flagged_words_keeps_its_one_card_which_shows_them(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(post, "It is the cabal again.")
    said = text_of(await world.card())
    assert "conspiracy framing" in said and "cabal again" in said and "idiot" not in said
    assert await reviews(world) == [None]


async def test_a_post_edited_back_to_its_first_flagged_words_shows_them_again(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(post, "It is the cabal again.")
    await world.alice.edit(post, "You idiot.")
    said = text_of(await world.card())
    assert "You idiot" in said and "insult" in said
    assert NOT_FLAGGED_NOW not in said


async def test_a_post_edited_away_from_its_flagged_words_and_back_is_not_called_edited(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(post, "I am sorry.")
    await world.alice.edit(post, "You idiot.")
    assert NOT_FLAGGED_NOW not in text_of(await world.card())


async def test_flagged_words_written_after_the_verdict_get_a_review_of_their_own(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    assert (await world.mod.click(await world.card(), label="False alarm")).acknowledged
    await world.alice.edit(post, "I will kill the lights.")
    first, second = await world.cards()
    assert "False alarm" in text_of(first) and "threat" in text_of(second)
    assert await reviews(world) == ["false_alarm", None]


async def test_words_already_judged_open_no_second_review_when_they_come_back(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    assert (await world.mod.click(await world.card(), label="False alarm")).acknowledged
    await world.alice.edit(post, "I am sorry.")
    await world.alice.edit(post, "You idiot.")
    assert await reviews(world) == ["false_alarm"]


async def test_a_verdict_does_not_cover_flagged_words_that_the_card_has_not_shown_yet(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    world.env.inject_error("PATCH", f"/channels/{world.review.id}/messages/*", status=500)
    await world.alice.edit(post, "I will kill the lights.")
    card = await world.card()
    assert "You idiot" in text_of(card)
    pressed = await world.mod.click(card, label="False alarm")
    assert pressed.acknowledged
    assert None in await reviews(world)
    await world.env.advance_time(61)
    assert "kill the lights" in text_of((await world.cards())[-1])


async def test_a_deleted_post_is_shown_as_deleted_and_cannot_be_removed_again(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    await world.alice.delete(post)
    card = await world.card()
    assert "deleted meanwhile" in text_of(card)
    assert "Nothing to do; you can still judge the flag." in text_of(card)
    assert "only record what you think" not in text_of(card)
    assert set(buttons_of(card)) == {"Flag was right", "False alarm"}
    assert (await world.mod.click(card, label="Flag was right")).acknowledged
    assert await reviews(world) == ["confirmed"]
    assert_nobody_pinged(world)


@pytest.mark.parametrize("what", ["thread", "forum"])
async def test_a_post_whose_thread_or_forum_is_deleted_is_shown_as_deleted(world: World, what: str) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "You idiot.")
    target: ChannelHandle = thread if what == "thread" else world.forum
    world.env.backend.delete_channel(target.id)
    await world.env.settle()
    card = await world.card()
    assert "deleted meanwhile" in text_of(card)
    assert "Remove post" not in buttons_of(card)


async def test_what_happened_while_the_card_could_not_be_updated_is_shown_after_a_restart(world: World) -> None:
    await world.set_up()
    post = await world.alice.send(world.chat, "You idiot.")
    world.env.inject_error("PATCH", f"/channels/{world.review.id}/messages/*", status=500)
    await world.alice.delete(post)
    assert "deleted meanwhile" not in text_of(await world.card())
    await world.restart()
    assert "deleted meanwhile" in text_of(await world.card())
