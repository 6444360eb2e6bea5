"""What a score means and where it flags: Platt scaling and default thresholds, from development rows only."""

# scikit-learn and scipy are untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from models.classifier import Classifier
from models.labels import AXIS_OF, SCORE_KEYS, Label, ScoreKey
from models.train.dataset import CORPUS, Example
from models.train.groups import names_group_in_peace
from models.train.sources import INFLAMMATORY_KEYS

PREVALENCE = 0.1
"""Scores are probabilities for a stream in which this share of posts is positive."""
CIVIL_PHENOMENA = frozenset(
    {
        *("conspiracy_vs_criticism", "propaganda_vs_opinion", "insult_target", "incitement"),
        *("identity_attack", "identity_neutral", "civil_anger", "real_history"),
    }
)
"""Of our corpus: where the posts without any label are angry, political and civil."""
_STEPS = (1, 2, 4, 8, 16)
"""How many posts of the strata lowering a threshold once may cost."""
_FREE = 1e-6
"""What spends less of the limits counts as this much."""
_SEVERITY: Mapping[ScoreKey, float] = {Label.THREAT: 4.0}
"""How much a score's recall counts when thresholds are chosen, 1 for others: to miss a threat does most harm."""
_ABLE = [column for column, key in enumerate(SCORE_KEYS) if key is not Label.CHECKWORTHY]

Scores: TypeAlias = npt.NDArray[np.float64]
"""One row an example, one column a score key."""


def _civil_argument(example: Example) -> bool:
    return example.source == "forum_verifiability" and not _any_positive(example)


def _civil_reddit(example: Example) -> bool:
    return example.source == "cad" and not _any_positive(example)


def _civil_corpus(example: Example) -> bool:
    return example.source == CORPUS and example.phenomenon in CIVIL_PHENOMENA and not _any_positive(example)


def _sober_news(example: Example) -> bool:
    return example.source in ("ptc_sentence_propaganda", "coaid_titles") and not _any_positive(example)


def _peace_about_groups(example: Example) -> bool:
    return names_group_in_peace(example) and not _any_positive(example)


_Rows: TypeAlias = npt.NDArray[np.intp]
_Positives: TypeAlias = tuple[list[int], _Rows, float]
"""Columns of scores, the rows that at least one of them should catch, and how much their recall counts."""
_Limit: TypeAlias = tuple[_Rows, Sequence[int], float]
"""Rows that must pass, columns of scores, and the share of the rows that those may flag all the same."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Posts that must pass: those that ``belongs`` says, and the ``columns`` of scores that may not flag them."""

    belongs: Callable[[Example], bool]
    columns: Sequence[int] = tuple(_ABLE)

    def rows_of(self, examples: Sequence[Example]) -> _Rows:
        return np.array([row for row, example in enumerate(examples) if self.belongs(example)], dtype=np.intp)


CIVIL: Mapping[str, Stratum] = {
    "forum argument (forum_verifiability)": Stratum(_civil_argument),
    "political Reddit (cad neutrals)": Stratum(_civil_reddit),
    "civil posts of our corpus": Stratum(_civil_corpus),
}
NEWS: Mapping[str, Stratum] = {"news sentences (ptc, coaid)": Stratum(_sober_news)}
PEACEFUL: Mapping[str, Stratum] = {
    "harmless posts that name a group, as inflammatory": Stratum(
        _peace_about_groups, columns=[SCORE_KEYS.index(key) for key in INFLAMMATORY_KEYS]
    )
}
"""Whether they misinform nobody was asked of most."""
STRATA: Mapping[str, Stratum] = {**CIVIL, **NEWS, **PEACEFUL}
"""Posts that must pass."""
_LIMITS: tuple[tuple[Mapping[str, Stratum], float], ...] = ((CIVIL, 0.02), (NEWS, 0.05), (PEACEFUL, 0.05))
"""What share of such strata together may be flagged at all."""


def score(classifier: Classifier, examples: Sequence[Example]) -> Scores:
    """Scores of ``examples`` as the bot would compute them, windows and all; 0 for an unreadable post."""
    predictions = asyncio.run(classifier.predict([example.input for example in examples]))
    return np.array([[prediction.scores.get(key, 0.0) for key in SCORE_KEYS] for prediction in predictions])


def annotated(examples: Sequence[Example], key: ScoreKey) -> tuple[_Rows, npt.NDArray[np.bool_]]:
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


def default_thresholds(scores: Scores, dev: Sequence[Example]) -> dict[ScoreKey, float]:
    """Thresholds that catch as much as they can within the limits of every group of strata.

    From flagging none of the strata's posts, the threshold is lowered, a few posts at a time, that catches most for
    what it spends: the share of each limit, added up. The recall of every score counts the same, however many positives
    there are, but that of threats more. A label's posts may be caught by the label or its axis; an axis' posts by the
    axis, whose threshold has to mean much. In the end labels are lowered as far as flags no more of the strata.
    """
    positives: list[_Positives] = []
    for column in _ABLE:
        rows, truth = annotated(dev, key := SCORE_KEYS[column])
        columns = [column, SCORE_KEYS.index(AXIS_OF[key])] if isinstance(key, Label) else [column]
        positives.append((columns, rows[truth], _SEVERITY.get(key, 1.0)))
    limits = [limit for strata, most in _LIMITS if len((limit := _limit(dev, strata, most))[0])]
    strata = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *(rows for rows, _, _ in limits)]))
    highest = scores[strata].max(axis=0) if len(strata) else np.zeros(len(SCORE_KEYS))
    thresholds = {key: _above(value) for key, value in zip(SCORE_KEYS, highest, strict=True)}
    while better := _lowered(scores, thresholds, positives, limits, strata):
        thresholds = better
    return {**thresholds, **_naming(scores[strata], thresholds), Label.CHECKWORTHY: 0.5}


def _limit(dev: Sequence[Example], strata: Mapping[str, Stratum], most: float) -> _Limit:
    rows = np.unique(np.concatenate([stratum.rows_of(dev) for stratum in strata.values()]))
    return rows, next(iter(strata.values())).columns, most


def flagged_by_anything(
    scores: Scores, thresholds: Mapping[ScoreKey, float], columns: Sequence[int] = _ABLE
) -> npt.NDArray[np.bool_]:
    """Which rows reach the threshold of an axis or of a label that can flag, or of one of ``columns``."""
    limits = np.array([thresholds[SCORE_KEYS[column]] for column in columns])
    return np.any(scores[:, columns] >= limits, axis=1)


def _lowered(
    scores: Scores,
    thresholds: Mapping[ScoreKey, float],
    positives: Sequence[_Positives],
    limits: Sequence[_Limit],
    strata: _Rows,
) -> dict[ScoreKey, float] | None:
    """``thresholds`` with the one lowered that pays best, or None if each would break a limit."""
    before = sum(_spent(scores, thresholds, limits))
    passing = strata[~flagged_by_anything(scores[strata], thresholds)]
    best, best_pay = None, 0.0
    for column, step in itertools.product(_ABLE, _STEPS):
        key, ranked = SCORE_KEYS[column], np.sort(scores[passing, column])[::-1]
        limit = _above(ranked[step]) if len(ranked) > step else 0.0
        if limit >= thresholds[key]:
            continue
        tried = {**thresholds, key: limit}
        spent = _spent(scores, tried, limits)
        if max(spent, default=0.0) > 1:
            continue
        caught = sum(_caught(scores, tried, each) - _caught(scores, thresholds, each) for each in positives)
        pay = caught / max(sum(spent) - before, _FREE)
        if pay > best_pay:
            best, best_pay = tried, pay
    return best


def _spent(scores: Scores, thresholds: Mapping[ScoreKey, float], limits: Sequence[_Limit]) -> list[float]:
    """The share of each limit that ``thresholds`` use up."""
    return [
        float(flagged_by_anything(scores[rows], thresholds, columns).mean()) / most for rows, columns, most in limits
    ]


def _naming(strata: Scores, thresholds: Mapping[ScoreKey, float]) -> dict[ScoreKey, float]:
    """Of the labels, as low as costs no post of the strata: what its axis flags should be called by its name, too."""
    passing = strata[~flagged_by_anything(strata, thresholds)]
    highest = passing.max(axis=0) if len(passing) else np.ones(len(SCORE_KEYS))
    return {
        key: min(thresholds[key], _above(value))
        for key, value in zip(SCORE_KEYS, highest, strict=True)
        if isinstance(key, Label)
    }


def _caught(scores: Scores, thresholds: Mapping[ScoreKey, float], positives: _Positives) -> float:
    """The recall of the rows, each by any of the columns, times what it counts."""
    columns, rows, counts = positives
    limits = np.array([thresholds[SCORE_KEYS[column]] for column in columns])
    return counts * float(np.any(scores[rows][:, columns] >= limits, axis=1).mean()) if len(rows) else 0.0


def _above(score: float) -> float:
    """A score at its threshold flags: the next round figure above it does not."""
    return min(1.0, float(np.floor(1000 * score + 1)) / 1000)


def _any_positive(example: Example) -> bool:
    return any(value >= 0.5 for value in example.targets.values())
