"""The vocabulary of scores: two axes a post can be flagged on, and the labels that explain them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias


class Axis(StrEnum):
    """What a post can be flagged for."""

    INFLAMMATORY = "inflammatory"
    MISINFORMATION = "misinformation"


class Label(StrEnum):
    """What the annotators of the training sets were asked."""

    INSULT = "insult"
    IDENTITY_ATTACK = "identity_attack"
    THREAT = "threat"
    CONSPIRACY = "conspiracy"
    UNSUPPORTED_CLAIM = "unsupported_claim"
    PROPAGANDA = "propaganda"
    CHECKWORTHY = "checkworthy"
    """Auxiliary: there is a factual claim that could be checked. It explains, it never flags."""


ScoreKey: TypeAlias = Axis | Label

SCORE_KEYS: tuple[ScoreKey, ...] = (*Axis, *Label)
AXIS_OF: Mapping[Label, Axis] = {
    Label.INSULT: Axis.INFLAMMATORY,
    Label.IDENTITY_ATTACK: Axis.INFLAMMATORY,
    Label.THREAT: Axis.INFLAMMATORY,
    Label.CONSPIRACY: Axis.MISINFORMATION,
    Label.UNSUPPORTED_CLAIM: Axis.MISINFORMATION,
    Label.PROPAGANDA: Axis.MISINFORMATION,
}
"""What our own labels count for. At run time a model's card says it (`ModelInfo.axis_of`)."""


def parse_score_key(name: str) -> ScoreKey:
    """Return the axis or label called ``name``; raises ``ValueError`` that lists the known ones."""
    for key in SCORE_KEYS:
        if key.value == name:
            return key
    known = ", ".join(SCORE_KEYS)
    raise ValueError(f"unknown axis or label {name!r}; known are: {known}")
