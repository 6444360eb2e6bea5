"""Edited posts and titles: every revision is decided once, and the card says what became of the post."""

import asyncio
from typing import Any

import discord
import pytest
from simcord.backend import serializers
from simcord.builders import ChannelHandle

from tests.support.world import World, assert_nobody_pinged, text_of, until

EDITED = "edited meanwhile"


async def _current(world: World, message: Any) -> dict[str, Any]:
    """The decision that the post's row points at."""
    decisions = await world.rows(
        "SELECT d.*, p.external_id FROM posts p JOIN decisions d ON d.id = p.current_decision_id"
    )
    (row,) = [decision for decision in decisions if decision["external_id"] == str(message.id)]
    return row


async def _reviews(world: World) -> int:
    return len(await world.rows("SELECT id FROM reviews"))


async def test_an_edit_to_a_flagged_text_opens_a_card(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "The mayor was late.")
    assert await world.cards() == []
    await world.alice.edit(message, "The mayor is an idiot.")
    assert [decision["flagged"] for decision in await world.decisions()] == [0, 1]
    assert "The mayor is an idiot." in text_of(await world.card())
    assert (await _current(world, message))["flagged"]


async def test_an_edit_of_a_post_from_before_the_start_is_decided(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "The mayor was late.")
    await world.restart()
    await world.alice.edit(message, "The mayor is an idiot.")
    assert [decision["flagged"] for decision in await world.decisions()] == [0, 1]
    assert "The mayor is an idiot." in text_of(await world.card())


async def test_an_edit_of_a_post_that_was_never_seen_is_decided(world: World) -> None:
    await world.set_up()
    missed = world.env.backend.create_message(world.chat.id, world.alice.id, "The mayor was late.", broadcast=False)
    world.env.backend.edit_message(world.chat.id, missed.id, {"content": "The mayor is an idiot."})
    await world.env.settle()
    (decision,) = await world.decisions()
    assert decision["flagged"] and decision["external_id"] == str(missed.id)


async def test_an_edit_keeps_the_context_of_a_comment(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "It passed.")
    first = await world.bob.send(thread, "I disagree.")
    answer = await world.alice.send(thread, "Why?", reply_to=first)
    await world.restart()
    await world.alice.edit(answer, "Why, idiot?")
    assert (await _current(world, answer))["context"] == '["reply_to", "title"]'


async def test_the_card_says_when_the_post_was_edited_to_something_civil_and_when_that_is_taken_back(
    world: World,
) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(message, "You are wrong.")
    assert EDITED in text_of(await world.card())
    assert not (await _current(world, message))["flagged"]
    await world.alice.edit(message, "You idiot.")
    assert EDITED not in text_of(await world.card())
    first, second = await world.decisions()
    assert (first["flagged"], second["flagged"]) == (1, 0)
    assert (await _current(world, message))["id"] == first["id"]
    assert await _reviews(world) == 1


async def test_an_open_review_follows_its_post_to_another_flagged_text(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    before = await world.card()
    await world.alice.edit(message, "A cabal rules us.")
    card = await world.card()
    assert card.id == before.id
    assert "A cabal rules us." in text_of(card) and "conspiracy framing" in text_of(card)
    assert "You idiot." not in text_of(card) and EDITED not in text_of(card)
    assert await _reviews(world) == 1
    pressed = await world.mod.click(card, label="Flag was right")
    assert pressed.acknowledged
    assert_nobody_pinged(world)


async def test_an_open_review_follows_its_post_back_to_an_earlier_flagged_text(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(message, "A cabal rules us.")
    await world.alice.edit(message, "You idiot.")
    shown = text_of(await world.card())
    assert "was not flagged" not in shown
    assert "You idiot." in shown and "A cabal rules us." not in shown
    assert len(await world.decisions()) == 2 and await _reviews(world) == 1


async def test_a_resolved_post_that_is_edited_to_another_flagged_text_is_reviewed_again(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    assert (await world.mod.click(await world.card(), label="False alarm")).acknowledged
    await world.alice.edit(message, "I will kill you.")
    resolved, opened = [text_of(card) for card in await world.cards()]
    assert "False alarm" in resolved and "You idiot." in resolved
    assert "I will kill you." in opened and await _reviews(world) == 2


async def test_a_resolved_review_does_not_come_back_with_its_text(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    assert (await world.mod.click(await world.card(), label="False alarm")).acknowledged
    await world.alice.edit(message, "You are wrong.")
    await world.alice.edit(message, "You idiot.")
    assert await _reviews(world) == 1
    assert "False alarm" in text_of(await world.card())


async def test_an_update_that_leaves_the_words_alone_makes_no_second_decision(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    message = await world.alice.send(world.chat, "You idiot, read https://example.org")
    shown = text_of(await world.card())
    stored = backend.get_message(world.chat.id, message.id)
    stored.embeds = [{"type": "link", "title": "An idiot's guide", "url": "https://example.org"}]
    for _ in range(2):
        backend.emit("MESSAGE_UPDATE", dict(serializers.message_payload(backend, stored)))
        await world.env.settle()
    assert len(await world.decisions()) == 1
    assert text_of(await world.card()) == shown


async def _rename(world: World, thread: ChannelHandle, title: str) -> None:
    world.env.backend.edit_channel(thread.id, {"name": title})
    await world.env.settle()


async def test_a_title_edit_is_a_new_revision_of_the_starter_and_of_nothing_else(world: World) -> None:
    await world.set_up()
    thread, starter = await world.forum_post(world.alice, "The mayor", "See for yourselves.")
    await world.bob.send(thread, "I see.")
    await _rename(world, thread, "The mayor is an idiot")
    decisions = await world.decisions()
    assert [decision["external_id"] for decision in decisions].count(str(starter.id)) == 2
    assert len(decisions) == 3 and (await _current(world, starter))["flagged"]
    assert "The mayor is an idiot" in text_of(await world.card())
    await _rename(world, thread, "The mayor")
    assert EDITED in text_of(await world.card())
    assert len(await world.decisions()) == 3 and not (await _current(world, starter))["flagged"]


async def test_a_title_edit_of_a_thread_that_was_never_seen_is_decided(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    thread = backend.create_thread(world.forum.id, "The mayor", world.alice.id, broadcast=False)
    starter = backend.prepare_message(thread.id, world.alice.id, "See for yourselves.")
    starter.id = thread.id
    backend.commit_message(starter, broadcast=False)
    await _rename(world, ChannelHandle(world.env, world.guild, thread), "The mayor is an idiot")
    (decision,) = await world.decisions()
    assert decision["flagged"] and decision["external_id"] == str(starter.id)
    assert "The mayor is an idiot" in text_of(await world.card())


async def test_comments_after_a_title_edit_are_read_with_the_new_title(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor", "See for yourselves.")
    await _rename(world, thread, "The town")
    await world.bob.send(thread, "What an idiot.")
    assert "Thread: The town" in text_of(await world.card())


async def test_a_title_edit_without_a_first_post_is_passed_over(world: World) -> None:
    await world.set_up()
    thread, starter = await world.forum_post(world.alice, "The mayor", "See for yourselves.")
    world.env.backend.delete_message(thread.id, starter.id)
    await world.env.settle()
    await _rename(world, thread, "The mayor is an idiot")
    assert len(await world.decisions()) == 1 and await world.cards() == []
    assert world.services.health.last_error is None


async def test_closing_and_pinning_a_thread_is_no_title_edit(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor", "See for yourselves.")
    world.env.http_requests.clear()
    world.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True, "locked": True})
    await world.env.settle()
    assert len(await world.decisions()) == 1
    assert world.env.http_requests == []


async def test_threads_of_unwatched_forums_are_not_fetched_when_they_change(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    other = world.guild.create_forum_channel("off-topic")
    thread = backend.create_thread(other.id, "The mayor", world.alice.id, broadcast=False)
    await world.env.settle()
    world.env.http_requests.clear()
    await _rename(world, ChannelHandle(world.env, world.guild, thread), "The mayor is an idiot")
    assert await world.decisions() == [] and world.env.http_requests == []


async def test_a_title_edit_whose_post_is_hidden_is_told_in_the_status(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor", "See for yourselves.")
    world.env.inject_error("GET", "/channels/*/messages/*", status=403)
    await _rename(world, thread, "The mayor is an idiot")
    told = await world.mod.slash(world.chat, "status")
    assert told.acknowledged and "403" in told.response.content
    await world.bob.send(thread, "What an idiot.")
    assert len(await world.cards()) == 1


async def test_an_edit_that_overtakes_a_title_edit_stands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, fetched, go_on = discord.Thread.fetch_message, asyncio.Event(), asyncio.Event()

    async def slowly(thread: discord.Thread, message_id: int) -> discord.Message:
        message = await fetch(thread, message_id)
        fetched.set()
        await go_on.wait()
        return message

    monkeypatch.setattr(discord.Thread, "fetch_message", slowly)
    await world.set_up()
    thread, starter = await world.forum_post(world.alice, "The mayor", "What an idiot.")
    world.env.backend.edit_channel(thread.id, {"name": "Our mayor"})
    await until(fetched.is_set)
    world.env.backend.edit_message(thread.id, starter.id, {"content": "What a mayor."})
    await asyncio.sleep(0.05)
    go_on.set()
    await world.env.settle()
    assert not (await _current(world, starter))["flagged"]
    assert EDITED in text_of(await world.card())
