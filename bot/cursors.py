"""Low-water marks: how far each channel has been read without a gap."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bot.domain import DISCORD_EPOCH_MS


def snowflake(at: int) -> int:
    """The lowest Discord id of the millisecond ``at`` (Unix, UTC)."""
    return max(0, at - DISCORD_EPOCH_MS) << 22


class CursorTracker:
    """Knows which messages have arrived and are not settled, and so how far a cursor may move.

    A message that is never settled (the queue was full, the database failed) holds its channel's cursor
    where it is: catch-up will find it again. After a cold start or reconnect there may be a gap, and
    live messages do not move a cursor over it.
    """

    def __init__(self, positions: Mapping[int, int]) -> None:
        self._positions = dict(positions)
        self._highest: dict[int, int] = {}
        self._pending: defaultdict[int, set[int]] = defaultdict(set)
        self._continuous_since: float = float("inf")

    def connected(self, at: int) -> None:
        """From ``at`` (Unix ms) on every message reaches us; whatever was sent before may have been missed."""
        known = max(self._positions.values(), default=0)  # of before, even if this machine's clock is slow
        self._continuous_since = max(snowflake(at), known + 1)

    def arrived(self, channel_id: int, message_id: int) -> None:
        self._pending[channel_id].add(message_id)
        self._highest[channel_id] = max(message_id, self._highest.get(channel_id, 0))

    def owed_since(self, channel_id: int, message_id: int) -> None:
        """A channel without a cursor: it has been owed a decision for everything after ``message_id``."""
        self._positions.setdefault(channel_id, message_id)

    def forget(self, channel_id: int, message_id: int) -> None:
        """The message is of a channel that is not watched."""
        self._drop(channel_id, [message_id])

    def positions_after(self, settled: Iterable[tuple[int, int]]) -> dict[int, int]:
        """The cursors as they may stand once the ``settled`` (channel, message) pairs are written."""
        done: defaultdict[int, set[int]] = defaultdict(set)
        for channel_id, message_id in settled:
            done[channel_id].add(message_id)
        positions: dict[int, int] = {}
        for channel_id, message_ids in done.items():
            known = self._positions.get(channel_id)
            if known is None or known < self._continuous_since or channel_id not in self._highest:
                continue
            left = self._pending[channel_id] - message_ids
            position = min(left) - 1 if left else self._highest[channel_id]
            if position > known:
                positions[channel_id] = position
        return positions

    def written(self, settled: Iterable[tuple[int, int]], positions: Mapping[int, int]) -> None:
        """The pairs are settled and ``positions`` stand in the store."""
        for channel_id, message_id in settled:
            self._drop(channel_id, [message_id])
        self._positions.update(positions)

    def _drop(self, channel_id: int, message_ids: Iterable[int]) -> None:
        pending = self._pending[channel_id]
        pending.difference_update(message_ids)
        if not pending:
            del self._pending[channel_id]
