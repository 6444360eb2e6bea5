"""What a score means: Platt scaling, from development rows only."""

# scikit-learn and scipy are untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from models.classifier import Classifier
from models.labels import SCORE_KEYS, ScoreKey
from models.train.dataset import Example
from models.train.strata import Rows

PREVALENCE = 0.1
"""Scores are probabilities for a stream in which this share of posts is positive."""

Scores: TypeAlias = npt.NDArray[np.float64]
"""One row an example, one column a score key."""


def score(classifier: Classifier, examples: Sequence[Example]) -> Scores:
    """Scores of ``examples`` as the bot would compute them, windows and all; 0 for an unreadable post."""
    predictions = asyncio.run(classifier.predict([example.input for example in examples]))
    return np.array([[prediction.scores.get(key, 0.0) for key in SCORE_KEYS] for prediction in predictions])


def annotated(examples: Sequence[Example], key: ScoreKey) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """(row indices, truth) of the examples whose annotators were asked for ``key``, or that we read for it."""
    rows = [i for i, e in enumerate(examples) if key in e.targets and key not in e.weak]
    return np.array(rows, dtype=np.intp), np.array([examples[i].targets[key] >= 0.5 for i in rows], dtype=bool)


def fitted_half(example: Example) -> bool:
    """Whether calibration may see this development row; it is checked on the others."""
    return hashlib.sha256(example.input.text.encode()).digest()[0] % 2 == 0


def platt(raw: Scores, dev: Sequence[Example]) -> dict[ScoreKey, tuple[float, float]]:
    """Slope and offset of each score's logit, fitted with the classes weighted to the stated prevalence."""
    logits = logit(raw)
    found: dict[ScoreKey, tuple[float, float]] = {}
    for column, key in enumerate(SCORE_KEYS):
        rows, truth = annotated(dev, key)
        weights = np.where(truth, PREVALENCE / truth.mean(), (1 - PREVALENCE) / (1 - truth.mean()))
        fit: Any = LogisticRegression(C=1e6).fit(logits[rows, column].reshape(-1, 1), truth, sample_weight=weights)
        found[key] = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    return found
