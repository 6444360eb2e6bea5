"""What a self-check found: a line, and how bad it is."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The sign before the line."""

    GOOD = "✓"
    WARNING = "⚠"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """``text`` says what was looked at, what was found and, unless it is good, what to do. Never a secret."""

    level: Level
    text: str


def good(text: str) -> Finding:
    return Finding(Level.GOOD, text)


def warning(text: str) -> Finding:
    return Finding(Level.WARNING, text)


def bad(text: str) -> Finding:
    return Finding(Level.BAD, text)
