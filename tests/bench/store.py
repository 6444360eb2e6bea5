"""How fast the store and the pipeline are, and how fast moderators are answered on a million decisions.

``python -m tests.bench.store`` takes about two minutes and 2 GB in the temporary folder.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bot.domain import Decision, Place, Post, Source, Verdict
from bot.pipeline import Pipeline
from bot.store import Store
from bot.store.check import examine
from bot.store.database import MIGRATIONS
from models.classifier import ClassifierInput, ModelInfo, Prediction, Span
from models.labels import SCORE_KEYS, Axis, Label
from tests.bench.million import BIG_SERVER, FORUM, NOW, fill
from tests.bench.moderators import questions, rare_deeds
from tests.support.keyword import AXIS_OF

MILLION = 1_000_000
POSTS = 3_200
BATCHES = (32, 64, 128, 256)
ONE_IN = 20
"""As many posts are flagged."""
FIRST_POST = 9_000_000_000_000_000_000
TRIES = 5
"""The best counts where something is to be fast for hours, the median where somebody waits for one answer."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Decisions written a second in batches of ``batch``, into a database that held ``before``."""

    batch: int
    flagged: bool
    before: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds a post through the pipeline, with a classifier that answers at once."""

    batch: int
    flagged: bool
    ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """How long something takes that moderators, or the bot itself, ask of a large database."""

    what: str
    ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    writing: list[Writing]
    overhead: list[Overhead]
    answers: list[Answer]
    """Of the server with half a million decisions. The target is 200 ms each."""
    upkeep: list[Answer]
    """Rare things, or things that nobody waits for."""


class ReadyClassifier:
    """Says at once what a post's author asks for."""

    info = ModelInfo("ready-1", AXIS_OF, dict.fromkeys(SCORE_KEYS, 0.5))

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        return [
            Prediction(
                dict.fromkeys(SCORE_KEYS, 0.9 if "idiot" in each.text else 0.123456789),
                dict.fromkeys(SCORE_KEYS, Span(0, len(each.text))),
            )
            for each in inputs
        ]


async def measure(decisions: int = MILLION, posts: int = POSTS) -> Figures:
    """Measure everything, print and return it."""
    with tempfile.TemporaryDirectory() as name:
        folder, large = Path(name), Path(name) / "large.db"
        kinds = [(size, flagged) for flagged in (False, True) for size in BATCHES]
        writing = [await writing_into(folder / f"{size}-{flagged}.db", posts, size, flagged) for size, flagged in kinds]
        overhead = [
            await overhead_of(folder / f"o{size}-{flagged}.db", posts, size, flagged) for size, flagged in kinds
        ]
        async with Store.open(large):
            pass
        upkeep = [_timed("making the large database", lambda: fill(large, decisions)), migration(large)]
        async with Store.open(large, clock=lambda: NOW) as store:
            answers = [Answer(what, await _median_ms(ask)) for what, ask in (await questions(store)).items()]
        writing.append(await writing_into(large, posts, 64, True, decisions))
        async with Store.open(large, clock=lambda: NOW) as store:
            upkeep += [Answer(what, await _ms(do)) for what, do in rare_deeds(store).items()]
        upkeep.append(_timed("doctor: every page and every reference", lambda: examine(large)))
    figures = Figures(writing, overhead, answers, upkeep)
    print("\n".join(lines_of(figures)))
    return figures


async def writing_into(path: Path, posts: int, batch: int, flagged: bool, before: int = 0) -> Writing:
    seconds: list[float] = []
    async with Store.open(path) as store:
        for turn in range(TRIES):
            numbers = range(turn * posts, (turn + 1) * posts)
            decisions = [_decision(number, flagged and number % ONE_IN == 0) for number in numbers]
            started = time.perf_counter()
            for start in range(0, posts, batch):
                each = decisions[start : start + batch]
                await store.decisions.record(each, open_reviews=True, cursors=_cursors([one.post for one in each]))
            seconds.append(time.perf_counter() - started)
    return Writing(batch, flagged, before, posts / min(seconds))


async def overhead_of(path: Path, posts: int, batch: int, flagged: bool) -> Overhead:
    seconds: list[float] = []
    async with Store.open(path) as store:
        pipeline = Pipeline(ReadyClassifier(), store)
        for turn in range(TRIES):
            numbers = range(turn * posts, (turn + 1) * posts)
            written = [_post(number, flagged and number % ONE_IN == 0) for number in numbers]
            started = time.perf_counter()
            for start in range(0, posts, batch):
                each = written[start : start + batch]
                await pipeline.process(each, open_reviews=True, cursors=_cursors(each))
            seconds.append(time.perf_counter() - started)
    return Overhead(batch, flagged, min(seconds) / posts * 1000)


def migration(large: Path) -> Answer:
    """The migration that makes new indexes, on a database that is large already."""
    script = (MIGRATIONS / "0004_speed.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(large, isolation_level=None)) as connection:
        connection.executescript("""
            DROP INDEX decisions_by_verdict; DROP INDEX reviews_by_card_channel;
            CREATE INDEX decisions_by_guild ON decisions (guild_id, decided_at);
        """)
        return _timed("migration 0004", lambda: connection.executescript(script))


async def _ms(do: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await do()
    return (time.perf_counter() - started) * 1000


async def _median_ms(do: Callable[[], Awaitable[Any]]) -> float:
    return median([await _ms(do) for _ in range(TRIES)])


def _timed(what: str, do: Callable[[], object]) -> Answer:
    started = time.perf_counter()
    do()
    return Answer(what, (time.perf_counter() - started) * 1000)


def _post(number: int, flagged: bool) -> Post:
    text = f"{'You idiot, ' if flagged else ''}number {number}: what the council said about the budget is not all."
    place = Place(BIG_SERVER, FORUM, 1_000 + number % 50)
    return Post(
        Source.DISCORD, str(FIRST_POST + number), str(number % 997), "alice", (text,), NOW + number, place=place
    )


def _decision(number: int, flagged: bool) -> Decision:
    return Decision(
        post=_post(number, flagged),
        model_version="ready-1",
        scores=dict.fromkeys(SCORE_KEYS, 0.9 if flagged else 0.123456789),
        thresholds=dict.fromkeys(SCORE_KEYS, 0.5),
        context=frozenset(),
        verdict=Verdict((Axis.INFLAMMATORY,) if flagged else (), Label.INSULT),
        decided_at=NOW + number,
        latency_ms=20.0,
        decisive=Span(0, 9) if flagged else None,
    )


def _cursors(posts: Sequence[Post]) -> dict[int, int]:
    return {post.place.message_channel_id: int(post.external_id) for post in posts if post.place}


def lines_of(figures: Figures) -> list[str]:
    """One line for each figure."""
    return [
        *(
            f"{each.per_second:10,.0f} decisions/s   batches of {each.batch}{_and_flagged(each.flagged)}, "
            f"onto {each.before:,}"
            for each in figures.writing
        ),
        *(
            f"{each.ms:10.3f} ms a post     pipeline, batches of {each.batch}{_and_flagged(each.flagged)}"
            for each in figures.overhead
        ),
        *(f"{each.ms:10,.1f} ms            {each.what}" for each in (*figures.answers, *figures.upkeep)),
    ]


def _and_flagged(flagged: bool) -> str:
    return f", {100 // ONE_IN} % flagged" if flagged else ""


if __name__ == "__main__":
    asyncio.run(measure())
