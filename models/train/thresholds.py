"""Default thresholds, from development rows: they catch as much as the limits for posts that must pass allow."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from models.labels import AXIS_OF, SCORE_KEYS, Label, ScoreKey
from models.train.calibrate import Scores, annotated
from models.train.dataset import Example
from models.train.strata import FLAGGING, LIMITS, Limit, Rows

_STEPS = (1, 2, 4, 8, 16)
"""How many posts that must pass a threshold that is lowered may flag more."""
_RAISES = (1, 4, 16, 64)
"""How many of the flagged ones a threshold that is raised lets pass."""
_FREE = 1e-6
"""What spends less of the limits counts as this much."""
_GAIN = 1e-4
"""An exchange that adds less to the recall is not worth a pass over all thresholds."""
_WORTH = 0.7
"""Power of a recall that says what it is worth: at 1, whole scores are given up for others; at 0, all count alike."""
_SEVERITY: Mapping[ScoreKey, float] = {Label.THREAT: 4.0}
"""How much a score's recall counts when thresholds are chosen, 1 for others: to miss a threat does most harm."""

_PRICES: Sequence[Callable[[Sequence[float]], float]] = (sum, max, lambda shares: shares[0])
"""What a step costs that spends these shares of the limits."""

Thresholds: TypeAlias = dict[ScoreKey, float]
_Positives: TypeAlias = tuple[list[int], Rows, float]
"""Columns of scores, the rows that at least one of them should catch, and how much their recall counts."""
_Limit: TypeAlias = tuple[Rows, Sequence[int], float]
"""Rows that must pass, columns of scores, and the share of the rows that those may flag all the same."""


def default_thresholds(scores: Scores, dev: Sequence[Example], limits: Sequence[Limit] = LIMITS) -> Thresholds:
    """Thresholds that catch as much as they can within all ``limits``.

    From flagging none of the strata's posts, the threshold is lowered, a few posts at a time, that catches most for
    what it spends of the limits. Then one is raised and what that gives back is spent on others, as long as that
    catches more. That is done for several prices of what is spent, as each gets stuck elsewhere, and what catches most
    is kept. The recall of every score counts the same, however many positives there are, but that of threats more, and
    what is added to it the less, the higher it is. A label's posts may be caught by the label or its axis; an
    axis' posts by the axis, whose threshold has to mean much. In the end labels are lowered as far as flags no more of
    the strata.
    """
    search = _Search.on(scores, dev, limits)
    thresholds = max((replace(search, price=price).best() for price in _PRICES), key=search.caught)
    return {**thresholds, **search.naming(thresholds), Label.CHECKWORTHY: 0.5}


def flagged_by_anything(
    scores: Scores, thresholds: Mapping[ScoreKey, float], columns: Sequence[int] = FLAGGING
) -> npt.NDArray[np.bool_]:
    """Which rows reach the threshold of an axis or of a label that can flag, or of one of ``columns``."""
    limits = np.array([thresholds[SCORE_KEYS[column]] for column in columns])
    return np.any(scores[:, columns] >= limits, axis=1)


@dataclass(frozen=True, slots=True)
class _Search:
    scores: Scores
    positives: Sequence[_Positives]
    limits: Sequence[_Limit]
    strata: Scores
    """Scores of all posts that must pass."""
    price: Callable[[Sequence[float]], float] = sum

    @classmethod
    def on(cls, scores: Scores, dev: Sequence[Example], within: Sequence[Limit]) -> Self:
        positives: list[_Positives] = []
        for column in FLAGGING:
            rows, truth = annotated(dev, key := SCORE_KEYS[column])
            columns = [column, SCORE_KEYS.index(AXIS_OF[key])] if isinstance(key, Label) else [column]
            positives.append((columns, rows[truth], _SEVERITY.get(key, 1.0)))
        limits = [(rows, limit.columns, limit.share) for limit in within if len(rows := limit.rows_of(dev))]
        strata = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *(rows for rows, _, _ in limits)]))
        return cls(scores, positives, limits, scores[strata])

    def best(self) -> Thresholds:
        thresholds = self.spent(self.strictest())
        while better := self.exchanged(thresholds):
            thresholds = better
        return thresholds

    def strictest(self) -> Thresholds:
        """Thresholds that flag none of the strata."""
        highest = self.strata.max(axis=0) if len(self.strata) else np.zeros(len(SCORE_KEYS))
        return {key: _above(value) for key, value in zip(SCORE_KEYS, highest, strict=True)}

    def spent(self, thresholds: Thresholds, columns: Sequence[int] = FLAGGING) -> Thresholds:
        """Those of ``columns`` lowered, each time the one that pays best, until each breaks a limit or catches none."""
        while better := self._lowered(thresholds, columns):
            thresholds = better
        return thresholds

    def exchanged(self, thresholds: Thresholds) -> Thresholds | None:
        """One threshold raised and others lowered for it, what catches most; None if nothing catches more."""
        best, most = None, self.caught(thresholds) + _GAIN
        for column, step in itertools.product(FLAGGING, _RAISES):
            key = SCORE_KEYS[column]
            flagged = np.sort(self.strata[self.strata[:, column] >= thresholds[key], column])
            if not len(flagged):
                continue
            raised = {**thresholds, key: _above(flagged[min(step, len(flagged)) - 1])}
            for first in ([other for other in FLAGGING if other != column], ()):
                tried = self.spent(self.spent(raised, first))
                if (caught := self.caught(tried)) > most:
                    best, most = tried, caught
        return best

    def naming(self, thresholds: Thresholds) -> Thresholds:
        """Labels as low as spends no more of any limit: what its axis flags should be called by its name, too."""
        lowest: Thresholds = {key: 0.0 for key in thresholds if isinstance(key, Label)}
        for rows, columns, _ in self.limits:
            passing = self.scores[rows][~flagged_by_anything(self.scores[rows], thresholds, columns)]
            for column in columns if len(passing) else ():
                if (key := SCORE_KEYS[column]) in lowest:
                    lowest[key] = max(lowest[key], _above(passing[:, column].max()))
        return {key: min(thresholds[key], value) for key, value in lowest.items()}

    def _lowered(self, thresholds: Thresholds, columns: Sequence[int]) -> Thresholds | None:
        """``thresholds`` with that of ``columns`` lowered that pays best; None if none may and pays."""
        before, caught = self._shares(thresholds), self.caught(thresholds)
        passing = self._passing(thresholds)
        best, best_pay = None, 0.0
        for column, step in itertools.product(columns, _STEPS):
            key, ranked = SCORE_KEYS[column], np.sort(passing[:, column])[::-1]
            limit = _above(ranked[step]) if len(ranked) > step else 0.0
            if limit >= thresholds[key]:
                continue
            tried = {**thresholds, key: limit}
            shares = self._shares(tried)
            if max(shares, default=0.0) > 1:
                continue
            spent = self.price([after - share for after, share in zip(shares, before, strict=True)]) if shares else 0.0
            pay = (self.caught(tried) - caught) / max(spent, _FREE)
            if pay > best_pay:
                best, best_pay = tried, pay
        return best

    def _passing(self, thresholds: Thresholds) -> Scores:
        return self.strata[~flagged_by_anything(self.strata, thresholds)]

    def _shares(self, thresholds: Thresholds) -> list[float]:
        """The share of each limit that ``thresholds`` use up."""
        return [
            float(flagged_by_anything(self.scores[rows], thresholds, columns).mean()) / most
            for rows, columns, most in self.limits
        ]

    def caught(self, thresholds: Thresholds) -> float:
        """What the recall of every score's positives is worth together, each caught by any of their columns."""
        return sum(
            counts * float(flagged_by_anything(self.scores[rows], thresholds, columns).mean()) ** _WORTH
            for columns, rows, counts in self.positives
            if len(rows)
        )


def _above(score: float) -> float:
    """A score at its threshold flags: the next round figure above it does not."""
    return min(1.0, float(np.floor(1000 * score + 1)) / 1000)
