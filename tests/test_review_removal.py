"""*Remove post*: it asks, deletes, and says what became of it."""

from typing import Any

import pytest
import simcord
from discord import Permissions
from simcord.backend.errors import BackendError
from simcord.backend.models import Overwrite

from tests.support.world import World, answer, assert_nobody_pinged, buttons_of, text_of

YES = "Yes, remove the post"


async def reply_card(world: World, body: str = "You idiot.") -> tuple[simcord.InteractionResult, int, int]:
    """Bob's flagged reply in alice's thread; mod has pressed *Remove post* on its card. Also (channel, message)."""
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "What do you think?")
    reply = await world.bob.send(thread, body)
    return await world.mod.click(await world.card(), label="Remove post"), thread.id, reply.id


def stands(world: World, channel_id: int, message_id: int) -> bool:
    try:
        world.env.backend.get_message(channel_id, message_id)
    except BackendError:
        return False
    return True


async def outcome(world: World) -> str | None:
    (review,) = await world.rows("SELECT outcome FROM reviews")
    return review["outcome"]


def may_not_delete(world: World) -> Overwrite:
    return Overwrite(target_id=world.env.bot.user.id, type=1, allow=0, deny=Permissions(manage_messages=True).value)


async def test_remove_post_asks_first_then_deletes_and_shows_it_on_the_card(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    assert "cannot be undone" in answer(asked) and asked.ephemeral
    assert "first post" not in answer(asked)
    assert stands(world, thread_id, reply_id) and await outcome(world) is None
    confirmed = await world.mod.click(asked.response, label=YES)
    assert answer(confirmed) == "Removed."
    assert not buttons_of(confirmed.response)
    assert not stands(world, thread_id, reply_id)
    card = await world.card()
    assert f"Post removed** by <@{world.mod.id}>" in text_of(card)
    assert not buttons_of(card), "there is no post to go to"
    assert await outcome(world) == "removed"
    (request,) = [entry for entry in world.env.http_requests if entry.method == "DELETE"]
    assert str(world.mod.id) in (request.reason or "")
    assert_nobody_pinged(world)


async def test_removing_the_first_post_of_a_forum_thread_says_that_the_thread_stays(world: World) -> None:
    await world.set_up()
    thread, starter = await world.forum_post(world.alice, "Budget vote", "You idiot.")
    asked = await world.mod.click(await world.card(), label="Remove post")
    assert "first post of its thread" in answer(asked) and "all replies stay" in answer(asked)
    assert answer(await world.mod.click(asked.response, label=YES)) == "Removed."
    assert not stands(world, thread.id, starter.id)
    assert thread.id in world.env.backend.channels


async def test_a_removal_is_confirmed_even_after_a_restart(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    await world.restart()
    assert answer(await world.mod.click(asked.response, label=YES)) == "Removed."
    assert not stands(world, thread_id, reply_id)


async def test_remove_post_is_not_offered_where_the_bot_may_not_delete(world: World) -> None:
    await world.set_up()
    world.env.backend.set_overwrite(world.forum.id, may_not_delete(world))
    await world.env.settle()
    await world.forum_post(world.alice, "Budget vote", "You idiot.")
    assert set(buttons_of(await world.card())) == {"Flag was right", "False alarm", "Go to post"}


async def test_a_bot_invited_without_manage_messages_offers_no_removal(world: World) -> None:
    await world.set_up()
    (role,) = [role for role in world.env.backend.guilds[world.guild.id].roles.values() if role.managed]
    world.env.backend.edit_role(world.guild.id, role.id, {"permissions": 274878024704})
    await world.env.settle()
    await world.forum_post(world.alice, "Budget vote", "You idiot.")
    assert "Remove post" not in buttons_of(await world.card())


async def test_a_bot_that_lost_the_permission_says_so_and_leaves_the_review_open(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.backend.set_overwrite(world.forum.id, may_not_delete(world))
    await world.env.settle()
    confirmed = await world.mod.click(asked.response, label=YES)
    assert "Manage Messages" in answer(confirmed) and "open again" in answer(confirmed)
    assert stands(world, thread_id, reply_id)
    assert await outcome(world) is None
    card = await world.card()
    assert "Flag was right" in buttons_of(card) and "Remove post" not in buttons_of(card)
    assert (await world.mod.click(card, label="Flag was right")).acknowledged
    assert await outcome(world) == "confirmed"


@pytest.mark.parametrize("heard_of", [False, True], ids=["before the news", "after the news"])
async def test_nobody_is_said_to_have_removed_a_post_that_was_gone_already(
    world: World, monkeypatch: pytest.MonkeyPatch, heard_of: bool
) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    resolve = world.services.store.reviews.resolve

    async def win_while_the_author_deletes(*args: Any, **kwargs: Any) -> bool:
        won = await resolve(*args, **kwargs)
        world.env.backend.delete_message(thread_id, reply_id)
        if heard_of:
            await world.services.store.decisions.mark_deleted([reply_id], world.services.clock())
        return won

    monkeypatch.setattr(world.services.store.reviews, "resolve", win_while_the_author_deletes)
    assert "gone already" in answer(await world.mod.click(asked.response, label=YES))
    assert await outcome(world) == "removed"
    said = text_of(await world.card())
    assert f"Already gone** when <@{world.mod.id}> wanted to remove it" in said
    assert "removed" not in said and not buttons_of(await world.card())


async def test_a_removal_that_discord_fails_to_answer_is_shown_as_unknown(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=500)
    world.env.inject_error("GET", "/channels/*/messages/*", status=500)
    assert "look at the post" in answer(await world.mod.click(asked.response, label=YES))
    assert "not known" in text_of(await world.card())
    assert "HTTP 500" in answer(await world.mod.slash(world.review, "status"))
    world.env.backend.delete_message(thread_id, reply_id)
    await world.env.settle()
    assert await outcome(world) == "removed"
    assert f"Post removed** by <@{world.mod.id}>" in text_of(await world.card())


async def test_a_removal_that_failed_while_the_post_still_stands_leaves_the_review_open(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=500)
    assert "open again" in answer(await world.mod.click(asked.response, label=YES))
    assert stands(world, thread_id, reply_id)
    assert await outcome(world) is None
    assert "Remove post" in buttons_of(await world.card())


async def test_a_removal_that_discord_refuses_for_another_reason_leaves_the_review_open(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=400, code=50083, message="Thread is archived")
    said = answer(await world.mod.click(asked.response, label=YES))
    assert "open again" in said
    assert stands(world, thread_id, reply_id)
    assert await outcome(world) is None
    assert "Remove post" in buttons_of(await world.card())


@pytest.mark.parametrize("status", [403, 500])
async def test_the_card_tells_the_outcome_even_if_the_moderator_cannot_be_told(world: World, status: int) -> None:
    asked, _, _ = await reply_card(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=500)
    world.env.inject_error("GET", "/channels/*/messages/*", status=500)
    world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=status)
    confirmed = await world.mod.click(asked.response, label=YES)
    assert confirmed.acknowledged
    assert "not known" in text_of(await world.card())


async def test_a_post_that_somebody_else_judged_meanwhile_is_not_removed(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    assert (await world.chief.click(await world.card(), label="False alarm")).acknowledged
    late = await world.mod.click(asked.response, label=YES)
    assert f"<@{world.chief.id}>" in answer(late) and "false alarm" in answer(late)
    assert stands(world, thread_id, reply_id)
    assert await outcome(world) == "false_alarm"


async def test_a_moderator_who_lost_the_role_meanwhile_removes_nothing(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.backend.remove_member_role(world.guild.id, world.mod.id, world.mods.id)
    everyone = Overwrite(
        target_id=world.mod.id, type=1, allow=Permissions(view_channel=True, read_message_history=True).value, deny=0
    )
    world.env.backend.set_overwrite(world.review.id, everyone)
    await world.env.settle()
    assert "for reviewers" in answer(await world.mod.click(asked.response, label=YES))
    assert stands(world, thread_id, reply_id)
    assert await outcome(world) is None


async def test_a_post_whose_flag_was_right_can_still_be_removed_and_a_false_alarm_cannot(world: World) -> None:
    await world.set_up()
    first, second = await world.alice.send(world.chat, "You idiot."), await world.bob.send(world.chat, "What an idiot.")
    right, wrong = await world.cards()
    assert (await world.mod.click(right, label="Flag was right")).acknowledged
    assert (await world.mod.click(wrong, label="False alarm")).acknowledged
    right, wrong = await world.cards()
    assert "Remove post" not in buttons_of(wrong)
    asked = await world.chief.click(right, label="Remove post")
    assert answer(await world.chief.click(asked.response, label=YES)) == "Removed."
    assert not stands(world, world.chat.id, first.id) and stands(world, world.chat.id, second.id)
    assert f"Post removed** by <@{world.chief.id}>" in text_of((await world.cards())[0])
    rows = await world.rows("SELECT outcome FROM reviews ORDER BY id")
    assert [row["outcome"] for row in rows] == ["removed", "false_alarm"]


async def test_a_removal_after_the_verdict_that_fails_leaves_the_verdict(world: World) -> None:
    await world.flagged_card()
    assert (await world.mod.click(await world.card(), label="Flag was right")).acknowledged
    asked = await world.mod.click(await world.card(), label="Remove post")
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=403, code=50013)
    said = answer(await world.mod.click(asked.response, label=YES))
    assert "as before" in said and "open again" not in said
    assert await outcome(world) == "confirmed"
    assert "The flag was right" in text_of(await world.card())


async def test_the_question_can_be_answered_with_no(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    assert set(buttons_of(asked.response)) == {YES, "No, keep it"}
    kept = await world.mod.click(asked.response, label="No, keep it")
    assert "was kept" in answer(kept) and not buttons_of(kept.response)
    assert stands(world, thread_id, reply_id) and await outcome(world) is None
    assert "Remove post" in buttons_of(await world.card())


async def test_a_post_edited_while_the_question_stood_is_not_removed(world: World) -> None:
    asked, thread_id, reply_id = await reply_card(world)
    world.env.backend.edit_message(thread_id, reply_id, {"content": "Idiots are we all."})
    await world.env.settle()
    late = await world.mod.click(asked.response, label=YES)
    assert "changed at the same moment" in answer(late)
    assert stands(world, thread_id, reply_id) and await outcome(world) is None


async def test_only_the_button_that_deletes_is_coloured(world: World) -> None:
    styles = {label: part["style"] for label, part in buttons_of(await world.flagged_card()).items()}
    assert styles == {"Flag was right": 2, "False alarm": 2, "Remove post": 4, "Go to post": 5}
