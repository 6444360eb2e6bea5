"""How the running bot is doing, for `/status`."""

import asyncio
import logging
import statistics
from collections import deque
from dataclasses import dataclass, field

from bot.clock import Clock

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CatchUp:
    """What reading back on one server came upon (times in Unix ms)."""

    started_at: int
    finished_at: int | None = None
    channels: int = 0
    messages: int = 0
    posts: int = 0
    """Of the messages, those that were new or had been edited since they were decided."""
    flagged: int = 0
    deleted: int = 0
    unreadable: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """(channel, why it could not be checked)."""
    failures: int = 0
    """Channels that Discord or the database failed on; they are tried again soon."""


@dataclass(slots=True)
class Health:
    clock: Clock
    started_at: int = 0
    catch_ups: dict[int, CatchUp] = field(default_factory=dict[int, CatchUp])
    """The latest of each server."""
    last_error: tuple[int, str] | None = None
    """When (Unix ms) and what."""
    last_scored_at: int | None = None
    given_up: str | None = None
    """Why this process cannot go on, if so."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with ``given_up``: the bot ends itself."""
    _latencies: deque[float] = field(default_factory=lambda: deque[float](maxlen=500))

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    def note_scored(self, latencies_ms: list[float]) -> None:
        """``latencies_ms``: from the post's arrival in the queue to its written decision."""
        self._latencies.extend(latencies_ms)
        self.last_scored_at = self.clock()

    def note_error(self, what: str, error: BaseException | None = None) -> None:
        """Log a failure and keep it for `/status`. ``what`` must hold no secret and no post."""
        log.error("%s", what, exc_info=error)
        self.last_error = (self.clock(), what)

    def give_up(self, why: str) -> None:
        """Only a new process helps; posts that are not decided stay behind their channels' cursors for it."""
        self.note_error(why)
        self.given_up = why
        self.ending.set()

    @property
    def median_latency_ms(self) -> float | None:
        return statistics.median(self._latencies) if self._latencies else None
