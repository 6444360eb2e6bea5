"""Waiting for a database that another program has locked, or a disk that is full."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import TypeVar

from bot.errors import StoreBusy
from bot.health import Health

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

Result = TypeVar("Result")


async def patiently(health: Health, write: Callable[[], Awaitable[Result]]) -> Result:
    """Do ``write`` again until the database takes it: for what nobody would do again if it were dropped."""
    for pause in chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1])):
        try:
            return await write()
        except StoreBusy as error:
            health.note_error(f"{error} Trying again in {pause:g} s.")
            await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")
