"""Which messages become posts, what of them is read, and in which context."""

import json
from typing import Any

import pytest
from simcord.backend.models import Poll, PollAnswer
from simcord.builders import ChannelHandle
from simcord.enums import MessageType

from tests.support.world import World, assert_nobody_pinged, text_of


def _context(decision: dict[str, Any]) -> list[str]:
    return json.loads(decision["context"])


async def test_a_word_in_the_title_alone_flags_the_forum_post_under_it(world: World) -> None:
    await world.set_up()
    await world.forum_post(world.alice, "The mayor is an idiot", "See for yourselves.")
    (decision,) = await world.decisions()
    assert decision["flagged"] and _context(decision) == []
    (post,) = await world.rows("SELECT * FROM posts")
    assert post["is_starter"] and post["current_decision_id"] == decision["id"]
    assert "**The mayor is an idiot**" in text_of(await world.card())


async def test_replies_are_read_with_the_title_and_the_post_they_answer_and_the_decision_says_so(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "It passed.")
    first = await world.bob.send(thread, "I disagree.")
    await world.alice.send(thread, "You idiot.", reply_to=first)
    starter, comment, answer = await world.decisions()
    assert [_context(starter), _context(comment), _context(answer)] == [[], ["title"], ["reply_to", "title"]]
    assert [starter["flagged"], comment["flagged"], answer["flagged"]] == [0, 0, 1]
    shown = text_of(await world.card())
    assert "Thread: Budget vote" in shown and "In reply to: I disagree." in shown


async def test_a_bad_title_is_held_against_the_author_of_the_thread_only(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor is an idiot", "See for yourselves.")
    await world.bob.send(thread, "Please stay polite.")
    starter, comment = await world.decisions()
    assert starter["flagged"] and not comment["flagged"]


async def test_an_answer_is_not_flagged_for_the_words_it_answers(world: World) -> None:
    await world.set_up()
    insult = await world.alice.send(world.chat, "You idiot.")
    await world.bob.send(world.chat, "Please stay polite.", reply_to=insult)
    first, second = await world.decisions()
    assert first["flagged"] and not second["flagged"]
    assert _context(second) == ["reply_to"]


async def test_an_answer_to_a_post_that_was_deleted_is_read_without_it(world: World) -> None:
    await world.set_up()
    gone = await world.bob.send(world.chat, "Never mind.")
    await world.bob.delete(gone)
    reference = {"message_id": str(gone.id)}
    world.env.backend.create_message(world.chat.id, world.alice.id, "You idiot.", reference=reference)
    await world.env.settle()
    _, answer = await world.decisions()
    assert answer["flagged"] and _context(answer) == []


async def test_messages_of_a_watched_text_channel_are_decided_without_context(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "The library opens at nine.")
    (decision,) = await world.decisions()
    assert not decision["flagged"] and _context(decision) == []
    (post,) = await world.rows("SELECT * FROM posts")
    assert (post["external_id"], post["author_id"]) == (str(message.id), str(world.alice.id))
    assert (post["channel_id"], post["thread_id"], post["is_starter"]) == (world.chat.id, None, 0)
    assert await world.cards() == []


async def _thread_of_chat(world: World, parent: ChannelHandle) -> ChannelHandle:
    """A thread that alice opens on a message of hers."""
    base = await world.alice.send(parent, "The library opens at nine.")
    thread = world.env.backend.create_thread(parent.id, "Opening hours", world.alice.id, message_id=base.id)
    backend, opened = world.env.backend, ChannelHandle(world.env, world.guild, thread)
    backend.create_system_message(
        thread.id,
        MessageType.THREAD_STARTER_MESSAGE,
        world.alice.id,
        referenced_channel_id=parent.id,
        referenced_message_id=base.id,
    )
    await world.env.settle()
    return opened


async def test_threads_of_a_watched_text_channel_are_watched_too(world: World) -> None:
    await world.set_up()
    thread = await _thread_of_chat(world, world.chat)
    await world.bob.send(thread, "What an idiot.")
    comment = (await world.decisions())[-1]
    assert comment["flagged"] and _context(comment) == ["title"]
    post = (await world.rows("SELECT * FROM posts ORDER BY id"))[-1]
    assert (post["channel_id"], post["thread_id"], post["is_starter"]) == (world.chat.id, thread.id, 0)
    assert "Thread: Opening hours" in text_of(await world.card())


async def test_what_discord_itself_writes_is_not_a_post(world: World) -> None:
    await world.set_up()
    thread = await _thread_of_chat(world, world.chat)
    for kind in (MessageType.PINS_ADD, MessageType.POLL_RESULT):
        world.env.backend.create_system_message(world.chat.id, kind, world.alice.id, referenced_message_id=thread.id)
    await world.env.settle()
    assert [post["external_id"] for post in await world.rows("SELECT * FROM posts")] == [str(thread.id)]


async def test_an_unwatched_channel_gives_nothing(world: World) -> None:
    await world.set_up()
    lounge = world.guild.create_text_channel("lounge")
    message = await world.alice.send(lounge, "You idiot.")
    await world.alice.edit(message, "You great idiot.")
    await world.alice.delete(message)
    assert await world.decisions() == [] and await world.rows("SELECT * FROM posts") == []
    assert await world.rows("SELECT * FROM cursors") == []
    assert await world.cards() == []


async def test_a_thread_can_be_watched_on_its_own(world: World) -> None:
    await world.set_up()
    lounge = world.guild.create_text_channel("lounge")
    thread = await _thread_of_chat(world, lounge)
    await world.services.store.servers.watch(world.guild.id, [thread.id], world.chief.id)
    await world.bob.send(thread, "What an idiot.")
    await world.bob.send(lounge, "What an idiot.")
    (post,) = await world.rows("SELECT * FROM posts")
    assert post["thread_id"] == thread.id
    assert len(await world.cards()) == 1


async def test_a_channel_that_is_not_watched_any_more_gives_nothing(world: World) -> None:
    await world.set_up()
    await world.services.store.servers.unwatch(world.chat.id)
    await world.alice.send(world.chat, "You idiot.")
    assert await world.decisions() == []


async def test_forwarded_words_count_as_the_words_of_who_forwards_them(world: World) -> None:
    await world.set_up()
    lounge = world.guild.create_text_channel("lounge")
    said = await world.alice.send(lounge, "You idiot.")
    await world.bob.forward(said, world.chat)
    (decision,) = await world.decisions()
    assert decision["flagged"] and _context(decision) == []
    shown = text_of(await world.card())
    assert "You idiot." in shown and f"<@{world.bob.id}>" in shown and f"<@{world.alice.id}>" not in shown


@pytest.mark.parametrize(
    ("question", "answer"), [("Is he an idiot?", "no"), ("What is he?", "an idiot")], ids=["question", "answer"]
)
async def test_a_poll_is_read(world: World, question: str, answer: str) -> None:
    await world.set_up()
    backend = world.env.backend
    poll = Poll(question, [PollAnswer(1, answer), PollAnswer(2, None, "😀")], backend.iso_after(3600))
    backend.create_message(world.chat.id, world.alice.id, "", poll=poll)
    await world.env.settle()
    (decision,) = await world.decisions()
    assert decision["flagged"]
    shown = text_of(await world.card())
    assert question in shown and answer in shown


async def test_an_attachment_is_read_by_its_description(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    file = backend.cdn.store_attachment(backend.snowflake(), world.chat.id, "mayor.png", b"..", "a picture of an idiot")
    backend.create_message(world.chat.id, world.alice.id, "Look:", attachments=[file])
    await world.env.settle()
    (decision,) = await world.decisions()
    assert decision["flagged"]
    assert "a picture of an idiot" in text_of(await world.card())


async def _everybody_but_people_posts(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    await robot.send(world.chat, "Robots say idiot.")
    await world.guild.create_webhook(world.chat, "Feed").send("Feeds say idiot.", username="Feed")
    channel = world.env.bot.get_channel(world.chat.id)
    await channel.send("Threadwatch says idiot.")
    await world.env.settle()


async def test_own_bot_and_webhook_messages_are_ignored(world: World) -> None:
    await world.set_up()
    await _everybody_but_people_posts(world)
    assert await world.decisions() == [] and await world.cards() == []


async def test_bots_and_webhooks_are_watched_where_the_server_asks_but_never_ourselves(world: World) -> None:
    await world.set_up(watch_bots=True)
    await _everybody_but_people_posts(world)
    assert [decision["flagged"] for decision in await world.decisions()] == [1, 1]
    robot, feed = [text_of(card) for card in await world.cards()]
    assert "Robots say" in robot and "Feeds say" in feed
    assert_nobody_pinged(world)


async def test_direct_messages_are_not_read(world: World) -> None:
    await world.set_up()
    await world.alice.send_dm("You idiot.")
    assert await world.decisions() == [] and await world.rows("SELECT * FROM cursors") == []


async def test_the_same_message_heard_twice_gets_one_decision_and_one_card(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    backend = world.env.backend
    for _ in range(2):
        backend.announce_message_create(backend.get_message(world.chat.id, message.id))
    await world.env.settle()
    assert len(await world.decisions()) == 1
    assert len(await world.rows("SELECT * FROM reviews")) == 1 and len(await world.cards()) == 1
