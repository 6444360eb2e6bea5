"""Our own reading of public rows, for labels that their sets did not ask for.

Most sets asked for hate or insults only, so the plainest threats there would teach nothing of threats, nor harmless
words about a group what is no insult; hardly one asked for misinformation in everyday argument. Some rows were read by
our corpus' guide, and what was found was read a second time (the corpus' card counts them). Rows are named by the start
of their fingerprint: their words stay in the sets.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from models.labels import SCORE_KEYS, Axis, ScoreKey
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS

_DIGITS = 16
_READ: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""By score and answer, `yes` or `no`, the starts of fingerprints. Where an axis is a no, so are its labels."""


def _by_row() -> dict[str, dict[ScoreKey, float]]:
    named: dict[str, ScoreKey] = {key.value: key for key in SCORE_KEYS}
    rows: dict[str, dict[ScoreKey, float]] = {}
    for name, answers in _READ.items():
        for answer, starts in answers.items():
            for start in starts:
                rows.setdefault(start, {})[named[name]] = float(answer == "yes")
    for targets in rows.values():
        for axis, keys in ((Axis.INFLAMMATORY, INFLAMMATORY_KEYS), (Axis.MISINFORMATION, MISINFORMATION_KEYS)):
            if targets.get(axis) == 0.0:
                targets.update((key, 0.0) for key in keys)
    return rows


_ROWS = _by_row()


def readings_of(fingerprint: str) -> Mapping[ScoreKey, float]:
    """Targets, 1 or 0, that we read in the row with this fingerprint; none for most."""
    return _ROWS.get(fingerprint[:_DIGITS], {})
