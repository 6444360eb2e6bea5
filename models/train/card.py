"""The card that lies beside the weights: what they are, what they learned from, under which licences."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from models.train.dataset import Example


def card(version: str, examples: Sequence[Example], data: Path, report: str) -> str:
    """Markdown; ``report`` is what the release measured on the development split."""
    with (data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        manifest = {row["name"]: row for row in csv.DictReader(file)}
    used = Counter(example.source for example in examples if example.split == "train")
    lines = [f"| {name} | {rows} | {_licence(manifest, name)} |" for name, rows in sorted(used.items())]
    return _TEXT.format(version=version, report=report, sets="\n".join(lines))


def _licence(manifest: dict[str, dict[str, str]], name: str) -> str:
    return f"{manifest[name]['licence']} | {manifest[name]['source']}"


_TEXT = """# Weights {version}

A multi-label classifier of discussion posts, fine-tuned from all-MiniLM-L6-v2 (Apache-2.0) by
`python -m models.train`. English only. Float16 on disk, computed with in float32.

Meant for: picking out the few posts of a discussion that a human moderator should look at. Not meant for: acting
on people without a human decision, checking facts (a misinformation score says how a post is *framed*, it knows
nothing about the world), rating persons, or any other language.

Known weaknesses: identity words and strong criticism can raise scores by themselves; conspiracy framing and plain
criticism of the same subject are hard to tell apart; quoting or reporting an attack can look like one.

## Development split

Recall and false alarms at the default thresholds, on rows whose annotators were asked for that score.

```
{report}
```

## Training sets

Rows drawn, licence as found, and source of each. Nothing of their text is in this repository.

| set | rows | licence as found | source |
|---|---|---|---|
{sets}
"""
