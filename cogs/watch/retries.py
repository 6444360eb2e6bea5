"""What Discord or the database failed on is tried again while the bot runs; after a restart, catch-up does it."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import TypeAlias

import aiohttp
import discord

from bot.client import explain
from bot.errors import IntakeFull, StoreError
from bot.health import Health

PAUSES = (1.0, 10.0, 60.0, 300.0, 900.0)
PASSING = (IntakeFull, StoreError, discord.HTTPException, aiohttp.ClientError, OSError)  # TimeoutError is an OSError

Attempt: TypeAlias = Callable[[], Awaitable[None]]


class Retries:
    """At most one task for each thing to do, however often it fails; it ends when the thing is done."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked: set[str] = set()
        self._cancelled = False

    async def do(self, what: str, first: Attempt, again: Attempt | None = None) -> None:
        """Do ``first``; if it fails, do ``again`` (or the same) later until it succeeds.

        ``what`` names it in `/status`. Who asks for the same thing once more gets one more attempt, not a second task.
        """
        if await self._fails(what, first) and not self._cancelled:
            self._asked.add(what)
            if what not in self._tasks:
                self._tasks[what] = asyncio.create_task(self._persist(what, again or first), name=what)

    def cancel(self) -> None:
        """For good: the store is closed next."""
        self._cancelled = True
        for task in self._tasks.values():
            task.cancel()

    async def _persist(self, what: str, attempt: Attempt) -> None:
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        try:
            while what in self._asked:
                await asyncio.sleep(next(pauses))
                self._asked.discard(what)  # who asks while this attempt runs may know of something newer
                if await self._fails(what, attempt):
                    self._asked.add(what)
        except Exception as error:  # a defect, which another attempt would meet again
            self._health.note_error(f"{what} failed for good: {explain(error)}", error)
        finally:
            self._asked.discard(what)
            del self._tasks[what]

    async def _fails(self, what: str, attempt: Attempt) -> bool:
        """Whether ``attempt`` failed in a way that may pass. What is gone or hidden stays so."""
        try:
            await attempt()
        except discord.NotFound:
            return False
        except discord.Forbidden as error:
            self._health.note_error(f"{what} is not possible: {explain(error)}")
        except PASSING as error:
            self._health.note_error(f"{what} failed, and is tried again: {explain(error)}", error)
            return True
        return False
