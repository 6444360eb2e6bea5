"""What was posted, edited and deleted while the bot was away is made up for when it is back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord
from simcord.backend.models import Overwrite

from bot.__main__ import EXTENSIONS
from bot.app import running
from bot.client import Threadwatch
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, assert_nobody_pinged, text_of

DAY = 24 * 3600


@asynccontextmanager
async def _away(world: World, meanwhile: Callable[[], object] = lambda: None) -> AsyncIterator[KeywordClassifier]:
    """The bot stops, ``meanwhile`` happens, and it is started anew on the same database."""

    def clock() -> int:
        return int(world.env.now().timestamp() * 1000)

    await world.env.shutdown()
    meanwhile()
    classifier = KeywordClassifier()
    async with running(world.settings, classifier=classifier, clock=clock) as services:
        world.env.bot = Threadwatch(services, EXTENSIONS)
        await world.env.start()
        await world.env.settle()
        yield classifier
        await world.env.shutdown()


def _write(world: World, channel: Any, *texts: str) -> Callable[[], object]:
    return lambda: [world.env.backend.create_message(channel.id, world.alice.id, text) for text in texts]


async def _cursors(world: World) -> dict[int, int]:
    return {row["channel_id"]: row["position"] for row in await world.rows("SELECT * FROM cursors")}


async def _status(world: World) -> str:
    return answer(await world.mod.slash(world.chat, "status"))


def _last_id(world: World, channel: Any) -> int:
    return max(world.env.backend.messages[channel.id])


async def test_what_was_missed_is_decided_oldest_first_and_gets_cards(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "Good morning.")
    async with _away(world, _write(world, world.chat, "You idiot.", "Fine.", "A cabal!")) as classifier:
        assert [post.text for post in classifier.seen if "." in post.text][:2] == ["You idiot.", "Fine."]
        assert [decision["flagged"] for decision in await world.decisions()] == [0, 1, 0, 1]
        first, second = await world.cards()
        assert "You idiot." in text_of(first) and "A cabal!" in text_of(second)
        assert (await _cursors(world))[world.chat.id] == _last_id(world, world.chat)
        assert "3 new or edited, 2 of them flagged" in await _status(world)
        assert_nobody_pinged(world)


async def test_starting_once_more_changes_nothing(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Votes", "The mayor is an idiot.")
    edited = await world.bob.send(thread, "Hm.")
    await world.bob.edit(edited, "I will kill you.")
    tables = ("decisions", "posts", "reviews", "review_events", "cursors", "evidence", "unchecked")

    async def records() -> list[list[dict[str, Any]]]:
        return [await world.rows(f"SELECT * FROM {table}") for table in tables]

    async with _away(world, _write(world, world.chat, "You idiot.")):
        before, cards = await records(), [text_of(card) for card in await world.cards()]
        assert len(cards) == 3
    async with _away(world) as classifier:
        assert await records() == before
        assert [text_of(card) for card in await world.cards()] == cards
        assert classifier.seen == []
        assert "0 new or edited, 0 of them flagged; 0 found deleted" in await _status(world)


async def test_an_edit_that_was_missed_is_reconciled_both_ways(world: World) -> None:
    await world.set_up()
    rude = await world.alice.send(world.chat, "You idiot.")
    calm = await world.alice.send(world.chat, "Good morning.")
    await world.env.advance_time(60)

    def edits() -> None:
        world.env.backend.edit_message(world.chat.id, rude.id, {"content": "Dear mayor."})
        world.env.backend.edit_message(world.chat.id, calm.id, {"content": "I will kill you."})

    async with _away(world, edits):
        first, second = await world.cards()
        assert "the new one was not flagged" in text_of(first) and "kill" in text_of(second)
        assert (await _cursors(world))[world.chat.id] == calm.id


async def test_posts_and_threads_that_were_deleted_are_found(world: World) -> None:
    await world.set_up()
    doomed = await world.alice.send(world.chat, "You idiot.")
    kept = await world.alice.send(world.chat, "Another idiot.")
    thread, _ = await world.forum_post(world.bob, "Votes", "The mayor is an idiot.")

    def deletions() -> None:
        world.env.backend.delete_message(world.chat.id, doomed.id)
        world.env.backend.delete_channel(thread.id)

    async with _away(world, deletions):
        deleted = {row["external_id"] for row in await world.decisions() if row["deleted_at"] is not None}
        assert deleted == {str(doomed.id), str(thread.id)}
        first, second, third = [text_of(card) for card in await world.cards()]
        assert "deleted" in first and "deleted" not in second and "deleted" in third
        assert "1 found deleted" in await _status(world) and str(kept.id) not in deleted


async def test_a_channel_that_was_deleted_meanwhile_is_no_longer_watched(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "You idiot.")
    async with _away(world, lambda: world.env.backend.delete_channel(world.chat.id)):
        assert "deleted" in text_of(await world.card())
        assert list(await world.services.store.servers.watched()) == [world.forum.id]


async def test_a_title_that_was_edited_meanwhile_is_read_again(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Votes", "He was late.")
    async with _away(world, lambda: world.env.backend.edit_channel(thread.id, {"name": "Our idiot mayor"})):
        assert "Our idiot mayor" in text_of(await world.card())


async def test_only_young_posts_are_looked_at_again(world: World) -> None:
    await world.set_up()
    old = await world.alice.send(world.chat, "Good morning.")
    deleted = await world.alice.send(world.chat, "You idiot.")
    await world.env.advance_time((world.settings.reconcile_hours + 1) * 3600)
    young = await world.alice.send(world.chat, "Good evening.")
    await world.env.advance_time(60)

    def changes() -> None:
        for message in (old, young):
            world.env.backend.edit_message(world.chat.id, message.id, {"content": f"I will kill you. {message.id}"})
        world.env.backend.delete_message(world.chat.id, deleted.id)

    async with _away(world, changes):
        first, second = await world.cards()
        assert "deleted" not in text_of(first) and str(young.id) in text_of(second)


async def test_threads_made_meanwhile_are_read(world: World) -> None:
    """In a forum and in a channel, archived or not; private ones too, if we may see them."""
    await world.set_up()
    base = await world.alice.send(world.chat, "Good morning.")
    backend, archived = world.env.backend, {"archived": True, "locked": False}

    def threads() -> None:
        for name in ("active", "archived"):
            thread = backend.create_thread(world.forum.id, f"{name} in the forum", world.alice.id, broadcast=False)
            message = backend.prepare_message(thread.id, world.alice.id, f"idiot one, {name}")
            message.id = thread.id
            backend.commit_message(message)
            backend.create_message(thread.id, world.bob.id, f"idiot two, {name}")
        backend.edit_channel(thread.id, {}, thread_metadata=archived)
        in_chat = backend.create_thread(world.chat.id, "Side talk", world.alice.id, message_id=base.id)
        backend.create_message(in_chat.id, world.bob.id, "idiot three")
        private = backend.create_thread(world.chat.id, "Private", world.alice.id, type=12)
        backend.create_message(private.id, world.bob.id, "idiot four")
        backend.edit_channel(private.id, {}, thread_metadata=archived)

    async with _away(world, threads):
        shown = "\n".join(text_of(card) for card in await world.cards())
        for words in ("one, active", "two, active", "one, archived", "two, archived", "three", "four"):
            assert f"idiot {words}" in shown
        assert "6 new or edited, 6 of them flagged" in await _status(world) and "⚠️" not in await _status(world)


async def test_a_thread_that_is_watched_by_itself_and_archived_meanwhile_is_read(world: World) -> None:
    thread, _ = await world.forum_post(world.alice, "Votes", "Before it was watched, idiot.")
    await world.env.advance_time(1)
    await world.set_up()
    await world.services.store.servers.unwatch(world.forum.id)
    await world.services.store.servers.watch(world.guild.id, [thread.id], world.chief.id)
    await world.env.advance_time(1)

    def meanwhile() -> None:
        world.env.backend.create_message(thread.id, world.bob.id, "You idiot.")
        world.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True, "locked": False})

    async with _away(world, meanwhile):
        assert "You idiot." in text_of(await world.card())


async def test_a_thread_that_comes_back_from_the_archive_is_read_at_once(world: World) -> None:
    """It was archived before its forum was watched, so catching up passed it over."""
    thread, _ = await world.forum_post(world.alice, "Votes", "Good morning.")
    backend = world.env.backend
    backend.edit_channel(thread.id, {}, thread_metadata={"archived": True, "locked": False})
    await world.env.advance_time(60)
    await world.set_up()
    async with _away(world, lambda: backend.advance_clock(DAY)):
        assert not world.services.cursors.is_continuous(thread.id)
        missed = backend.create_message(thread.id, world.bob.id, "You idiot.", broadcast=False)
        backend.edit_channel(thread.id, {}, thread_metadata={"archived": False, "locked": False})
        await world.env.settle()
        assert "You idiot." in text_of(await world.card())
        last = await world.bob.send(thread, "Well.")
        assert missed.id < (await _cursors(world))[thread.id] == last.id


async def test_what_setup_watches_is_owed_from_then_on_and_nothing_before(world: World) -> None:
    await world.set_up()
    await world.services.store.servers.unwatch(world.chat.id)
    await world.alice.send(world.chat, "Before it is watched, idiot.")
    await world.env.advance_time(1)
    await world.chief.slash(world.chat, "setup", watch=world.chat)
    await world.env.settle()
    assert world.services.cursors.is_continuous(world.chat.id)
    first = await world.alice.send(world.chat, "Good morning.")
    assert (await _cursors(world))[world.chat.id] == first.id
    await world.chief.slash(world.chat, "setup", unwatch=world.chat)
    await world.alice.send(world.chat, "While it is not watched, idiot.")
    await world.env.advance_time(1)
    await world.chief.slash(world.chat, "setup", watch=world.chat)
    await world.alice.send(world.chat, "Watched again.")
    async with _away(world, _write(world, world.chat, "You idiot.")):
        assert "You idiot." in text_of(await world.card())
        assert len(await world.decisions()) == 3


async def test_a_hidden_channel_is_read_when_it_comes_back(world: World) -> None:
    await world.set_up()
    seen = await world.alice.send(world.chat, "Good morning.")
    await _show(world, shown=False)
    world.env.backend.create_message(world.chat.id, world.alice.id, "Unseen, idiot.", broadcast=False)
    live = await world.alice.send(world.chat, "It still reaches us.")
    assert (await _cursors(world))[world.chat.id] == seen.id < live.id
    await _show(world, shown=True)
    assert "Unseen, idiot." in text_of(await world.card())
    assert (await _cursors(world))[world.chat.id] == live.id


async def _show(world: World, *, shown: bool) -> None:
    bits = discord.Permissions(view_channel=True, read_message_history=True).value
    me = world.env.bot.user.id
    world.env.backend.set_overwrite(world.chat.id, Overwrite(me, 1, bits if shown else 0, 0 if shown else bits))
    await world.env.settle()
