"""Posts a second, and the time of a single post on an idle machine: Threadwatch beside Detoxify, in turns."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config import Settings
from models.classifier import ClassifierInput
from models.loading import load_onnx, load_torch
from models.windowed import WindowedClassifier
from tests.bench.detoxify_way import load as load_detoxify
from tests.bench.posts import texts

POSTS = 512
SLOW_POSTS = 96
"""The first of them, for what takes a second or more for these alone."""
ROUNDS = 3
GROUP = 128
"""Posts that are asked for at once: what `bot.intake` takes when they wait."""
IDLE_POSTS = 40
IDLE_SECONDS = 0.05

DETOXIFY = "Detoxify, one at a time, fp32"
INT8 = "Threadwatch, int8"
SAME = "the same weights on torch"


@dataclass(frozen=True, slots=True)
class Speed:
    """Posts a second are the best round's; the milliseconds are the median of single posts on an idle machine."""

    way: str
    posts_per_second: float
    idle_ms: float | None


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    run: Callable[[Sequence[str]], None]
    posts: int
    measures_idle: bool = False


def measure() -> list[Speed]:
    """Detoxify first. Every round takes each way in turn, so that a busy neighbour slows down all of them.

    Each round has posts of its own: none is answered from memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        ways = _ways(Path(folder))
        best = dict.fromkeys((way.name for way in ways), 0.0)
        idle: dict[str, list[float]] = {way.name: [] for way in ways}
        for number in range(ROUNDS + 1):
            posts = texts(POSTS + IDLE_POSTS, seed=number)
            for way in ways:
                taken = _seconds(lambda way=way, posts=posts: way.run(posts[: way.posts]))
                if number:  # the first round warms up
                    best[way.name] = max(best[way.name], way.posts / taken)
                for text in posts[POSTS:] if way.measures_idle else ():
                    time.sleep(IDLE_SECONDS)
                    idle[way.name].append(1000 * _seconds(lambda way=way, text=text: way.run([text])))
    return [
        Speed(way.name, best[way.name], statistics.median(idle[way.name]) if way.measures_idle else None)
        for way in ways
    ]


def _ways(folder: Path) -> list[_Way]:
    detoxify = load_detoxify(folder)
    weights = Settings().model

    def one_by_one(posts: Sequence[str]) -> None:
        for text in posts:
            detoxify.predict(text)

    return [
        _Way(DETOXIFY, one_by_one, SLOW_POSTS, measures_idle=True),
        _Way(f"{INT8}, {GROUP} at a time", _asked(load_onnx(weights), GROUP), POSTS, measures_idle=True),
        _Way(f"{INT8}, one at a time", _asked(load_onnx(weights), 1), POSTS),
        _Way(f"{SAME}, fp32, {GROUP} at a time", _asked(load_torch(weights, precise=True), GROUP), SLOW_POSTS),
        _Way(f"{SAME}, bf16 if it can, {GROUP} at a time", _asked(load_torch(weights), GROUP), SLOW_POSTS),
    ]


def _asked(classifier: WindowedClassifier, group: int) -> Callable[[Sequence[str]], None]:
    async def ask(posts: Sequence[str]) -> None:
        for start in range(0, len(posts), group):
            await classifier.predict([ClassifierInput(text) for text in posts[start : start + group]])

    loop = asyncio.new_event_loop()  # one for all calls, as in a bot
    return lambda posts: loop.run_until_complete(ask(posts))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def lines_of(found: Sequence[Speed]) -> list[str]:
    return [
        f"{speed.way:58}{speed.posts_per_second:8.1f} posts/s, "
        f"{speed.posts_per_second / found[0].posts_per_second:5.1f} times"
        + (f", {speed.idle_ms:.1f} ms idle" if speed.idle_ms else "")
        for speed in found
    ]


if __name__ == "__main__":
    print("\n".join(lines_of(measure())))
