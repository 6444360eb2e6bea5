"""A channel's cursor passes a message only when everything up to it is settled."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.app import running
from bot.config import Settings
from bot.cursors import CursorTracker, snowflake
from tests.support.keyword import KeywordClassifier
from tests.support.world import HeldClassifier, World, open_world, until

CHANNEL = 1
START = snowflake(1_700_000_000_000)
FIRST, SECOND, THIRD = START + 10, START + 20, START + 30


@pytest.fixture
def tracker() -> CursorTracker:
    """Connected, watching one channel in which three messages have arrived."""
    tracker = CursorTracker({})
    tracker.connected()
    tracker.born(CHANNEL, None)
    for message_id in (FIRST, SECOND, THIRD):
        tracker.arrived(CHANNEL, message_id)
    tracker.owed_since(CHANNEL, START)
    return tracker


def _settle(tracker: CursorTracker, *message_ids: int) -> int | None:
    """Settle messages as the intake does; returns where the cursor moves to, if it does."""
    settled = [(CHANNEL, message_id) for message_id in message_ids]
    positions = tracker.positions_after(settled)
    tracker.written(settled, positions)
    return positions.get(CHANNEL)


def test_the_cursor_stops_short_of_the_oldest_message_that_is_not_settled(tracker: CursorTracker) -> None:
    assert _settle(tracker, FIRST) == SECOND - 1
    assert _settle(tracker, THIRD) is None
    assert _settle(tracker, SECOND) == THIRD


def test_messages_settled_out_of_order_are_passed_together(tracker: CursorTracker) -> None:
    assert (_settle(tracker, THIRD) or 0) < FIRST
    assert (_settle(tracker, SECOND) or 0) < FIRST
    assert _settle(tracker, FIRST) == THIRD


def test_asking_for_positions_settles_nothing(tracker: CursorTracker) -> None:
    tracker.positions_after([(CHANNEL, FIRST)])
    assert (_settle(tracker, SECOND, THIRD) or 0) < FIRST


def test_an_edit_of_an_older_message_moves_no_cursor_back(tracker: CursorTracker) -> None:
    assert _settle(tracker, FIRST, SECOND, THIRD) == THIRD
    assert _settle(tracker, FIRST) is None
    assert _settle(tracker, START - 5) is None


def test_an_edit_that_is_decided_first_settles_its_message(tracker: CursorTracker) -> None:
    assert _settle(tracker, FIRST) == SECOND - 1
    assert _settle(tracker, FIRST) is None
    assert _settle(tracker, SECOND, THIRD) == THIRD


def test_channels_do_not_wait_for_each_other(tracker: CursorTracker) -> None:
    tracker.born(2, None)
    tracker.arrived(2, FIRST + 1)
    tracker.owed_since(2, START)
    settled = [(2, FIRST + 1)]
    assert tracker.positions_after(settled) == {2: FIRST + 1}


def test_after_a_new_session_a_channel_stands_still_until_its_gap_is_read(tracker: CursorTracker) -> None:
    assert _settle(tracker, FIRST, SECOND, THIRD) == THIRD
    tracker.connected()
    gap = tracker.gap(CHANNEL, None)
    missed, live = THIRD + 10, THIRD + 20
    tracker.arrived(CHANNEL, live)
    assert _settle(tracker, live) is None
    tracker.arrived(CHANNEL, missed)
    tracker.read_up_to(CHANNEL, missed)
    assert _settle(tracker, missed) == missed, "history moves the cursor as far as it has been read"
    assert tracker.gap_closed(CHANNEL, None, gap)
    assert tracker.positions_after([(CHANNEL, 0)]) == {CHANNEL: live}


def test_a_gap_that_opens_while_another_is_read_stays_open(tracker: CursorTracker) -> None:
    gap = tracker.gap(CHANNEL, None)
    tracker.connected()
    assert not tracker.gap_closed(CHANNEL, None, gap) and not tracker.is_continuous(CHANNEL)
    in_thread = tracker.gap(7, CHANNEL)
    tracker.interrupted(CHANNEL)
    assert not tracker.gap_closed(7, CHANNEL, in_thread)
    assert tracker.gap_closed(7, CHANNEL, tracker.gap(7, CHANNEL)) and tracker.is_continuous(7)


def test_a_hidden_channel_and_its_threads_have_gaps_and_others_none(tracker: CursorTracker) -> None:
    tracker.born(7, CHANNEL)
    tracker.born(8, 2)
    tracker.interrupted(CHANNEL)
    assert [tracker.is_continuous(channel) for channel in (CHANNEL, 7, 8)] == [False, False, True]
    assert _settle(tracker, FIRST, SECOND, THIRD) is None


def test_nothing_moves_before_the_first_connection() -> None:
    tracker = CursorTracker({CHANNEL: START})
    tracker.arrived(CHANNEL, FIRST)
    assert _settle(tracker, FIRST) is None


async def _cursors(world: World) -> dict[int, int]:
    return {row["channel_id"]: row["position"] for row in await world.rows("SELECT * FROM cursors")}


async def test_every_channel_and_thread_has_a_cursor_at_its_last_message(world: World) -> None:
    await world.set_up()
    in_chat = [await world.alice.send(world.chat, words) for words in ("Hello.", "You idiot.")]
    thread, starter = await world.forum_post(world.alice, "The mayor", "He was late.")
    assert await _cursors(world) == {world.chat.id: in_chat[-1].id, thread.id: starter.id}
    comment = await world.bob.send(thread, "I see.")
    assert (await _cursors(world))[thread.id] == comment.id


async def test_ignored_messages_are_passed_and_hold_up_nothing(world: World) -> None:
    await world.set_up()
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    first = await world.alice.send(world.chat, "Hello.")
    await robot.send(world.chat, "Beep.")
    assert (await _cursors(world))[world.chat.id] >= first.id
    last = await world.alice.send(world.chat, "Quiet, robot.")
    assert await _cursors(world) == {world.chat.id: last.id}


async def test_edits_and_deletions_leave_the_cursor_alone(world: World) -> None:
    await world.set_up()
    first = await world.alice.send(world.chat, "Hello.")
    last = await world.alice.send(world.chat, "You idiot.")
    await world.alice.edit(first, "Hello, idiot.")
    await world.alice.delete(last)
    assert await _cursors(world) == {world.chat.id: last.id}


async def test_a_post_that_is_still_being_scored_holds_the_cursor_of_its_channel(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with open_world(settings, classifier) as world:
        await world.set_up()
        post = world.env.backend.create_message
        message = post(world.chat.id, world.alice.id, "Hello.")
        await until(classifier.reached.is_set)
        assert await _cursors(world) == {}
        classifier.release.set()
        await world.env.settle()
        assert await _cursors(world) == {world.chat.id: message.id}


async def test_cursor_and_decision_are_written_together_or_not_at_all(world: World) -> None:
    await world.set_up()
    before = await world.alice.send(world.chat, "Hello.")
    with sqlite3.connect(world.settings.database) as other:
        other.execute("CREATE TRIGGER broken BEFORE INSERT ON cursors BEGIN SELECT RAISE(ABORT, 'broken'); END")
    lost = await world.alice.send(world.chat, "You idiot.")
    assert len(await world.decisions()) == 1 and await world.rows("SELECT * FROM reviews") == []
    with sqlite3.connect(world.settings.database) as other:
        other.execute("DROP TRIGGER broken")
    await world.alice.send(world.chat, "Hello again.")
    assert len(await world.decisions()) == 2
    assert before.id <= (await _cursors(world))[world.chat.id] < lost.id
    assert world.services.health.last_error is not None


@asynccontextmanager
async def _new_process(world: World) -> AsyncIterator[None]:
    """The bot, started anew on the same database."""

    def clock() -> int:
        return int(world.env.now().timestamp() * 1000)

    async with running(world.settings, classifier=KeywordClassifier(), clock=clock) as services:
        await world.restart(services)
        yield
        await world.env.settle()


async def test_after_a_restart_a_new_thread_has_a_cursor_at_once(world: World) -> None:
    await world.set_up()
    async with _new_process(world):
        thread, starter = await world.forum_post(world.alice, "New", "A thread from after the restart.")
        assert (await _cursors(world))[thread.id] == starter.id


async def test_a_new_session_freezes_the_cursors_before_its_first_message(world: World) -> None:
    """READY is followed by `on_shard_ready` only when all servers have been received: posts come in between."""
    await world.set_up()
    seen = await world.alice.send(world.chat, "Hello.")
    world.env.backend.create_message(world.chat.id, world.alice.id, "Missed, you idiot.", broadcast=False)
    await world.env.advance_time(60)
    world.env.bot.dispatch("shard_connect", 0)
    await world.alice.send(world.chat, "Hello again.")
    assert await _cursors(world) == {world.chat.id: seen.id}
    await world.catch_up()
    last = await world.alice.send(world.chat, "And again.")
    assert await _cursors(world) == {world.chat.id: last.id}
    assert len(await world.decisions()) == 4
