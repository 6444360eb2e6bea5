"""`score`: the model's scores for every row of a JSONL file, and on what they rest. Nothing is recorded."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from bot.app import load_classifier
from bot.cli.explain import as_json, explained, show
from bot.cli.rows import Faults, jsonl_rows, optional
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
    err, faults = Console(stderr=True), Faults()
    out = Console(highlight=False) if explain else None
    try:
        rows = list(jsonl_rows(source.read_text(encoding="utf-8-sig"), faults, typed=("title", "reply_to")))
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    if faults.lines and not rows:
        detail = "".join(f"\n- {line}" for line in faults.lines[:3])
        raise InputError(f"{source} holds no row: one JSON object with a `text` a line. For a thread use scan.{detail}")
    with err.status("loading the model"):
        classifier = await load_classifier(settings.model)
    unfinished = target.with_name(target.name + ".part")
    try:
        # A half character (a lone surrogate) goes out as it came in, as a JSON escape.
        with (
            unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file,
            Progress(console=err, transient=True, disable=explain) as progress,
        ):
            task = progress.add_task("scoring", total=len(rows))
            for start in range(0, len(rows), BATCH):
                await _score(rows[start : start + BATCH], classifier, file, out)
                progress.advance(task, BATCH)
        unfinished.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    for line in faults.lines:
        err.print(Text(f"{source}, {line}", style="yellow"))
    err.print(f"{len(rows)} rows scored, {len(faults.lines)} could not be read.")
    return len(faults.lines)


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
