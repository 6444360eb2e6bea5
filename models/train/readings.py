"""Our own reading of public rows, for what their sets did not ask, and beside what their annotators said.

Most sets asked for hate or insults only, so the plainest threats there would teach nothing of threats, nor harmless
words about a group what is no insult; hardly one asked for misinformation in everyday argument; and annotators of
different sets call different things offensive. Some rows were read by our corpus' guide (the corpus' card counts
them). Rows are named by the start of their fingerprint: their words stay in the sets.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from models.labels import SCORE_KEYS, ScoreKey
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS

UNSURE = 0.5
"""The target of what a fair reader could see either way."""
_DIGITS = 16


class _Reading(TypedDict):
    """What was found in ``rows`` (starts of fingerprints) of all that was ``asked``; the rest of it is not there."""

    asked: list[str]
    found: list[str]
    unsure: list[str]
    rows: list[str]


def _targets(reading: _Reading) -> dict[ScoreKey, float]:
    named: dict[str, ScoreKey] = {key.value: key for key in SCORE_KEYS}
    targets = {named[name]: 0.0 for name in reading["asked"]}
    targets.update({named[name]: UNSURE for name in reading["unsure"]})
    targets.update({named[name]: 1.0 for name in reading["found"]})
    for axis, *labels in (INFLAMMATORY_KEYS, MISINFORMATION_KEYS):
        if axis not in targets and all(label in targets for label in labels):
            targets[axis] = max(targets[label] for label in labels)
        if targets.get(axis) == 0.0:
            targets.update(dict.fromkeys(labels, 0.0))
    return targets


def _by_row(readings: Sequence[_Reading]) -> dict[str, Mapping[ScoreKey, float]]:
    rows: dict[str, Mapping[ScoreKey, float]] = {}
    for reading in readings:
        rows.update(dict.fromkeys(reading["rows"], _targets(reading)))
    return rows


_ROWS = _by_row(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))


def readings_of(fingerprint: str) -> Mapping[ScoreKey, float]:
    """Targets that we read in the row with this fingerprint: 1, 0, or ``UNSURE``; none for most."""
    return _ROWS.get(fingerprint[:_DIGITS], {})
