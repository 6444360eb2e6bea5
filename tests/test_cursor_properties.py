"""Random sequences of all that happens to cursors, beside what is true of the channels.

To search longer, with another seed each time:
``PROPERTY_EXAMPLES=5000 pytest --timeout=0 tests/test_cursor_properties.py``.
"""

from dataclasses import dataclass, field
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.cursors import CursorTracker, Gap
from tests.support.properties import indexes, profile

CHANNEL, START = 1, 1_000

cuts = st.sampled_from(["resumed", "new session", "hidden", "new program"])


@dataclass
class Room:
    """What is true of a channel or thread, known to the bot or not. Every message in it is owed a decision."""

    parent: int | None = None
    messages: list[int] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    """Arrived at the bot, and not settled."""
    settled: set[int] = field(default_factory=set)
    reading: "Reading | None" = None


@dataclass
class Reading:
    gap: Gap
    position: int
    at: int
    ended: bool = False


class CursorMachine(RuleBasedStateMachine):
    """A channel and a thread in it; the bot is cut off and comes back, history is read, batches are written or lost."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = count(START + 1)
        self.rooms = {CHANNEL: Room()}
        self.stored: dict[int, int] = {}
        self.before: dict[int, int] = {}
        self.start()

    def start(self) -> None:
        """A program starts on what is stored."""
        self.tracker = CursorTracker(self.stored)
        self.writing: tuple[list[tuple[int, int]], dict[int, int]] | None = None
        for room in self.rooms.values():
            room.reading, room.waiting = None, set()
        self.tracker.connected()

    def room(self, index: int) -> tuple[int, Room]:
        return list(self.rooms.items())[index % len(self.rooms)]

    def arrive(self, id_: int, message: int) -> None:
        self.tracker.arrived(id_, message)
        self.tracker.owed_since(id_, START)
        self.rooms[id_].waiting.add(message)

    @rule(index=indexes, messages=st.integers(1, 3))
    def send(self, index: int, messages: int) -> None:
        id_, room = self.room(index)
        for message in (next(self.ids) for _ in range(messages)):
            room.messages.append(message)
            self.arrive(id_, message)

    @precondition(lambda self: len(self.rooms) == 1)
    @rule()
    def open_thread(self) -> None:
        id_ = next(self.ids)
        self.rooms[id_] = Room(CHANNEL)
        self.tracker.born(id_, CHANNEL)

    @rule(how=cuts, index=indexes, missed=st.booleans(), then=st.booleans(), reading=st.booleans())
    def cut_off(self, how: str, index: int, missed: bool, then: bool, reading: bool) -> None:
        """Perhaps a message is sent meanwhile; only a resumed session brings it afterwards. Perhaps while reading."""
        id_, room = self.room(index)
        if reading:
            self.begin_reading(index, 0, len(room.messages) + 1)
        if how == "hidden":
            self.tracker.interrupted(CHANNEL)
        message = next(self.ids)
        room.messages += [message] if missed else []
        if how == "new program":
            self.start()
        elif how == "new session":
            self.tracker.connected()
        elif how == "resumed" and missed:
            self.arrive(id_, message)
        if reading:
            self.end_reading(index)
        if then:
            self.send(index, 1)

    @precondition(lambda self: self.writing is None)
    @rule(index=indexes, which=st.lists(indexes, max_size=3), edited=st.booleans(), later=st.booleans())
    def decide(self, index: int, which: list[int], edited: bool, later: bool) -> None:
        """A batch is decided, perhaps with edits of older messages; more may happen until it is written."""
        id_, room = self.room(index)
        from_ = sorted(room.settled if edited else room.waiting)
        settled = [(id_, from_[each % len(from_)]) for each in which if from_] or [(id_, 0)]
        self.writing = settled, self.tracker.positions_after(settled)
        if not later:
            self.write(fails=False)

    @precondition(lambda self: self.writing is not None)
    @rule(fails=st.integers(0, 3).map(lambda chance: chance == 3))
    def write(self, fails: bool) -> None:
        assert self.writing is not None
        (settled, positions), self.writing = self.writing, None
        if not fails:
            self.settle(settled, positions)

    @rule(index=indexes, which=indexes)
    def ignore(self, index: int, which: int) -> None:
        """A message that is no post: settled at once."""
        id_, room = self.room(index)
        if room.waiting:
            self.settle([(id_, sorted(room.waiting)[which % len(room.waiting)])], {})

    def settle(self, settled: list[tuple[int, int]], positions: dict[int, int]) -> None:
        self.tracker.written(settled, positions)
        self.stored |= positions
        for id_, message in settled:
            self.rooms[id_].waiting.discard(message)
            self.rooms[id_].settled.add(message)

    @rule(index=indexes, back=st.integers(0, 5), size=st.integers(1, 4))
    def begin_reading(self, index: int, back: int, size: int) -> None:
        """Anew, if a reading was given up; from before the cursor, to look at young posts again."""
        id_, room = self.room(index)
        self.tracker.owed_since(id_, START)
        position = self.tracker.position(id_) or START
        room.reading = Reading(self.tracker.gap(id_, room.parent), position, position - back)
        self.read_page(index, size)

    @rule(index=indexes, size=st.integers(1, 4))
    def read_page(self, index: int, size: int) -> None:
        id_, room = self.room(index)
        if (reading := room.reading) is None or reading.ended:
            return
        page = [message for message in room.messages if message > reading.at][:size]
        reading.ended = len(page) < size
        for message in page:
            if message > reading.position:
                self.arrive(id_, message)
        if page:
            reading.at = page[-1]
            self.tracker.read_up_to(id_, page[-1])

    @rule(index=indexes)
    def end_reading(self, index: int) -> None:
        id_, room = self.room(index)
        if room.reading and room.reading.ended:
            self.tracker.gap_closed(id_, room.parent, room.reading.gap)
            room.reading = None

    @precondition(lambda self: self.writing is None)
    @rule()
    def all_is_read_and_settled(self) -> None:
        for index, (id_, room) in enumerate(self.rooms.items()):
            self.begin_reading(index, 0, len(room.messages) + 1)
            self.end_reading(index)
            settled = [(id_, message) for message in [0, *room.waiting]]
            self.settle(settled, self.tracker.positions_after(settled))
            assert self.tracker.position(id_) == max(room.messages, default=START), "the cursor reaches the end"

    @invariant()
    def no_cursor_passes_what_is_owed_or_moves_back(self) -> None:
        """Neither as it stands nor as it would if something, or all that waits, were settled now."""
        for id_, room in self.rooms.items():
            for batch in ({0}, room.waiting, set(sorted(room.waiting)[:1])):
                would = self.tracker.positions_after([(id_, message) for message in batch])
                position = would.get(id_, self.tracker.position(id_))
                owed = set(room.messages) - room.settled - (batch if would else set())
                assert position is None or position < min(owed, default=position + 1), "an unsettled message is passed"
            assert self.stored.get(id_, 0) >= self.before.get(id_, 0), "a cursor moved back"
        self.before = dict(self.stored)


def test_no_cursor_passes_a_message_that_is_owed() -> None:
    run_state_machine_as_test(CursorMachine, settings=profile(100, 50))
