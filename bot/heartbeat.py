"""The running bot's sign of life: a small file for a supervisor, and the judgement of it."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot import __version__
from bot.app import Services
from bot.clock import Clock, system_clock

INTERVAL_SECONDS = 15.0
STALE_MS = 45_000
"""Three beats: one may be late, two may fail."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What the file says, as JSON. Times are Unix milliseconds. No posts, no names, no token."""

    time: int
    pid: int
    version: str
    connected: bool
    worker: bool
    """Whether posts are being worked off."""
    queue: int
    last_decision: int | None
    last_error: int | None
    away: list[int] = field(default_factory=list[int])
    """The shards that are not connected, for more than a moment."""


@asynccontextmanager
async def beating(
    path: Path | None, services: Services, connected: Callable[[], bool], away: Callable[[], list[int]] = list
) -> AsyncGenerator[None]:
    """Inside, the file at ``path`` is rewritten every 15 s; afterwards it is gone: nothing runs.

    ``connected`` is asked for the connection to Discord, ``away`` for the shards that have been without for a while.

    It is written by the event loop's own task, so that a loop that hangs lets it grow old.
    """
    if path is None:
        yield
        return
    task = asyncio.create_task(_beat(path, services, connected, away), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            services.health.note_error(f"The heartbeat {path} cannot be removed: {error}", error)


def unhealthy(path: Path, clock: Clock = system_clock) -> str | None:
    """Why the bot that writes ``path`` is not well; ``None`` if it is."""
    try:
        beat = read(path)
    except FileNotFoundError:
        return f"no bot is running: there is no {path}"
    except (OSError, ValueError, TypeError) as error:
        return f"the heartbeat {path} cannot be read ({type(error).__name__})"
    if not is_fresh(beat, clock):
        return f"the last heartbeat is {(clock() - beat.time) // 1000} s old: the bot hangs or was killed"
    if not beat.worker:
        return "the worker is dead: no post is scored until the bot is started again"
    if not beat.connected:
        which = f" (shard {', '.join(map(str, beat.away))})" if beat.away else ""
        return f"the bot is not connected to Discord{which}"
    return None


def read(path: Path) -> Beat:
    """Raises ``OSError``, and ``ValueError`` or ``TypeError`` for a file that is no heartbeat."""
    beat = Beat(**json.loads(path.read_text(encoding="utf-8")))
    if not isinstance(beat.time, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # a file may hold anything
        raise TypeError("the time is no number")
    return beat


def is_fresh(beat: Beat, clock: Clock = system_clock) -> bool:
    return abs(clock() - beat.time) < STALE_MS


async def _beat(path: Path, services: Services, connected: Callable[[], bool], away: Callable[[], list[int]]) -> None:
    failing = False
    while True:
        try:
            beat = _look(services, connected(), away())
            _write(path, beat)  # not in a thread, which would outlive the task
            if beat.worker:
                _calm_watchdog()
            failing = False
        except Exception as error:  # one beat must not take the others with it
            if not failing:  # once in a row: the last error is shown in `/status`, and others matter more
                services.health.note_error(f"The heartbeat {path} cannot be written: {error}", error)
            failing = True
        await asyncio.sleep(INTERVAL_SECONDS)


def _look(services: Services, connected: bool, away: list[int]) -> Beat:
    health = services.health
    return Beat(
        time=services.clock(),
        pid=os.getpid(),
        version=__version__,
        connected=connected,
        worker=services.intake.working,
        queue=len(services.intake),
        last_decision=health.last_scored_at,
        last_error=health.last_error[0] if health.last_error else None,
        away=away,
    )


def _calm_watchdog() -> None:
    """Tell systemd, if it asked to be told, that all is well: without a word for a while it starts the bot anew.

    Protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
    """
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.connect("\0" + address[1:] if address.startswith("@") else address)
            connection.send(b"WATCHDOG=1")


def _write(path: Path, beat: Beat) -> None:
    """All of it or nothing, and 0600 whatever the umask."""
    unfinished = path.with_name(f".{path.name}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # a file left over may be another's to read
        json.dump(asdict(beat), file)
    unfinished.replace(path)
