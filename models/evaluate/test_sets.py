"""The table of test sets: one row a set, with what simpler means reach on the same posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.classifier import ClassifierInput
from models.evaluate.development import Development
from models.evaluate.metrics import (
    Estimate,
    Scores,
    auc,
    average_precision,
    calibration_error,
    estimate,
    macro_f1,
    share_flagged,
)
from models.evaluate.samples import Sample, axis_of
from models.evaluate.scoring import Scorer
from models.labels import ScoreKey
from models.train.calibrate import PREVALENCE
from models.train.sources import SOURCES

_TRAINED_ON = frozenset(source.name for source in SOURCES)


@dataclass(frozen=True, slots=True)
class SetResult:
    sample: Sample
    trained_on: bool
    """Whether other rows of this set were trained on."""
    auc: Estimate
    axis_auc: float | None
    """Of the axis that the set's score belongs to."""
    average_precision: Estimate
    macro_f1: Estimate
    """At a threshold that was fixed on development rows."""
    recall: float
    false_alarms: float
    calibration_error: float
    profanity_auc: float | None
    """Of alt-profanity-check, a linear model over words; only where the set is about inflammatory posts."""


def evaluate_set(
    sample: Sample, scorer: Scorer, development: Development, thresholds: Mapping[ScoreKey, float]
) -> SetResult:
    truth = np.array(sample.truth)
    scores = scorer(sample.posts, sample.key)
    axis = axis_of(sample.key)
    fixed = development.macro_f1_threshold(sample.name, sample.key)
    threshold = thresholds[sample.key]
    return SetResult(
        sample=sample,
        trained_on=sample.name in _TRAINED_ON,
        auc=estimate(auc, truth, scores),
        axis_auc=None if axis is None or axis is sample.key else auc(truth, scorer(sample.posts, axis)),
        average_precision=estimate(average_precision, truth, scores),
        macro_f1=estimate(lambda truth, scores: macro_f1(truth, scores >= fixed), truth, scores),
        recall=share_flagged(truth, scores, threshold, of=True),
        false_alarms=share_flagged(truth, scores, threshold, of=False),
        calibration_error=calibration_error(truth, scores, PREVALENCE),
        profanity_auc=auc(truth, _profanity(sample.posts)) if axis == "inflammatory" else None,
    )


def _profanity(posts: Sequence[ClassifierInput]) -> Scores:
    from profanity_check import predict_prob  # pyright: ignore[reportUnknownVariableType]  # untyped

    return np.array(predict_prob([post.text for post in posts]), dtype=float)
