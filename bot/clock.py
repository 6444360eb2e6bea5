"""The time, as the store keeps it."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Returns Unix milliseconds, UTC."""


def system_clock() -> int:
    return time.time_ns() // 1_000_000
