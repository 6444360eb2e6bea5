"""A flagged post becomes a card; a moderator resolves it."""

from typing import Any

import discord
import pytest
from simcord.backend.models import Overwrite

from bot.domain import Outcome
from tests.support.world import SHOWN, World, answer, assert_nobody_pinged, buttons_of, text_of

VERDICTS = [
    ("Flag was right", "confirmed", "The flag was right", {"Remove post", "Go to post"}),
    ("False alarm", "false_alarm", "False alarm", {"Go to post"}),
]
BUTTONS = ["Flag was right", "False alarm", "Remove post"]


async def outcome(world: World) -> tuple[str | None, int | None]:
    (review,) = await world.rows("SELECT outcome, resolved_by FROM reviews")
    return review["outcome"], review["resolved_by"]


async def test_a_flagged_forum_post_becomes_a_card_that_a_moderator_resolves(world: World) -> None:
    await world.set_up()
    await world.forum_post(world.alice, "Budget vote", "You are an idiot, mayor.")
    card = await world.card()
    assert "insult" in text_of(card)
    assert "Budget vote" in text_of(card)
    assert set(buttons_of(card)) == {"Flag was right", "False alarm", "Remove post", "Go to post"}
    pressed = await world.mod.click(card, label="Flag was right")
    assert pressed.acknowledged
    assert "The flag was right" in text_of(await world.card())
    (review,) = await world.rows("SELECT * FROM reviews")
    assert review["outcome"] == "confirmed" and review["resolved_by"] == world.mod.id
    assert_nobody_pinged(world)


async def test_a_harmless_post_gets_a_decision_and_no_card(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "I disagree with the budget.")
    assert len(await world.decisions()) == 1
    assert await world.cards() == []


@pytest.mark.parametrize(("label", "stored", "shown", "left"), VERDICTS)
async def test_a_verdict_stands_on_the_card_and_in_the_log(
    world: World, label: str, stored: str, shown: str, left: set[str]
) -> None:
    pressed = await world.mod.click(await world.flagged_card(), label=label)
    assert pressed.acknowledged
    card = await world.card()
    assert shown in text_of(card) and f"<@{world.mod.id}>" in text_of(card)
    assert set(buttons_of(card)) == left
    assert await outcome(world) == (stored, world.mod.id)
    events = await world.rows("SELECT kind, actor_id FROM review_events ORDER BY id")
    assert {"kind": "opened", "actor_id": None} in events
    assert {"kind": stored, "actor_id": world.mod.id} in events


@pytest.mark.parametrize("label", BUTTONS)
async def test_a_press_is_acknowledged_before_anything_else_is_asked_of_discord(world: World, label: str) -> None:
    card = await world.flagged_card()
    world.env.http_requests.clear()
    assert (await world.mod.click(card, label=label)).acknowledged
    assert world.env.http_requests[0].path.endswith("/callback")


async def test_the_reviewer_role_is_enough_to_resolve(world: World) -> None:
    pressed = await world.juror.click(await world.flagged_card(), label="False alarm")
    assert pressed.acknowledged
    assert await outcome(world) == ("false_alarm", world.juror.id)


@pytest.mark.parametrize("label", BUTTONS)
async def test_a_member_who_can_see_the_channel_but_is_no_reviewer_is_refused(world: World, label: str) -> None:
    card = await world.flagged_card()
    allowed = SHOWN.pair()[0].value
    world.env.backend.set_overwrite(world.review.id, Overwrite(target_id=world.bob.id, type=1, allow=allowed, deny=0))
    await world.env.settle()
    pressed = await world.bob.click(card, label=label)
    assert "for reviewers" in answer(pressed) and pressed.ephemeral
    assert await outcome(world) == (None, None)
    assert "Flag was right" in buttons_of(await world.card())


@pytest.mark.parametrize("label", BUTTONS)
async def test_nobody_resolves_a_review_of_their_own_post(world: World, label: str) -> None:
    await world.set_up()
    await world.mod.send(world.chat, "You idiot.")
    pressed = await world.mod.click(await world.card(), label=label)
    assert "your own post" in answer(pressed) and pressed.ephemeral
    assert await outcome(world) == (None, None)
    assert (await world.chief.click(await world.card(), label="Flag was right")).acknowledged
    assert await outcome(world) == ("confirmed", world.chief.id)


@pytest.mark.parametrize("label", BUTTONS)
async def test_who_presses_on_a_card_that_is_out_of_date_is_told_who_was_first(world: World, label: str) -> None:
    card = await world.flagged_card()
    world.env.inject_error("PATCH", f"/channels/{world.review.id}/messages/*", status=500)
    assert (await world.mod.click(card, label="False alarm")).acknowledged
    late = await world.chief.click(await world.card(), label=label)
    assert f"<@{world.mod.id}>" in answer(late) and "false alarm" in answer(late)
    assert await outcome(world) == ("false_alarm", world.mod.id)
    assert_nobody_pinged(world)


async def test_of_two_moderators_who_press_at_the_same_moment_one_wins_and_the_other_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await world.flagged_card()

    async def later(**_: Any) -> None: ...

    with monkeypatch.context() as patch:  # both presses are under way before either is answered
        patch.setattr(world.env, "_settle_internal", later)
        presses = {world.mod.id: await world.mod.click(card, label="Flag was right")}
    presses[world.chief.id] = await world.chief.click(card, label="False alarm")
    _, winner = await outcome(world)
    assert winner is not None
    (loser,) = set(presses) - {winner}
    assert presses[winner].acknowledged and not presses[winner].followups
    (told,) = presses[loser].followups
    assert presses[loser].acknowledged and f"<@{winner}>" in text_of(told) and told.ephemeral
    assert f"<@{winner}>" in text_of(await world.card())
    assert len(await world.rows("SELECT 1 FROM review_events WHERE actor_id IS NOT NULL")) == 1


async def test_a_verdict_that_slips_in_after_the_check_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    card, reviews = await world.flagged_card(), world.services.store.reviews
    read = reviews.get

    async def read_then_lose(review_id: int) -> Any:
        review = await read(review_id)
        await reviews.resolve(review_id, Outcome.CONFIRMED, world.chief.id)
        return review

    monkeypatch.setattr(reviews, "get", read_then_lose)
    pressed = await world.mod.click(card, label="False alarm")
    (told,) = pressed.followups
    assert pressed.acknowledged and f"<@{world.chief.id}>" in text_of(told)
    assert await outcome(world) == ("confirmed", world.chief.id)


@pytest.mark.parametrize("label", ["Flag was right", "False alarm"])
async def test_buttons_work_after_a_restart(world: World, label: str) -> None:
    await world.flagged_card()
    await world.restart()
    assert (await world.mod.click(await world.card(), label=label)).acknowledged
    assert (await outcome(world))[1] == world.mod.id
    assert label.lower().split()[-1] in text_of(await world.card()).lower()


async def test_a_card_whose_review_is_not_in_the_database_any_more_says_so(world: World) -> None:
    card = await world.flagged_card()
    async with world.services.store.reviews._database.transaction() as connection:
        await connection.execute("DELETE FROM reviews")
    pressed = await world.mod.click(card, label="False alarm")
    assert "not in my records" in answer(pressed) and pressed.ephemeral


@pytest.mark.parametrize("label", BUTTONS)
async def test_a_press_that_discord_fails_to_take_resolves_nothing_and_is_not_silent(world: World, label: str) -> None:
    card = await world.flagged_card()
    world.env.inject_error("POST", "/interactions/*/*/callback", status=500)
    pressed = await world.mod.click(card, label=label)
    assert "HTTP 500" in answer(pressed) and "try again" in answer(pressed)
    assert await outcome(world) == (None, None)
    assert (await world.mod.click(await world.card(), label=label)).acknowledged


async def test_a_press_nobody_can_be_told_about_is_kept_for_status(world: World) -> None:
    card = await world.flagged_card()
    world.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062, times=None)
    pressed = await world.mod.click(card, label="False alarm")
    assert not pressed.acknowledged
    assert await outcome(world) == (None, None)
    world.env.backend.faults.clear()
    said = answer(await world.mod.slash(world.review, "status"))
    assert "could not be told" in said and "404" in said


async def test_a_button_of_a_bot_without_its_database_says_what_is_wrong(world: World) -> None:
    card = await world.flagged_card()
    async with world.locked_database():
        pressed = await world.mod.click(card, label="Flag was right")
        assert "records are busy" in answer(pressed)
    assert await outcome(world) == (None, None)
    assert (await world.mod.click(await world.card(), label="Flag was right")).acknowledged
    assert await outcome(world) == ("confirmed", world.mod.id)


async def test_a_message_of_the_bot_never_pings_the_author_it_names(world: World) -> None:
    card = await world.flagged_card(f"<@{world.bob.id}> is an idiot, @everyone")
    assert f"<@{world.alice.id}>" in text_of(card)
    assert isinstance(card, discord.Message)
    assert_nobody_pinged(world)
