"""How the running bot is doing, for `/status`."""

import logging
import statistics
from collections import deque
from dataclasses import dataclass, field

from bot.clock import Clock

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Health:
    clock: Clock
    started_at: int = 0
    last_error: tuple[int, str] | None = None
    """When (Unix ms) and what."""
    _latencies: deque[float] = field(default_factory=lambda: deque[float](maxlen=500))

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    def note_scored(self, latencies_ms: list[float]) -> None:
        """``latencies_ms``: from the post's arrival in the queue to its written decision."""
        self._latencies.extend(latencies_ms)

    def note_error(self, what: str, error: BaseException | None = None) -> None:
        """Log a failure and keep it for `/status`. ``what`` must hold no secret and no post."""
        log.error("%s", what, exc_info=error)
        self.last_error = (self.clock(), what)

    @property
    def median_latency_ms(self) -> float | None:
        return statistics.median(self._latencies) if self._latencies else None
