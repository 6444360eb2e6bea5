"""`scan`: a thread from a file through the one pipeline, into the database and onto the screen."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import islice

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot.app import Services, running
from bot.cli.rows import Faults, Lines, open_lines
from bot.cli.threads import read_thread
from bot.clock import system_clock
from bot.config import Settings
from bot.domain import Decision, Post
from bot.errors import ThreadwatchError
from bot.pipeline import Processed
from bot.policy import axis_of
from bot.wording import shorten
from models.classifier import ModelInfo
from models.labels import Axis

BATCH = 128
ROWS = 200
# What would command the terminal, or turn the line around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(slots=True)
class _Tally:
    """What is kept of the posts gone by: how many of each kind, and what the table may show."""

    posts: int = 0
    new: int = 0
    flagged: int = 0
    first: list[Processed] = field(default_factory=list[Processed])
    first_flagged: list[Processed] = field(default_factory=list[Processed])

    def add(self, processed: Sequence[Processed]) -> None:
        flagged = [result for result in processed if result.decision.verdict.flagged]
        self.posts += len(processed)
        self.new += sum(result.is_new for result in processed)
        self.flagged += len(flagged)
        self.first += processed[: ROWS - len(self.first)]
        self.first_flagged += flagged[: ROWS - len(self.first_flagged)]


async def scan_file(file: str, settings: Settings) -> int:
    """Print the verdict on every post of ``file``; returns the number of rows that could not be read.

    Posts are read, decided and recorded a batch at a time, so that a file may be of any length.
    """
    out, err = Console(), Console(stderr=True)
    faults = Faults()
    with open_lines(file) as lines:
        posts = read_thread(lines, file, system_clock(), faults)
        async with AsyncExitStack() as stack:
            with err.status("loading the model"):
                services = await stack.enter_async_context(running(settings))
            tally = await _process(services, posts, lines, err)
            out.print(_table(tally, services))
    faults.show(file, err)
    said = f"{tally.posts} posts, {tally.flagged} flagged. {_recorded(tally)} Database: {settings.database}"
    out.print(Text(_limits(services.model)), soft_wrap=True)
    out.print(Text(said), soft_wrap=True)
    return faults.count


async def _process(services: Services, posts: Iterator[Post], lines: Lines, err: Console) -> _Tally:
    tally = _Tally()
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("scoring", total=lines.size)
        try:
            while batch := list(islice(posts, BATCH)):
                tally.add(await services.pipeline.process(batch, open_reviews=False))
                progress.update(task, completed=lines.read, description=f"scoring, {tally.posts} posts")
        except (ThreadwatchError, asyncio.CancelledError):
            if tally.posts:
                err.print(f"Stopped after {tally.posts} posts. Those are recorded: run it again to go on from there.")
            raise
    return tally


def _recorded(tally: _Tally) -> str:
    if tally.new == tally.posts:
        return f"{tally.new} decisions recorded."
    if tally.new == 0:
        return "All were decided before: nothing was recorded twice."
    return f"{tally.new} decisions recorded, {tally.posts - tally.new} were decided before and are not recorded twice."


def _table(tally: _Tally, services: Services) -> Table:
    """All posts of a short thread, the flagged ones of a long file."""
    shown, caption = tally.first, None
    if tally.posts > ROWS:
        shown = tally.first_flagged
        some = f"The first {ROWS} of {tally.flagged}" if tally.flagged > ROWS else f"{tally.flagged}"
        caption = f"{some} flagged posts of {tally.posts}"
    table = Table(caption=caption)
    table.add_column("author", overflow="fold", max_width=16)
    table.add_column("excerpt", overflow="fold", ratio=1)
    for axis in Axis:
        table.add_column(f"{axis.value[:6]}.", justify="right")
    table.add_column("strongest label")
    table.add_column("verdict", overflow="fold")
    for result in shown:
        table.add_row(*_cells(result.decision, services))
    return table


def _limits(model: ModelInfo) -> str:
    limits = ", ".join(
        f"{axis} {model.default_thresholds[axis]:.2f}" for axis in Axis if axis in model.default_thresholds
    )
    return f"Flagged from: {limits}; or when a label reaches a threshold of its own."


def _cells(decision: Decision, services: Services) -> list[Text]:
    verdict, post = decision.verdict, decision.post
    label = verdict.strongest_label
    if verdict.flagged:
        said = Text(f"flag: {', '.join(verdict.flags)}", style="bold red")
    else:
        said = Text("pass" if decision.scores else "pass (nothing to read)")
    hot = {axis_of(key, services.model) for key in verdict.flags}
    excerpt = decision.decisive.cut(post.text) if decision.decisive else post.text
    return [
        _printable(post.author_name, 24),
        _printable(excerpt, 90),
        *(
            Text(f"{decision.scores[axis]:.2f}" if axis in decision.scores else "–", "bold red" if axis in hot else "")
            for axis in Axis
        ),
        Text(f"{label} {decision.scores[label]:.2f}" if label else "–"),
        said,
    ]


def _printable(text: str, limit: int) -> Text:
    return Text(_CONTROLS.sub("\ufffd", shorten(text, limit)))
