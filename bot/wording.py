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


_WORST = (Label.THREAT, Label.IDENTITY_ATTACK)


def suspicions(verdict: Verdict, info: ModelInfo) -> list[ScoreKey]:
    """What a flagged post is suspected of, the worst first, then the clearest; an axis only if no label of it is."""
    explained = {axis_of(key, info) for key in verdict.flags if isinstance(key, Label)}
    named = [key for key in verdict.flags if isinstance(key, Label) or key not in explained]
    return sorted(named, key=lambda key: _WORST.index(key) if key in _WORST else len(_WORST))


def headline(verdict: Verdict, info: ModelInfo) -> str:
    """The suspicions in words, such as "Threat, insult, conspiracy framing"."""
    keys, label = suspicions(verdict, info), verdict.strongest_label
    words = ", ".join(NAMES[key] if number == 0 else NAMES[key].lower() for number, key in enumerate(keys))
    if label and len(keys) == 1 and isinstance(keys[0], Axis):
        words += f" (closest to: {NAMES[label]})"
    return words[0].upper() + words[1:]


def shorten(text: str, limit: int) -> str:
    """``text`` on one line, at most ``limit`` characters, with an ellipsis if something is missing."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
