"""Scores and thresholds in, verdict out. Pure functions."""

from collections.abc import Mapping

from bot.domain import Origin, Threshold, Verdict
from models.classifier import ModelInfo
from models.labels import Axis, Label, ScoreKey

ThresholdValues = Mapping[ScoreKey, float]


def resolve_thresholds(info: ModelInfo, server: ThresholdValues, channel: ThresholdValues) -> dict[ScoreKey, Threshold]:
    """The threshold in force for every score: the channel's, else the server's, else the model's default."""
    layers = ((Origin.CHANNEL, channel), (Origin.SERVER, server), (Origin.DEFAULT, info.default_thresholds))
    in_force: dict[ScoreKey, Threshold] = {}
    for origin, values in layers:
        for key, value in values.items():
            in_force.setdefault(key, Threshold(value, origin))
    return in_force


def can_flag(key: ScoreKey, info: ModelInfo) -> bool:
    """Axes flag that the model has a threshold for, and such labels of an axis; auxiliary labels only explain."""
    return key in info.default_thresholds and (isinstance(key, Axis) or key in info.axis_of)


def judge(scores: ThresholdValues, thresholds: ThresholdValues, info: ModelInfo) -> Verdict:
    """Flag a post when an axis, or a label that has a threshold, reaches it.

    ``flags`` come sorted by how far the score stands over its threshold.
    """
    passed = [
        key for key, score in scores.items() if can_flag(key, info) and key in thresholds and score >= thresholds[key]
    ]
    passed.sort(key=lambda key: thresholds[key] - scores[key])
    return Verdict(tuple(passed), _strongest_label(scores, passed, info))


def axis_of(key: ScoreKey, info: ModelInfo) -> Axis | None:
    """The axis that a flag counts for; None for a label that only an earlier model had."""
    return key if isinstance(key, Axis) else info.axis_of.get(key)


def _strongest_label(scores: ThresholdValues, passed: list[ScoreKey], info: ModelInfo) -> Label | None:
    """The label that names a verdict best: of the axis that was flagged, if one was."""
    axes = {axis_of(key, info) for key in passed[:1]} or set(Axis)
    labels = [label for label, axis in info.axis_of.items() if axis in axes and label in scores]
    return max(labels, key=lambda label: scores[label], default=None)
