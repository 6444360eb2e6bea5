"""Posts that must pass: angry and political, sober news, harmless words about groups; and how many may be flagged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models.labels import SCORE_KEYS, Label
from models.train.dataset import CORPUS, Example
from models.train.groups import names_group_in_peace
from models.train.sources import INFLAMMATORY_KEYS

CIVIL_PHENOMENA = frozenset(
    {
        *("conspiracy_vs_criticism", "propaganda_vs_opinion", "insult_target", "incitement"),
        *("identity_attack", "identity_neutral", "civil_anger", "real_history"),
    }
)
"""Of our corpus: where the posts without any label are angry, political and civil."""
FLAGGING = tuple(column for column, key in enumerate(SCORE_KEYS) if key is not Label.CHECKWORTHY)
"""Columns of the scores that can flag."""

Rows: TypeAlias = npt.NDArray[np.intp]


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


@dataclass(frozen=True, slots=True)
class Stratum:
    """Posts that must pass: those that ``belongs`` says, and the ``columns`` of scores that may not flag them."""

    belongs: Callable[[Example], bool]
    columns: Sequence[int] = FLAGGING

    def rows_of(self, examples: Sequence[Example]) -> Rows:
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


@dataclass(frozen=True, slots=True)
class Limit:
    """What ``share`` of the posts of ``strata``, whose columns are the same, may be flagged at all."""

    strata: Mapping[str, Stratum]
    share: float

    @property
    def columns(self) -> Sequence[int]:
        return next(iter(self.strata.values())).columns

    def rows_of(self, examples: Sequence[Example]) -> Rows:
        return np.unique(np.concatenate([stratum.rows_of(examples) for stratum in self.strata.values()]))


LIMITS = (Limit(CIVIL, 0.02), Limit(NEWS, 0.05), Limit(PEACEFUL, 0.05))


def _any_positive(example: Example) -> bool:
    return any(value >= 0.5 for value in example.targets.values())
