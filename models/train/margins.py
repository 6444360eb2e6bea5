"""How much tighter limits must be while thresholds are chosen, to hold for posts that had no part in it."""

# scipy is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from models.train.calibrate import Scores
from models.train.dataset import CORPUS, Example
from models.train.strata import LIMITS, Limit
from models.train.thresholds import default_thresholds, flagged_by_anything

_FOLDS = 5
_CONFIDENCE = 0.95


def safe_limits(scores: Scores, dev: Sequence[Example], limits: Sequence[Limit] = LIMITS) -> list[Limit]:
    """``limits``, each tightened by as much as thresholds chosen within it may overrun it on other posts.

    Cross-validation tells: thresholds are chosen on four fifths of the rows and tried on the last. There are few such
    posts, so that the upper end of what they flag counts (Clopper and Pearson, one-sided).
    """
    folds = np.array([_fold(example) for example in dev])
    flagged = [np.empty(0, dtype=np.bool_) for _ in limits]
    for fold in range(_FOLDS):
        seen, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        thresholds = default_thresholds(scores[seen], [dev[int(row)] for row in seen], limits)
        others = [dev[int(row)] for row in held]
        for number, limit in enumerate(limits):
            rows = held[limit.rows_of(others)]
            found = flagged_by_anything(scores[rows], thresholds, limit.columns)
            flagged[number] = np.concatenate([flagged[number], found])
    return [_tightened(limit, found) for limit, found in zip(limits, flagged, strict=True)]


def _fold(example: Example) -> int:
    """The posts of a scenario of our corpus stay together: they are much alike."""
    alike = example.input.title if example.source == CORPUS else example.input.text
    return hashlib.sha256(str(alike).encode()).digest()[1] % _FOLDS


def _tightened(limit: Limit, flagged: npt.NDArray[np.bool_]) -> Limit:
    """``limit`` divided by what was flagged of other posts, if that is more than it allows."""
    if not len(flagged):
        return limit
    found = binomtest(int(flagged.sum()), len(flagged), limit.share, alternative="less")
    return replace(limit, share=limit.share * min(1.0, limit.share / found.proportion_ci(_CONFIDENCE).high))
