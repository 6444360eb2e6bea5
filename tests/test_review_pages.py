"""A moderator goes through the posts of a folded card, one by one, on a private page."""

from typing import Any

import pytest
import simcord

from tests.support.floods import ONE_BY_ONE, fold, slowly
from tests.support.world import World, answer, assert_nobody_pinged, buttons_of, text_of

VERDICTS = {"Flag was right", "False alarm", "Remove post", "Go to post"}


async def folded(world: World, *texts: str) -> list[Any]:
    """A fold of bob's ``texts``, written after two posts of his that have cards of their own."""
    await world.set_up()
    return (await slowly(world.chat, world.bob, "You idiot.", "You idiot.", *texts))[2:]


async def open_page(world: World, moderator: Any = None) -> simcord.InteractionResult:
    pressed = await (moderator or world.mod).click(await fold(world), label=ONE_BY_ONE)
    assert pressed.acknowledged and pressed.ephemeral
    return pressed


async def press(page: simcord.InteractionResult, moderator: Any, label: str) -> simcord.InteractionResult:
    """Press a button of the page; the answer is the page as it is then."""
    pressed = await moderator.click(page.response, label=label)
    assert pressed.acknowledged
    return pressed


async def outcomes(world: World) -> list[str | None]:
    """Of the reviews in the fold, oldest first."""
    return [row["outcome"] for row in await world.rows("SELECT outcome FROM reviews ORDER BY id LIMIT -1 OFFSET 2")]


async def test_a_page_shows_one_post_with_its_buttons_and_turns_both_ways(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.", "Idiot three.")
    page = await open_page(world)
    said = text_of(page.response)
    assert "1 of 3" in said and "Idiot one" in said and "Idiot two" not in said and "Score:" in said
    assert buttons_of(page.response).keys() == VERDICTS | {"Next ▸"}
    page = await press(page, world.mod, "Next ▸")
    assert "2 of 3" in text_of(page.response) and "Idiot two" in text_of(page.response)
    assert buttons_of(page.response).keys() == VERDICTS | {"Next ▸", "◂ Previous"}
    page = await press(page, world.mod, "Next ▸")
    assert buttons_of(page.response).keys() == VERDICTS | {"◂ Previous"}
    page = await press(page, world.mod, "◂ Previous")
    assert "Idiot two" in text_of(page.response)
    assert await outcomes(world) == [None] * 3
    assert_nobody_pinged(world)


async def test_a_verdict_on_a_page_is_logged_shown_on_the_card_and_leads_to_the_next_post(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.", "Idiot three.")
    page = await press(await open_page(world), world.mod, "False alarm")
    assert "Noted: false alarm" in text_of(page.response) and "1 of 2" in text_of(page.response)
    assert "Idiot two" in text_of(page.response)
    page = await press(page, world.mod, "Next ▸")
    page = await press(page, world.mod, "Flag was right")
    assert "Idiot two" in text_of(page.response), "the last one leads back to the first that is open"
    shared = text_of(await fold(world))
    assert "1 still to decide" in shared and "☑️ 1 false alarm" in shared and "✅ 1 flag was right" in shared
    assert f"false alarm, says <@{world.mod.id}>" in shared
    page = await press(page, world.mod, "Flag was right")
    assert "Nothing on this card is left" in text_of(page.response)
    assert buttons_of(page.response).keys() == {"Remove that post"}
    assert await outcomes(world) == ["false_alarm", "confirmed", "confirmed"]
    shared = text_of(await fold(world))
    assert "Nothing left to do · ✅ 2 flags were right · ☑️ 1 false alarm" in shared and ONE_BY_ONE not in buttons_of(
        await fold(world)
    )
    events = await world.rows("SELECT actor_id FROM review_events WHERE kind IN ('confirmed', 'false_alarm')")
    assert [row["actor_id"] for row in events] == [world.mod.id] * 3


async def test_a_page_is_acknowledged_before_anything_else_is_asked_of_discord(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    world.env.http_requests.clear()
    page = await open_page(world)
    assert world.env.http_requests[0].path.endswith("/callback")
    for label in ("Next ▸", "False alarm", "Remove post", "Yes, remove the post"):
        world.env.http_requests.clear()
        page = await press(page, world.mod, label)
        assert world.env.http_requests[0].path.endswith("/callback"), label


async def test_removing_a_post_on_a_page_asks_first_and_then_goes_on(world: World) -> None:
    posts = await folded(world, "Idiot one.", "Idiot two.")
    asked = await press(await open_page(world), world.mod, "Remove post")
    assert "cannot be undone" in text_of(asked.response)
    kept = await press(asked, world.mod, "No, keep it")
    assert "Idiot one" in text_of(kept.response) and await outcomes(world) == [None, None]
    asked = await press(kept, world.mod, "Remove post")
    gone = await press(asked, world.mod, "Yes, remove the post")
    assert "Removed." in text_of(gone.response) and "Idiot two" in text_of(gone.response)
    assert await outcomes(world) == ["removed", None]
    assert posts[0].id not in {message.id for message in world.chat.history()}
    assert "🗑️ 1 removed" in text_of(await fold(world))


async def test_pages_and_their_buttons_outlive_a_restart(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.", "Idiot three.")
    page = await open_page(world)
    await world.restart()
    page = await press(page, world.mod, "Next ▸")
    await world.restart()
    await press(page, world.mod, "False alarm")
    assert await outcomes(world) == [None, "false_alarm", None]


async def test_of_two_moderators_one_wins_and_the_other_is_led_on(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    mine, theirs = await open_page(world), await open_page(world, world.chief)
    await press(theirs, world.chief, "Flag was right")
    late = await press(mine, world.mod, "False alarm")
    assert f"<@{world.chief.id}> has resolved this already" in text_of(late.response)
    assert "Idiot two" in text_of(late.response)
    assert await outcomes(world) == ["confirmed", None]


async def test_who_wrote_a_post_in_the_fold_does_not_get_to_judge_it(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    await slowly(world.chat, world.mod, "Idiot three, says a moderator.")
    page = await open_page(world)
    assert "1 of 2" in text_of(page.response)
    for _ in range(2):
        page = await press(page, world.mod, "False alarm")
    assert "left for you" in text_of(page.response)
    other = await open_page(world, world.chief)
    assert "says a moderator" in text_of(other.response)
    forged = await world.mod.click(await own_card(world, other), label="False alarm")
    assert "your own post" in answer(forged)
    assert await outcomes(world) == ["false_alarm", "false_alarm", None]


async def own_card(world: World, page: simcord.InteractionResult) -> Any:
    """The page as a message that everybody could press: what a forged press comes from."""
    buttons = [part for part in page.response.components if part["type"] == 17]
    message = world.env.backend.create_message(
        world.review.id, world.env.bot.user.id, "", components=buttons, flags=1 << 15
    )
    await world.env.settle()
    return next(each for each in await world.cards() if each.id == message.id)


async def test_who_is_no_reviewer_sees_no_page(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    world.env.backend.remove_member_role(world.guild.id, world.juror.id, world.jury.id)
    await world.services.store.servers.save(
        (await world.services.store.servers.get(world.guild.id)).__class__(world.guild.id, world.review.id, None)
    )
    world.env.backend.add_member_role(world.guild.id, world.juror.id, world.jury.id)
    await world.env.settle()
    pressed = await world.juror.click(await fold(world), label=ONE_BY_ONE)
    assert "for reviewers" in answer(pressed) and pressed.ephemeral and "Idiot" not in answer(pressed)


async def test_a_verdict_covers_only_the_words_that_were_on_the_page(world: World) -> None:
    first, _ = await folded(world, "Idiot one.", "Idiot two.")
    page = await open_page(world)
    await world.bob.edit(first, "I will kill the lights.")
    assert "kill the lights" in text_of(await fold(world)), "the shared card shows the new words already"
    stale = await press(page, world.mod, "False alarm")
    assert "changed at the same moment" in text_of(stale.response) and "kill the lights" in text_of(stale.response)
    assert await outcomes(world) == [None, None]
    await press(stale, world.mod, "Flag was right")
    assert await outcomes(world) == ["confirmed", None]


async def test_edits_and_deletions_show_on_the_fold_and_on_the_page(world: World) -> None:
    first, second, _ = await folded(world, "Idiot one.", "Idiot two.", "Idiot three.")
    await world.bob.edit(first, "I am sorry.")
    await world.bob.delete(second)
    shared = text_of(await fold(world))
    assert "✏️ edited meanwhile" in shared and "🗑️ deleted meanwhile" in shared
    page = await open_page(world)
    assert "was not flagged" in text_of(page.response) and "1 of 2" in text_of(page.response)
    page = await press(page, world.mod, "Next ▸")
    assert "Idiot three" in text_of(page.response), "nobody is asked about a post that is gone"


async def test_swept_words_go_from_the_fold_and_are_not_on_a_page(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    async with world.services.store.cards._database.transaction() as connection:
        await connection.execute("UPDATE evidence SET stored_at = 0")
    await world.env.advance_time(3601)  # to the next sweep
    shared = text_of(await fold(world))
    assert "Idiot" not in shared and shared.count("no longer kept") == 2
    assert "no longer kept" in text_of((await open_page(world)).response)


async def test_a_page_whose_card_is_gone_says_where_to_go_on(world: World) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    page = await open_page(world)
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=500, times=None)
    await world.mod.delete(await fold(world))
    assert "posted anew" in answer(await world.mod.click(page.response, label="Next ▸"))
    world.env.backend.faults.clear()
    await world.env.advance_time(61)
    assert "1 of 2" in text_of((await open_page(world)).response)


@pytest.mark.parametrize("label", ["Next ▸", "False alarm"])
async def test_a_press_on_a_page_that_discord_fails_to_take_is_told(world: World, label: str) -> None:
    await folded(world, "Idiot one.", "Idiot two.")
    page = await open_page(world)
    world.env.inject_error("POST", "/interactions/*/*/callback", status=500)
    assert "HTTP 500" in answer(await world.mod.click(page.response, label=label))
    assert await outcomes(world) == [None, None]


async def test_a_post_whose_flag_was_right_can_be_removed_from_the_page(world: World) -> None:
    first, _ = await folded(world, "Idiot one.", "Idiot two.")
    page = await press(await open_page(world), world.mod, "Flag was right")
    assert "Idiot two" in text_of(page.response) and "Remove that post" in buttons_of(page.response)
    asked = await press(page, world.mod, "Remove that post")
    assert "Idiot one" in text_of(asked.response)
    gone = await press(asked, world.mod, "Yes, remove the post")
    assert "Removed." in text_of(gone.response) and "Idiot two" in text_of(gone.response)
    assert await outcomes(world) == ["removed", None]
    assert first.id not in {message.id for message in world.chat.history()}
    assert f"removed by <@{world.mod.id}>" in text_of(await fold(world))


async def test_a_fold_whose_posts_were_all_deleted_asks_for_nothing(world: World) -> None:
    for post in await folded(world, "Idiot one.", "Idiot two."):
        await world.bob.delete(post)
    shared = await fold(world)
    assert "Nothing left to do · 🗑️ 2 deleted by the author or a moderator" in text_of(shared)
    assert "still to decide" not in text_of(shared) and set(buttons_of(shared)) == {"Go to channel"}
