"""One event of a channel after the other, in the order they came."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from bot.errors import IntakeFull


class Turns:
    """Events of other channels do not wait. Whoever holds a turn may be slow (Discord is asked, the queue is full),
    so the posts that wait for one are counted: no more than ``most``, of all channels together, are kept in memory.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._posts = 0
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, channel_id: int) -> asyncio.Lock:
        """For who holds no post while it waits."""
        return self._locks.setdefault(channel_id, asyncio.Lock())

    @asynccontextmanager
    async def for_post(self, channel_id: int) -> AsyncGenerator[None]:
        """Raises ``IntakeFull`` at once when too many posts wait."""
        lock = self.of(channel_id)
        if lock.locked() and self._posts >= self._most:
            raise IntakeFull(f"{self._posts} posts are waiting for their turn already")
        self._posts += 1
        try:
            await lock.acquire()
        finally:
            self._posts -= 1
        try:
            yield
        finally:
            lock.release()
