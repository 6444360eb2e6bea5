"""Waiting for something to have happened, without sleeping and never for ever."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 10.0


class Changes:
    """Whoever changes something calls ``notify``; whoever waits looks again then."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def notify(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, condition: Callable[[], object], missing: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once ``condition`` holds; fail with what was ``missing`` when ``seconds`` are over."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._next.wait()
        except TimeoutError:
            raise AssertionError(f"within {seconds:g} s, missing: {missing}") from None
