"""The card that lies beside the weights: what they are, what they learned from, under which licences."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.classifier import ModelError
from models.labels import SCORE_KEYS
from models.train.dataset import CORPUS, Example
from models.weights_folder import WEIGHTS, read_card


@dataclass(frozen=True, slots=True)
class Learned:
    """What weights were made from: ``rows`` of the sets in the folder ``data``, and maybe older weights."""

    rows: Sequence[Example]
    data: Path
    start: str | None = None
    """The version of the weights that were polished."""


def card(version: str, learned: Learned, report: str) -> str:
    """Markdown; ``report`` is what the release measured on the development split."""
    with (learned.data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        manifest = {row["name"]: row for row in csv.DictReader(file)}
    manifest[CORPUS] = {"licence": "MIT", "source": "models/train/corpus, written for this project"}
    used = Counter(row.source for row in learned.rows if row.split == "train")
    lines = [
        f"| {name} | {count} | {manifest[name]['licence']} | {manifest[name]['source']} |"
        for name, count in sorted(used.items())
    ]
    return _TEXT.format(version=version, origin=_origin(learned), report=report, sets="\n".join(lines))


def _origin(learned: Learned) -> str:
    if learned.start is None:
        return ""
    return f"It goes on from {learned.start}, which had learned from these sets before (`docs/training.md`).\n"


def version_of(folder: Path) -> str:
    """The version of weights to go on from; ``ModelError`` if they cannot be used for it."""
    weights = read_card(folder, WEIGHTS)
    if list(weights.labels) != list(SCORE_KEYS):
        raise ModelError(f"{folder} has other scores than are trained now: {', '.join(SCORE_KEYS)}")
    return weights.info.version


_TEXT = """# Weights {version}

A multi-label classifier of discussion posts, fine-tuned from all-MiniLM-L6-v2 (Apache-2.0) by
`python -m models.train`. English only. Float16 on disk, computed with in float32.
{origin}
Meant for: picking out the few posts of a discussion that a human moderator should look at. Not meant for: acting
on people without a human decision, checking facts (a misinformation score says how a post is *framed*, it knows
nothing about the world), rating persons, or any other language.

How good it is, on what, and what it gets wrong: `docs/model-card.md`.

## Development split

Recall and false alarms at the default thresholds, on rows whose annotators were asked for that score,
or that we read for it (`models/train/corpus/README.md`).

```
{report}
```

## Training sets

Rows drawn in the last run, licence as found, and source of each. Nothing of the public sets' text is in this
repository.

| set | rows | licence as found | source |
|---|---|---|---|
{sets}
"""
