"""What the development rows say: calibration, thresholds for macro-F1, recall and false alarms at the default.

The half of the rows that calibration was fitted on takes no part in the calibration error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.evaluate.metrics import Scores, Truth, auc, best_macro_f1_threshold, calibration_error, reliability
from models.evaluate.samples import DOMAINS
from models.evaluate.scoring import Scorer
from models.labels import SCORE_KEYS, ScoreKey
from models.train.calibrate import PREVALENCE, annotated, fitted_half
from models.train.dataset import Example, load_examples
from models.train.recipe import Recipe
from models.train.strata import STRATA
from models.train.thresholds import flagged_by_anything
from models.train.views import development

_FEWEST_POSITIVES = 20
"""Below that a calibration error says nothing."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """``table``: bins of mean score, share of positives, weight (`metrics.reliability`)."""

    rows: int
    positives: int
    error: float
    table: Scores


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one score on the development rows that are annotated for it."""

    auc: float
    recall: float
    false_alarms: float


class Development:
    """The development rows with their scores."""

    def __init__(self, data: Path, scorer: Scorer) -> None:
        self.examples: Sequence[Example] = development(load_examples(data, Recipe()))
        self._scores = scorer.all_keys([example.input for example in self.examples])

    def macro_f1_threshold(self, source: str, key: ScoreKey) -> float:
        """Best on the set's own development rows if it has any, else on all sets' together."""
        truth, scores = self._of(key, lambda example: example.source == source)
        if not truth.any() or truth.all():
            truth, scores = self._of(key, lambda _: True)
        return best_macro_f1_threshold(truth, scores)

    def quality(self, thresholds: Mapping[ScoreKey, float]) -> dict[ScoreKey, Quality]:
        """Of the scores that have positive and negative development rows."""
        found: dict[ScoreKey, Quality] = {}
        for key in SCORE_KEYS:
            truth, scores = self._of(key, lambda _: True)
            if not truth.any() or truth.all():
                continue
            flagged = scores >= thresholds[key]
            found[key] = Quality(auc(truth, scores), float(flagged[truth].mean()), float(flagged[~truth].mean()))
        return found

    def calibration(self) -> dict[tuple[str, ScoreKey], Calibration]:
        """By domain ("all" too) and score, on the half that calibration did not see."""
        found: dict[tuple[str, ScoreKey], Calibration] = {}
        for domain, sources in {"all": (), **DOMAINS}.items():
            for key in SCORE_KEYS:
                truth, scores = self._of(key, lambda e, s=sources: not fitted_half(e) and (not s or e.source in s))
                if truth.sum() >= _FEWEST_POSITIVES and (~truth).any():
                    found[domain, key] = Calibration(
                        len(truth),
                        int(truth.sum()),
                        calibration_error(truth, scores, PREVALENCE),
                        reliability(truth, scores, PREVALENCE),
                    )
        return found

    def strata(self, thresholds: Mapping[ScoreKey, float]) -> dict[str, tuple[int, float]]:
        """Of posts that must pass: how many there are, and the share flagged all the same."""
        found: dict[str, tuple[int, float]] = {}
        for name, stratum in STRATA.items():
            rows = stratum.rows_of(self.examples)
            if len(rows):
                flagged = flagged_by_anything(self._scores[rows], thresholds, stratum.columns)
                found[name] = len(rows), float(flagged.mean())
        return found

    def _of(self, key: ScoreKey, chosen: Callable[[Example], bool]) -> tuple[Truth, Scores]:
        rows, truth = annotated(self.examples, key)
        kept = np.array([chosen(self.examples[int(row)]) for row in rows], dtype=bool)
        return truth[kept], self._scores[rows[kept], SCORE_KEYS.index(key)]
