"""Whether a long scan slows down or grows: `python -m bot scan` of 100,000 posts, watched from outside.

``python -m tests.bench.growth [--posts N] [--made]`` takes some five minutes on two cores.
"""

import argparse
import asyncio
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.store import Store
from tests.bench.posts import LABELLED, Lengths, labelled, lengths, texts
from tests.loopback.bot_process import ROOT

POSTS = 100_000
PARTS = 10
LOOK_SECONDS = 0.02
"""A batch of 128 posts takes ten times as long."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """What was seen when so many posts were in the database; ``at`` and ``cpu`` in seconds since some moment."""

    posts: int
    at: float
    cpu: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Tenth:
    """``cpu_ms``: time of all processors together for a post, which other programs disturb less than the clock's."""

    posts: int
    per_second: float
    cpu_ms: float
    resident_mb: float
    """At its end."""


@dataclass(frozen=True, slots=True)
class Growth:
    source: str
    posts: int
    lengths: Lengths
    flagged: int
    tenths: Sequence[Tenth]
    peak_mb: float
    """The highest resident memory that was seen."""

    @property
    def speed_ratio(self) -> float:
        """Posts a second in the last tenth to those in the first: 1 is no slower."""
        return self.tenths[-1].per_second / self.tenths[0].per_second

    @property
    def cpu_ratio(self) -> float:
        """Processor time for a post in the last tenth to that in the first: 1 is no more."""
        return self.tenths[-1].cpu_ms / self.tenths[0].cpu_ms

    @property
    def memory_ratio(self) -> float:
        """Resident memory at the end of the last tenth to that at the end of the first: 1 is no growth."""
        return self.tenths[-1].resident_mb / self.tenths[0].resident_mb


async def measure(count: int = POSTS, *, made: bool = False) -> Growth:
    """Scan ``count`` posts in a process into a fresh database.

    The posts are those of the labelled sets where they are at hand, unless they are to be ``made``; each has an id, as
    in an export. Time runs from the first batch in the database, so that loading the model does not count.
    """
    real = LABELLED.exists() and not made
    posts = labelled(count) if real else texts(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "threadwatch.db"
        _write(folder / "posts.jsonl", posts)
        async with Store.open(database):  # so that it can be looked at from the start
            pass
        with _scanning(folder, database) as process:
            marks = [mark async for mark in _marks(process, database, len(posts))]
            assert await asyncio.to_thread(process.wait) == 0, "the scan failed"
        decided, flagged = counted(database)
    assert decided == len(posts), f"{decided} of {len(posts)} posts were decided"
    peak = max(mark.resident_mb for mark in marks)
    source = "the labelled sets" if real else "the corpus"
    return Growth(source, decided, lengths(posts), flagged, tenths_of(marks, decided), peak)


def tenths_of(marks: Sequence[Mark], posts: int) -> list[Tenth]:
    """What happened between the first mark at or after each tenth of ``posts`` and the one before.

    Fewer than ten where a batch, which is recorded as a whole, passed the ends of several.
    """
    begun = [mark for mark in marks if mark.posts]
    last = begun[-1]  # the process may have ended before it was seen to have decided all
    ends = [next((mark for mark in begun if mark.posts * PARTS >= posts * part), last) for part in range(PARTS + 1)]
    return [_between(before, end) for before, end in itertools.pairwise(dict.fromkeys(ends))]


def _between(before: Mark, end: Mark) -> Tenth:
    posts = end.posts - before.posts
    return Tenth(end.posts, posts / (end.at - before.at), (end.cpu - before.cpu) * 1000 / posts, end.resident_mb)


def _write(path: Path, posts: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(posts):
            file.write(json.dumps({"id": number, "author": f"member{number % 997}", "text": text}) + "\n")


@contextmanager
def _scanning(folder: Path, database: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m bot scan` in ``folder``, without settings of whoever measures."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "bot", "scan", "posts.jsonl", "--db", str(database)]
    with (
        (folder / "scan.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env={**inherited, "PYTHONPATH": str(ROOT)}, stdout=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


async def _marks(process: "subprocess.Popen[bytes]", database: Path, posts: int) -> AsyncIterator[Mark]:
    """What is seen until all ``posts`` are decided, or the process ends."""
    watched = psutil.Process(process.pid)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        while process.poll() is None:
            # The highest id is how many there are: none was ever deleted.
            ((seen,),) = connection.execute("SELECT coalesce(max(id), 0) FROM decisions")
            used = watched.cpu_times()
            yield Mark(seen, time.perf_counter(), used.user + used.system, resident_mb(process.pid))
            if seen >= posts:
                return
            await asyncio.sleep(LOOK_SECONDS)


def resident_mb(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / MEGABYTE


def counted(database: Path) -> tuple[int, int]:
    """(decisions, flagged ones)"""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ((decided, flagged),) = connection.execute("SELECT count(*), coalesce(sum(flagged), 0) FROM decisions")
    return decided, flagged


def lines_of(figures: Growth) -> list[str]:
    sizes, share = figures.lengths, figures.flagged / figures.posts
    return [
        f"{figures.posts} posts of {figures.source} ({sizes.mean:.0f} words on average, {share:.0%} flagged)",
        f"{'posts':>8}{'posts/s':>10}{'CPU ms/post':>13}{'resident MB':>13}",
        *(
            f"{tenth.posts:>8}{tenth.per_second:>10.0f}{tenth.cpu_ms:>13.2f}{tenth.resident_mb:>13.0f}"
            for tenth in figures.tenths
        ),
        f"last tenth to first: speed x{figures.speed_ratio:.2f}, processor time x{figures.cpu_ratio:.2f}, "
        f"memory x{figures.memory_ratio:.2f}; at most {figures.peak_mb:.0f} MB",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--made", action="store_true", help="posts of our corpus, even if the labelled sets are there")
    options = parser.parse_args()
    print("\n".join(lines_of(asyncio.run(measure(options.posts, made=options.made)))))


if __name__ == "__main__":
    main()
