"""What goes wrong meanwhile: kills, faults of Discord's and of the database's, permissions that come and go."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.loopback.bot_process import BotProcess
from tests.loopback.faults import Fault
from tests.loopback.permissions import TALK, VIEW_CHANNEL
from tests.loopback.server import Loopback
from tests.loopback.town import Town

CHANCES = {
    Fault.RATE_LIMITED: 0.01,
    Fault.RATE_LIMITED_BARE: 0.002,
    Fault.BANNED: 0.001,
    Fault.INTERNAL_ERROR: 0.01,
    Fault.BAD_GATEWAY: 0.005,
    Fault.UNAVAILABLE: 0.005,
    Fault.HANG: 0.001,
    Fault.RESET_BEFORE: 0.005,
    Fault.RESET_AFTER: 0.005,
}
LOCKED_SECONDS = 3.0
HIDDEN_SECONDS = 2.0


class Troubles:
    def __init__(self, loopback: Loopback, town: Town, process: BotProcess, seed: int) -> None:
        self.happened: Counter[str] = Counter()
        self._loopback = loopback
        self._town = town
        self._process = process
        self._chance = random.Random(seed)
        self._running: set[asyncio.Task[None]] = set()
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            self._drop,
            self._forget_session,
            self._fall_silent,
            self._ask_to_reconnect,
            self._hide_chat,
            self._lock_database,
        ]
        loopback.rest_faults.hang_seconds = 3.0
        loopback.rest_faults.sometimes(CHANCES, seed=seed)

    async def kill(self) -> None:
        """SIGKILL, at once started again, as a supervisor does."""
        self.happened["killed"] += 1
        await self._process.kill()
        await self._process.launch()

    async def keep_running(self) -> None:
        """A bot that Discord did not let in ends by itself, and is started again."""
        if not self._process.running:
            self.happened["ended by itself"] += 1
            await self._process.kill()
            await self._process.launch()

    def any(self) -> None:
        """One trouble begins."""
        kind = self._chance.choice(self._kinds)
        self.happened[kind.__name__.strip("_").replace("_", " ")] += 1
        task = asyncio.ensure_future(kind())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def over(self) -> None:
        """All is well again."""
        await asyncio.gather(*self._running)
        self._loopback.rest_faults.clear()
        for fault, _ in self._loopback.rest_faults.happened:
            self.happened[fault.name.lower().replace("_", " ")] += 1

    async def _drop(self) -> None:
        self._loopback.gateway_faults.drop()

    async def _forget_session(self) -> None:
        self._loopback.gateway_faults.refuse_next_resume()
        self._loopback.gateway_faults.drop()

    async def _fall_silent(self) -> None:
        self._loopback.gateway_faults.zombify()

    async def _ask_to_reconnect(self) -> None:
        await self._loopback.gateway_faults.ask_to_reconnect()

    async def _hide_chat(self) -> None:
        town = self._town
        me = town.world.me(town.guild)
        town.world.set_overwrite(town.chat, me, deny=VIEW_CHANNEL)
        await asyncio.sleep(HIDDEN_SECONDS)
        town.world.set_overwrite(town.chat, me, allow=TALK)

    async def _lock_database(self) -> None:
        other = sqlite3.connect(self._process.database, isolation_level=None, timeout=1)
        try:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(LOCKED_SECONDS)
        except sqlite3.OperationalError:
            self.happened["database was busy by itself"] += 1
        finally:
            other.close()
