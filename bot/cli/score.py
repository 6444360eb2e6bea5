"""`score`: the model's scores for every row of a JSONL file, and on what they rest. Nothing is recorded."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import Progress

from bot.app import load_classifier
from bot.cli.explain import as_json, explained, show
from bot.cli.rows import Faults, Lines, jsonl_rows, open_lines, optional
from bot.config import Settings
from bot.errors import InputError, ScoringFailed
from models.classifier import Classifier, ClassifierInput
from models.labels import SCORE_KEYS

BATCH = 256


async def score_file(source: Path, target: Path, settings: Settings, *, explain: bool = False) -> int:
    """Write ``source``'s rows to ``target`` with `scores` and `thresholds`; returns the number of bad rows.

    ``target`` appears only when all is done. A post without anything to read scores 0. With ``explain`` every
    row gets an `explanation` too, which is also printed.
    """
    err, faults, count = Console(stderr=True), Faults(), 0
    out = Console(highlight=False) if explain else None
    with ExitStack() as reading:
        lines = reading.enter_context(open_lines(str(source)))
        rows = _rows(lines, source, faults)
        with err.status("loading the model"):
            classifier = await load_classifier(settings)
        with _result(target, source) as file, Progress(console=err, transient=True, disable=explain) as progress:
            task = progress.add_task("scoring", total=lines.size)
            while batch := list(islice(rows, BATCH)):
                await _score(batch, classifier, file, out)
                count += len(batch)
                progress.update(task, completed=lines.read, description=f"scoring, {count} posts")
            reading.close()  # the target may be the source, and Windows replaces no open file
    faults.show(str(source), err)
    err.print(f"{count} rows scored, {faults.count} could not be read.")
    return faults.count


@contextmanager
def _result(target: Path, source: Path) -> Generator[TextIO]:
    """A file to write to that becomes ``target`` at the end, or vanishes if there is an error."""
    unfinished = target.with_name(target.name + ".part")
    if _are_same(unfinished, source):
        raise InputError(f"{source} is where the unfinished result would stand. Give one of them another name.")
    try:
        # A half character (a lone surrogate) goes out as it came in, as a JSON escape.
        with unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        unfinished.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _are_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _rows(lines: Lines, source: Path, faults: Faults) -> Iterator[dict[str, Any]]:
    """The rows of ``source``, read as they are asked for. Raises ``InputError`` at once if it holds bad ones only."""
    rows = jsonl_rows(lines, faults, typed=("title", "reply_to"))
    first = next(rows, None)
    if first is None and faults.count:
        said = f"{source} holds no row: one JSON object with a `text` a line. For a thread use scan."
        raise InputError(said + faults.first(3))
    return chain([first] if first else [], rows)


async def _score(rows: Sequence[dict[str, Any]], classifier: Classifier, file: TextIO, out: Console | None) -> None:
    posts = [ClassifierInput(row["text"], optional(row, "title"), optional(row, "reply_to")) for row in rows]
    thresholds = classifier.info.default_thresholds
    known = [key for key in SCORE_KEYS if key in thresholds]
    with _told():
        predictions = await classifier.predict(posts)
    for row, post, prediction in zip(rows, posts, predictions, strict=True):
        scores = {key.value: round(prediction.scores.get(key, 0.0), 6) for key in known}
        scored = {**row, "scores": scores, "thresholds": {key.value: thresholds[key] for key in known}}
        if out:
            with _told():
                why = await explained(classifier, post, prediction)
            show(why, post.text, prediction, classifier.info, out)
            scored["explanation"] = as_json(why, post.text) if why else None
        file.write(json.dumps(scored, ensure_ascii=False) + "\n")


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except Exception as error:
        raise ScoringFailed(f"the classifier failed: {type(error).__name__}; nothing was written") from error
