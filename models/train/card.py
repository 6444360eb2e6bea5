"""The card that lies beside the weights: what they are, what they learned from, under which licences."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.train.dataset import CORPUS, Example


@dataclass(frozen=True, slots=True)
class Learned:
    """What weights were made from: ``rows`` of the sets in the folder ``data``; a row may be there more than once."""

    rows: Sequence[Example]
    data: Path


def card(version: str, learned: Learned, report: str) -> str:
    """Markdown; ``report`` is what the release measured on the development split."""
    with (learned.data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        manifest = {row["name"]: row for row in csv.DictReader(file)}
    manifest[CORPUS] = {"licence": "MIT", "source": "models/train/corpus, written for this project"}
    distinct = {(row.source, row.input) for row in learned.rows if row.split == "train"}
    used = Counter(source for source, _ in distinct)
    lines = [
        f"| {name} | {count} | {manifest[name]['licence']} | {manifest[name]['source']} |"
        for name, count in sorted(used.items())
    ]
    return _TEXT.format(version=version, report=report, sets="\n".join(lines))


_TEXT = """# Weights {version}

A multi-label classifier of discussion posts, fine-tuned from all-MiniLM-L6-v2 (Apache-2.0) by
`python -m models.train`. English only. Float16 on disk, computed with in float32.

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

Rows drawn, licence as found, and source of each. Nothing of the public sets' text is in this
repository.

| set | rows | licence as found | source |
|---|---|---|---|
{sets}
"""
