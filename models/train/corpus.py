"""Our own corpus: posts composed one by one, in minimal pairs (`models/train/corpus/README.md` is its card)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.classifier import ClassifierInput
from models.labels import Axis, Label, ScoreKey
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS

FOLDER = Path(__file__).parent / "corpus"
LABELS = tuple(label for label in Label if label is not Label.CHECKWORTHY)


@dataclass(frozen=True, slots=True)
class CorpusPost:
    """One post with the labels that both readers gave it; ``unsure`` holds those that only one gave."""

    id: str
    scenario: str
    split: str
    phenomenon: str
    pair: str
    """Posts of one scenario and pair are variants of each other."""
    input: ClassifierInput
    needs_title: bool
    labels: frozenset[Label]
    unsure: frozenset[Label]

    @property
    def targets(self) -> dict[ScoreKey, float]:
        """1 or 0 for each label the readers agreed on, and for both axes (a post they disagree on is not kept)."""
        targets: dict[ScoreKey, float] = {
            label: float(label in self.labels) for label in LABELS if label not in self.unsure
        }
        for axis, keys in ((Axis.INFLAMMATORY, INFLAMMATORY_KEYS), (Axis.MISINFORMATION, MISINFORMATION_KEYS)):
            targets[axis] = float(bool((self.labels | self.unsure) & set(keys)))
        return targets


def corpus(folder: Path = FOLDER) -> Iterator[CorpusPost]:
    """All posts, in the order of the files; raises ``ValueError`` naming the line that is malformed."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _post(json.loads(line))
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    raise ValueError(f"{path.name}:{number}: {type(error).__name__}: {error}") from error


def _post(row: Mapping[str, Any]) -> CorpusPost:
    def labels(name: str) -> frozenset[Label]:
        return frozenset(Label(label) for label in row.get(name, ()))

    reply_to = row.get("reply_to")
    return CorpusPost(
        id=str(row["id"]),
        scenario=str(row["scenario"]),
        split=str(row["split"]),
        phenomenon=str(row["phenomenon"]),
        pair=f"{row['scenario']}/{row['pair']}",
        input=ClassifierInput(str(row["text"]), str(row["title"]), str(reply_to) if reply_to else None),
        needs_title=bool(row.get("needs_title")),
        labels=labels("labels"),
        unsure=labels("unsure"),
    )
