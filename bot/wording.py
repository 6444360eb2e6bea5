"""Axes and labels in a moderator's words."""

from collections.abc import Mapping

from bot.domain import Verdict
from bot.policy import axis_of
from models.classifier import ModelInfo
from models.labels import Axis, Label, ScoreKey

NAMES: Mapping[ScoreKey, str] = {
    Axis.INFLAMMATORY: "Inflammatory",
    Axis.MISINFORMATION: "Misinformation-prone",
    Label.INSULT: "insult",
    Label.IDENTITY_ATTACK: "attack on a group of people",
    Label.THREAT: "threat",
    Label.CONSPIRACY: "conspiracy framing",
    Label.UNSUPPORTED_CLAIM: "unsupported claim, not fact-checked",
    Label.PROPAGANDA: "propaganda technique",
    Label.CHECKWORTHY: "checkable claim",
}


def headline(verdict: Verdict, info: ModelInfo) -> str:
    """What a flagged post is suspected of, such as "Inflammatory: threat"."""
    axis, label = axis_of(verdict.flags[0], info), verdict.strongest_label
    if axis is None:
        return NAMES[verdict.flags[0]].capitalize()
    if label is None:
        return NAMES[axis]
    return f"{NAMES[axis]}: {NAMES[label]}" if label in verdict.flags else f"{NAMES[axis]} (closest to: {NAMES[label]})"


def shorten(text: str, limit: int) -> str:
    """``text`` on one line, at most ``limit`` characters, with an ellipsis if something is missing."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
