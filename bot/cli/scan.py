"""`scan`: a thread from a file through the one pipeline, into the database and onto the screen."""

import re
from contextlib import AsyncExitStack

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot.app import Services, running
from bot.cli.threads import read_thread
from bot.clock import system_clock
from bot.config import Settings
from bot.domain import Decision, Post
from bot.pipeline import Processed
from bot.policy import axis_of
from bot.wording import shorten
from models.classifier import ModelInfo
from models.labels import Axis

BATCH = 64
ROWS = 200
# What would command the terminal, or turn the line around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def scan_file(file: str, settings: Settings) -> int:
    """Print the verdict on every post of ``file``; returns the number of rows that could not be read."""
    out, err = Console(), Console(stderr=True)
    posts, faults = read_thread(file, system_clock())
    async with AsyncExitStack() as stack:
        with err.status("loading the model"):
            services = await stack.enter_async_context(running(settings))
        processed = await _process(services, posts, err)
        out.print(_table(processed, services))
    for line in faults.lines:
        err.print(Text(f"{file}, {line}", style="yellow"))
    new = sum(result.is_new for result in processed)
    flagged = sum(result.decision.verdict.flagged for result in processed)
    said = f"{len(processed)} posts, {flagged} flagged. {_recorded(new, len(processed))} Database: {settings.database}"
    out.print(Text(_limits(services.model)), soft_wrap=True)
    out.print(Text(said), soft_wrap=True)
    return len(faults.lines)


async def _process(services: Services, posts: list[Post], err: Console) -> list[Processed]:
    processed: list[Processed] = []
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("scoring", total=len(posts))
        for start in range(0, len(posts), BATCH):
            batch = posts[start : start + BATCH]
            processed += await services.pipeline.process(batch, open_reviews=False)
            progress.advance(task, len(batch))
    return processed


def _recorded(new: int, total: int) -> str:
    if new == total:
        return f"{new} decisions recorded."
    if new == 0:
        return "All were decided before: nothing was recorded twice."
    return f"{new} decisions recorded, {total - new} were decided before and are not recorded twice."


def _table(processed: list[Processed], services: Services) -> Table:
    """All posts of a short thread, the flagged ones of a long file."""
    shown = processed if len(processed) <= ROWS else [r for r in processed if r.decision.verdict.flagged][:ROWS]
    caption = None if len(shown) == len(processed) else f"{len(shown)} flagged posts of {len(processed)}"
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
