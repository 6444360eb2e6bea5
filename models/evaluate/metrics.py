"""The figures: how well scores tell posts apart, and whether they mean what they say."""

# scikit-learn and scipy are untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

Scores: TypeAlias = npt.NDArray[np.float64]
Truth: TypeAlias = npt.NDArray[np.bool_]
Metric: TypeAlias = Callable[[Truth, Scores], float]

DRAWS = 300
_BINS = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def estimate(metric: Metric, truth: Truth, scores: Scores) -> Estimate:
    """``metric`` with the interval of a percentile bootstrap over posts, positives and negatives drawn apart."""

    def drawn(positive: Any, negative: Any) -> float:
        labels = np.arange(len(positive) + len(negative)) < len(positive)
        return metric(labels, np.concatenate([positive, negative]))

    interval = bootstrap(
        (scores[truth], scores[~truth]),
        drawn,
        vectorized=False,
        n_resamples=DRAWS,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(metric(truth, scores), float(interval.low), float(interval.high))


def auc(truth: Truth, scores: Scores) -> float:
    """Area under the ROC curve: the chance that a positive post scores above a negative one."""
    return float(roc_auc_score(truth, scores))


def average_precision(truth: Truth, scores: Scores) -> float:
    return float(average_precision_score(truth, scores))


def macro_f1(truth: Truth, flagged: Truth) -> float:
    return float(f1_score(truth, flagged, average="macro"))


def best_macro_f1_threshold(truth: Truth, scores: Scores) -> float:
    """The threshold with the highest macro-F1. For development rows only."""
    candidates = np.unique(np.quantile(scores, np.linspace(0.01, 0.99, 99)))
    return float(max(candidates, key=lambda threshold: macro_f1(truth, scores >= threshold)))


def share_flagged(truth: Truth, scores: Scores, threshold: float, *, of: bool) -> float:
    """Recall (``of=True``) or false-alarm rate (``of=False``) at ``threshold``."""
    return float((scores[truth == of] >= threshold).mean())


def at_prevalence(truth: Truth, prevalence: float) -> npt.NDArray[np.float64]:
    """Weights that make ``prevalence`` the share of positives; they sum to 1."""
    positives = int(truth.sum())
    return np.where(truth, prevalence / positives, (1 - prevalence) / (len(truth) - positives))


def reliability(truth: Truth, scores: Scores, prevalence: float) -> npt.NDArray[np.float64]:
    """Bins of equal weight at ``prevalence``: an array (bins, 3) of mean score, share of positives, weight."""
    weights = at_prevalence(truth, prevalence)
    order = np.argsort(scores, kind="stable")
    bins = np.minimum((np.cumsum(weights[order]) * _BINS).astype(int), _BINS - 1)
    rows: list[tuple[float, float, float]] = []
    for number in range(_BINS):
        chosen = order[bins == number]
        if weight := float(weights[chosen].sum()):
            rows.append(
                (
                    float((weights[chosen] * scores[chosen]).sum() / weight),
                    float((weights[chosen] * truth[chosen]).sum() / weight),
                    weight,
                )
            )
    return np.array(rows)


def calibration_error(truth: Truth, scores: Scores, prevalence: float) -> float:
    """Expected calibration error at ``prevalence`` (Naeini et al. 2015, with bins of equal weight)."""
    table = reliability(truth, scores, prevalence)
    return float((table[:, 2] * np.abs(table[:, 0] - table[:, 1])).sum())
