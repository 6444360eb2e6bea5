"""A real store in a program that may be killed at any statement, and is started again on what it left."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from bot.store import Store

T = TypeVar("T")


class Killed(BaseException):
    """The program ends here; what is on the disk is all that is left."""


class KillableStore(RuleBasedStateMachine):
    """The program ends, one way or the other; a machine that inherits this adds what happens between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "0.db"
        self.runner = asyncio.Runner()
        self.now, self.numbers = 1, count(1)
        self.statements_left: int | None = None
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.reader = sqlite3.connect(self.path, isolation_level=None)
        opened = Store.open(self.path, clock=lambda: self.now)
        self.store: Store = self.runner.run(self.stack.enter_async_context(opened))
        writer = self.store.decisions._database._writer
        self.runner.run(_spill(writer.execute))
        for name in ("execute", "execute_fetchall", "executemany"):
            setattr(writer, name, self.counted(getattr(writer, name)))

    def counted(self, statement: Callable[..., Awaitable[T]]) -> Callable[..., Coroutine[Any, Any, T]]:
        async def run(*args: Any) -> T:
            if self.statements_left is not None:
                if self.statements_left == 0:
                    self.leave_disk()
                    raise Killed
                self.statements_left -= 1
            return await statement(*args)

        return run

    def leave_disk(self) -> None:
        """What a killed program leaves behind: the files as they are at this moment."""
        left = self.path.with_name(f"{next(self.numbers)}.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.path}{suffix}", f"{left}{suffix}")
        self.path = left

    def do(self, work: Coroutine[Any, Any, T]) -> list[T]:
        """What ``work`` gives; nothing if the program was killed meanwhile, and started again."""
        self.now += 1
        try:
            return [self.runner.run(work)]
        except Killed:
            self.start_again()
            return []

    def start_again(self) -> None:
        self.close()
        self.statements_left = None
        self.open()

    def close(self) -> None:
        self.reader.close()
        self.runner.run(self.stack.aclose())

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        self.folder.cleanup()

    @rule(statements=st.none() | st.integers(-1, 12))
    def end(self, statements: int | None) -> None:
        """Told to stop (None), killed now (-1), or in the middle of what comes next, or of what comes after that."""
        if statements == -1:
            self.leave_disk()
        if statements is None or statements == -1:
            self.start_again()
        else:
            self.statements_left = statements

    def select(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.reader.execute(sql, values).fetchall()


async def _spill(execute: Callable[[str], Awaitable[Any]]) -> None:
    """Half a transaction then stands on the disk before it ends."""
    await execute("PRAGMA cache_size = 1")
