"""Low-water marks: how far each channel has been read without a gap."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bot.domain import DISCORD_EPOCH_MS

Gap: TypeAlias = tuple[int, int, int]
"""Server, session, interruption: which gap of a channel somebody has begun to read; another one may open meanwhile."""


def snowflake(at: int) -> int:
    """The lowest Discord id of the millisecond ``at`` (Unix, UTC)."""
    return max(0, at - DISCORD_EPOCH_MS) << 22


def time_of(snowflake_id: int) -> int:
    """When Discord gave out an id (Unix ms): by its clock, not by ours."""
    return (snowflake_id >> 22) + DISCORD_EPOCH_MS


class CursorTracker:
    """Knows which messages have arrived and are not settled, and so how far a cursor may move.

    A message that is never settled (the queue was full, the database failed) holds its channel's cursor
    where it is: catch-up will find it again. After a cold start, a new session or a time in which a channel
    was hidden there may be a gap, over which live messages do not move its cursor: only reading it does.
    No clock takes part, so it does not matter if this machine's is wrong.
    """

    def __init__(self, positions: Mapping[int, int]) -> None:
        self._positions = dict(positions)
        self._highest: dict[int, int] = {}
        self._pending: defaultdict[int, set[int]] = defaultdict(set)
        # a channel without a gap: the channel it is in, and the server
        self._continuous: dict[int, tuple[int | None, int]] = {}
        self._read: dict[int, int] = {}  # how far history has been read, where there is a gap
        self._shard_count = 1
        self._sessions: Counter[int] = Counter()
        self._interruptions: Counter[int] = Counter()

    def connected(self, shard_id: int = 0, shard_count: int = 1) -> None:
        """A new session of a shard: whatever was sent before may have been missed, everywhere on its servers."""
        self._shard_count = shard_count
        self._sessions[shard_id] += 1
        for inside in [inside for inside, (_, guild) in self._continuous.items() if self._shard_of(guild) == shard_id]:
            del self._continuous[inside]

    def interrupted(self, channel_id: int) -> None:
        """A channel, and the threads in it, are hidden from us (or have been): there may be a gap."""
        self._interruptions[channel_id] += 1
        for inside in [inside for inside, (parent, _) in self._continuous.items() if channel_id in (inside, parent)]:
            del self._continuous[inside]

    def born(self, channel_id: int, parent_id: int | None, guild_id: int = 0) -> None:
        """A thread that has just been made: all its messages reach us. The server matters if there are shards."""
        self._continuous[channel_id] = parent_id, guild_id

    def is_continuous(self, channel_id: int) -> bool:
        return channel_id in self._continuous

    def position(self, channel_id: int) -> int | None:
        """The cursor, or None if the channel never had one."""
        return self._positions.get(channel_id)

    def arrived(self, channel_id: int, message_id: int) -> None:
        self._pending[channel_id].add(message_id)
        self._highest[channel_id] = max(message_id, self._highest.get(channel_id, 0))

    def owed_since(self, channel_id: int, message_id: int) -> None:
        """A channel without a cursor: it has been owed a decision for everything after ``message_id``."""
        self._positions.setdefault(channel_id, message_id)

    def forget(self, channel_id: int, message_id: int) -> None:
        """The message is of a channel that is not watched."""
        self._drop(channel_id, message_id)
        if channel_id not in self._pending:
            self._highest.pop(channel_id, None)

    def pending(self, channel_id: int) -> frozenset[int]:
        """Messages that have arrived and are not settled."""
        return frozenset(self._pending.get(channel_id, ()))

    def gap(self, channel_id: int, parent_id: int | None, guild_id: int = 0) -> Gap:
        """Take this before reading a channel's history, for ``gap_closed``. The server matters if there are shards."""
        interruptions = sum(self._interruptions[id_] for id_ in {channel_id, parent_id or channel_id})
        return guild_id, self._sessions[self._shard_of(guild_id)], interruptions

    def read_up_to(self, channel_id: int, message_id: int) -> None:
        """All messages from the cursor to ``message_id`` have been read from history, and have arrived."""
        self._read[channel_id] = message_id

    def gap_closed(self, channel_id: int, parent_id: int | None, gap: Gap) -> bool:
        """History was read to its end; False if another gap has opened since ``gap`` was taken."""
        self._read.pop(channel_id, None)
        guild_id = gap[0]
        if gap != self.gap(channel_id, parent_id, guild_id):
            return False
        self._continuous[channel_id] = parent_id, guild_id
        return True

    def positions_after(self, settled: Iterable[tuple[int, int]]) -> dict[int, int]:
        """The cursors as they may stand once the ``settled`` (channel, message) pairs are written."""
        done: defaultdict[int, set[int]] = defaultdict(set)
        for channel_id, message_id in settled:
            done[channel_id].add(message_id)
        positions: dict[int, int] = {}
        for channel_id, message_ids in done.items():
            known = self._positions.get(channel_id)
            if known is not None and (position := self._reaches(channel_id, message_ids)) > known:
                positions[channel_id] = position
        return positions

    def written(self, settled: Iterable[tuple[int, int]], positions: Mapping[int, int]) -> None:
        """The pairs are settled and ``positions`` stand in the store."""
        for channel_id, message_id in settled:
            self._drop(channel_id, message_id)
        for channel_id, position in positions.items():  # two writes may end in another order than they began
            self._positions[channel_id] = max(position, self._positions.get(channel_id, 0))

    def _reaches(self, channel_id: int, settled: set[int]) -> int:
        """The last id up to which all messages are known and settled."""
        known = self._highest if channel_id in self._continuous else self._read
        left = self._pending.get(channel_id, set[int]()) - settled
        return min(known.get(channel_id, 0), min(left) - 1 if left else known.get(channel_id, 0))

    def _shard_of(self, guild_id: int) -> int:
        return (guild_id >> 22) % self._shard_count

    def _drop(self, channel_id: int, message_id: int) -> None:
        if pending := self._pending.get(channel_id):
            pending.discard(message_id)
            if not pending:
                del self._pending[channel_id]
