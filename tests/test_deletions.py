"""Deleted posts, threads and channels: the card of an open review says so, the decision stays."""

import asyncio

import pytest
from simcord.backend.models import Message

from bot.config import Settings
from tests.support.world import HeldClassifier, World, open_world, text_of

GONE = "deleted meanwhile"


async def _deleted_posts(world: World) -> list[str]:
    return [row["external_id"] for row in await world.rows("SELECT * FROM posts WHERE deleted_at IS NOT NULL")]


async def test_the_card_says_that_its_post_was_deleted_and_offers_no_removal(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    await world.alice.delete(message)
    card = await world.card()
    assert GONE in text_of(card)
    assert await _deleted_posts(world) == [str(message.id)] and len(await world.decisions()) == 1
    pressed = await world.mod.click(card, label="Flag was right")
    assert pressed.acknowledged
    assert "The flag was right" in text_of(await world.card())


async def test_a_deletion_of_a_post_from_before_the_start_is_noticed(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    await world.restart()
    await world.alice.delete(message)
    assert GONE in text_of(await world.card())


async def test_a_civil_post_that_is_deleted_keeps_its_decision(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "Good morning.")
    await world.alice.delete(message)
    (decision,) = await world.decisions()
    assert decision["deleted_at"] is not None and await world.cards() == []


async def test_a_post_that_was_edited_and_then_deleted_is_shown_as_deleted(world: World) -> None:
    await world.set_up()
    message = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(message, "Good morning.")
    await world.alice.delete(message)
    assert GONE in text_of(await world.card())


async def test_every_card_of_a_bulk_deletion_says_so(world: World) -> None:
    await world.set_up()
    messages = [await world.alice.send(world.chat, words) for words in ("You idiot.", "Hello.", "A cabal.", "Kill it.")]
    deleted = messages[:3]
    world.env.backend.bulk_delete_messages(world.chat.id, [message.id for message in deleted])
    await world.env.settle()
    assert await _deleted_posts(world) == [str(message.id) for message in deleted]
    assert [GONE in text_of(card) for card in await world.cards()] == [True, True, False]


async def test_deleting_a_starter_leaves_the_comments(world: World) -> None:
    await world.set_up()
    thread, starter = await world.forum_post(world.alice, "The mayor", "What an idiot.")
    await world.bob.send(thread, "An idiot indeed.")
    world.env.backend.delete_message(thread.id, starter.id)
    await world.env.settle()
    assert [GONE in text_of(card) for card in await world.cards()] == [True, False]


async def test_deleting_a_thread_deletes_all_its_posts(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor", "What an idiot.")
    await world.bob.send(thread, "An idiot indeed.")
    _, other = await world.forum_post(world.alice, "The town", "Idiot town.")
    world.env.backend.delete_channel(thread.id)
    await world.env.settle()
    assert [GONE in text_of(card) for card in await world.cards()] == [True, True, False]
    assert str(other.id) not in await _deleted_posts(world)


async def test_deleting_a_thread_that_is_watched_on_its_own_ends_the_watching(world: World) -> None:
    await world.set_up()
    lounge = world.guild.create_forum_channel("lounge")
    thread = world.env.backend.create_thread(lounge.id, "The mayor", world.alice.id, broadcast=False)
    world.env.backend.announce_thread_create(thread)
    await world.services.store.servers.watch(world.guild.id, [thread.id], world.chief.id)
    world.env.backend.create_message(thread.id, world.alice.id, "What an idiot.")
    await world.env.settle()
    world.env.backend.delete_channel(thread.id)
    await world.env.settle()
    assert GONE in text_of(await world.card())
    assert thread.id not in await world.services.store.servers.watched(world.guild.id)


async def test_deleting_a_channel_deletes_its_posts_and_ends_the_watching(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "You idiot.")
    world.env.backend.delete_channel(world.chat.id)
    await world.env.settle()
    assert GONE in text_of(await world.card())
    assert list(await world.services.store.servers.watched(world.guild.id)) == [world.forum.id]


async def test_deleting_a_forum_deletes_the_posts_of_its_archived_threads_too(world: World) -> None:
    await world.set_up()
    archived, _ = await world.forum_post(world.alice, "The mayor", "What an idiot.")
    await world.forum_post(world.alice, "The town", "Idiot town.")
    world.env.backend.edit_channel(archived.id, {}, thread_metadata={"archived": True})
    await world.env.settle()
    world.env.backend.delete_channel(world.forum.id)
    await world.env.settle()
    assert [GONE in text_of(card) for card in await world.cards()] == [True, True]


async def test_a_post_deleted_while_it_is_being_scored_is_shown_as_deleted(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        message = await _scored_slowly(world, classifier)
        world.env.backend.delete_message(world.chat.id, message.id)
        await asyncio.sleep(0.05)
        classifier.release.set()
        await world.env.settle()
        assert GONE in text_of(await world.card())
        assert await _deleted_posts(world) == [str(message.id)]


async def test_a_post_edited_and_deleted_while_it_is_being_scored_is_decided_twice_and_deleted(
    settings: Settings,
) -> None:
    classifier = HeldClassifier()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        message = await _scored_slowly(world, classifier)
        world.env.backend.edit_message(world.chat.id, message.id, {"content": "Good morning."})
        world.env.backend.delete_message(world.chat.id, message.id)
        await asyncio.sleep(0.05)
        classifier.release.set()
        await world.env.settle()
        assert [decision["flagged"] for decision in await world.decisions()] == [1, 0]
        assert GONE in text_of(await world.card())


async def test_a_channel_deleted_while_a_post_is_being_scored_takes_the_post_along(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        await _scored_slowly(world, classifier)
        world.env.backend.delete_channel(world.chat.id)
        await asyncio.sleep(0.05)
        classifier.release.set()
        await world.env.settle()
        assert GONE in text_of(await world.card())


async def test_a_post_deleted_while_it_is_looked_up_whether_it_is_watched_is_shown_as_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    servers, reached, go_on = world.services.store.servers, asyncio.Event(), asyncio.Event()
    watched = servers.watched

    async def slowly(guild_id: int) -> dict[int, int]:
        reached.set()
        await go_on.wait()
        return await watched(guild_id)

    monkeypatch.setattr(servers, "watched", slowly)
    message = world.env.backend.create_message(world.chat.id, world.alice.id, "You idiot.")
    await asyncio.wait_for(reached.wait(), 3)
    world.env.backend.delete_message(world.chat.id, message.id)
    await asyncio.sleep(0.05)
    go_on.set()
    await world.env.settle()
    assert await _deleted_posts(world) == [str(message.id)] and GONE in text_of(await world.card())


async def _scored_slowly(world: World, classifier: HeldClassifier) -> Message:
    message = world.env.backend.create_message(world.chat.id, world.alice.id, "You idiot.")
    await asyncio.wait_for(classifier.reached.wait(), 3)
    return message


async def test_posts_in_an_archived_thread_are_decided_edited_and_deleted_like_others(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "The mayor", "He was late.")
    backend = world.env.backend
    backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await world.env.settle()
    assert world.env.bot.get_channel(thread.id) is None
    message = backend.create_message(thread.id, world.bob.id, "What an idiot.")
    await world.env.settle()
    _, decision = await world.decisions()
    assert decision["flagged"] and decision["context"] == '["title"]'
    _, post = await world.rows("SELECT * FROM posts ORDER BY id")
    assert post["external_id"] == str(message.id)
    assert (post["channel_id"], post["thread_id"]) == (world.forum.id, thread.id)
    backend.edit_message(thread.id, message.id, {"content": "He was very late."})
    await world.env.settle()
    assert "edited meanwhile" in text_of(await world.card())
    backend.delete_message(thread.id, message.id)
    await world.env.settle()
    assert GONE in text_of(await world.card())
