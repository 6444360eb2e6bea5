"""The bot as a process: started, waited for, killed."""

import asyncio
import base64
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

from tests.loopback.changes import PATIENCE_SECONDS
from tests.loopback.server import Loopback

ROOT = Path(__file__).parents[2]
APPLICATION = 123456789012345678
TOKEN = base64.b64encode(str(APPLICATION).encode()).decode().rstrip("=") + ".Gabcde." + "s3cret-" * 5
START_SECONDS = 20.0


class BotProcess:
    """Starts as often as one likes, on the same database; what it writes is appended to one file."""

    def __init__(self, discord: Loopback, folder: Path, *options: str, **environment: str) -> None:
        self.discord = discord
        self.folder = folder
        self.database = folder / "threadwatch.db"
        self.log = folder / "bot.log"
        self._options = options
        self._environment = environment
        self._process: Process | None = None
        self._ended: asyncio.Task[int] | None = None

    @property
    def written(self) -> str:
        """Everything that it wrote so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    @property
    def running(self) -> bool:
        return self._ended is not None and not self._ended.done()

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it is connected and has been sent all there is."""
        gateway = self.discord.gateway
        before = gateway.identified
        await self.launch()
        await self.until(
            lambda: gateway.identified > before and gateway.ready, "a bot that is connected", START_SECONDS
        )

    async def until(self, condition: Callable[[], object], missing: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Like `Changes.until`; fails at once if the bot ends, and tells what it wrote."""
        ended, changes = self._task(), self.discord.world.changes
        try:
            await changes.until(lambda: condition() or ended.done(), missing, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the bot wrote:\n{self.written}") from None
        assert condition(), f"the bot ended with {ended.result()}, missing: {missing}; it wrote:\n{self.written}"

    async def launch(self) -> None:
        """Start it, wait for nothing."""
        assert self._ended is None, "it runs already"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        settings = {"DISCORD_TOKEN": TOKEN, "THREADWATCH_DB": str(self.database), "HF_HUB_OFFLINE": "1"}
        command = ["-m", "tests.loopback.launch", "--port", str(self.discord.port), *self._options]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                cwd=self.folder,
                env={**inherited, "PYTHONPATH": str(ROOT), **settings, **self._environment},
                stdout=log,
                stderr=log,
            )
        self._ended = asyncio.create_task(self._process.wait())
        self._ended.add_done_callback(lambda _: self.discord.world.changes.notify())

    async def kill(self) -> None:
        """As a power cut would: it cannot do anything about it. Killing one that has ended is no error."""
        if self._ended is not None:
            await self.stop(signal.SIGKILL)

    async def stop(self, signal_number: int = signal.SIGTERM, seconds: float = PATIENCE_SECONDS) -> int:
        """Send it a signal and return the exit code with which it ends within ``seconds``."""
        ended = self._task()
        assert self._process is not None, "set together with the task that waits for it"
        if not ended.done():
            self._process.send_signal(signal_number)
        missing = f"the end of the bot after signal {signal_number}"
        await self.discord.world.changes.until(ended.done, missing, seconds)
        self._ended = self._process = None
        return ended.result()

    def _task(self) -> asyncio.Task[int]:
        assert self._ended is not None, "it was not started"
        return self._ended
