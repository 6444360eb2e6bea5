"""Posts that come by chance, at a rate, as real ones do: from message to decision, and how free the event loop stays.

The real intake, pipeline, store and model; only Discord is missing.
"""

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from bot.app import Services, running
from bot.config import Settings
from bot.domain import Place, Post, Source
from bot.errors import IntakeFull
from tests.bench.posts import texts

RATES = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 400.0, 500.0)
LIVE = (5.0, 20.0, 50.0)
"""With history read behind them."""
SECONDS = 10.0
FEWEST = 30
"""Posts of a rate, however slow."""
CHANNELS = 20
WATCH_SECONDS = 0.002
WARM_UP = 200
HISTORY = 15_000
"""More than are read meanwhile."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rates are posts a second; p50, p95, p99 are milliseconds from the message to its decision in the database."""

    offered: float
    decided: float
    """From the first message to the last decision."""
    refused: int
    p50: float
    p95: float
    p99: float
    loop_ms: float
    """The longest time that the event loop was blocked."""


class LoopWatch:
    """Use as ``async with``: measures by how much a task that wants to run every two milliseconds is late."""

    longest_ms = 0.0

    async def __aenter__(self) -> "LoopWatch":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(WATCH_SECONDS)
            self.longest_ms = max(self.longest_ms, 1000 * (time.perf_counter() - before - WATCH_SECONDS))


async def measure(rates: Sequence[float] = RATES, *, backlog: bool = False) -> list[Load]:
    """With a ``backlog``, posts of history wait behind the live ones all the time."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), database=Path(folder) / "load.db")
        async with running(settings) as services:
            counts = [int(max(FEWEST, rate * SECONDS)) for rate in rates]
            posts = _posts(WARM_UP + sum(counts) + (HISTORY if backlog else 0))
            await asyncio.gather(*(services.intake.put(next(posts)) for _ in range(WARM_UP)))
            history = list(islice(posts, HISTORY if backlog else 0))
            gc.freeze()  # as the bot does; and what is made for measuring is no garbage of its
            reading = asyncio.create_task(_history(services, history)) if backlog else None
            found = [await _load(services, rate, list(islice(posts, n))) for rate, n in zip(rates, counts, strict=True)]
            if reading:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
            return found


async def _load(services: Services, rate: float, posts: Sequence[Post]) -> Load:
    chance = random.Random(rate)
    waiting: list[asyncio.Task[float]] = []
    async with LoopWatch() as watch:
        started = due = time.perf_counter()
        for post in posts:
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(asyncio.create_task(_milliseconds(services, post, due)))
        taken = await asyncio.gather(*waiting, return_exceptions=True)
        lasted = time.perf_counter() - started
    decided = [time_ for time_ in taken if isinstance(time_, float)]
    refused = sum(isinstance(time_, IntakeFull) for time_ in taken)
    if unexpected := [e for e in taken if isinstance(e, BaseException) and not isinstance(e, IntakeFull)]:
        raise unexpected[0]
    p50, p95, p99 = (float(found) for found in np.quantile(decided, (0.5, 0.95, 0.99)))
    return Load(rate, len(decided) / lasted, refused, p50, p95, p99, watch.longest_ms)


async def _milliseconds(services: Services, post: Post, due: float) -> float:
    await services.intake.put(post)
    return 1000 * (time.perf_counter() - due)


async def _history(services: Services, posts: Sequence[Post]) -> None:
    for post in posts:
        await services.intake.put_behind(post)
    raise AssertionError("all history was read before the live posts were: measure with more")


def _posts(count: int) -> Iterator[Post]:
    """No two alike, over some channels of one server; made beforehand, for that takes time too."""
    return iter(
        [
            Post(Source.DISCORD, str(1_000_000 + n), "1", "somebody", (text,), n, place=Place(1, 100 + n % CHANNELS))
            for n, text in enumerate(texts(count))
        ]
    )


def lines_of(found: Sequence[Load]) -> list[str]:
    return [
        "posts/s: offered  decided  refused;    p50     p95     p99 ms;   loop blocked for ms at most",
        *(
            f"{load.offered:16.0f}{load.decided:9.1f}{load.refused:9}{load.p50:8.1f}{load.p95:8.1f}{load.p99:8.1f}"
            f"{load.loop_ms:18.1f}"
            for load in found
        ),
    ]


async def main() -> None:
    print("\n".join(lines_of(await measure())))
    print("while history is read:", *lines_of(await measure(LIVE, backlog=True)), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
