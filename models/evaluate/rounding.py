"""What int8 changes: the shipped graph against the weights it was made from, on the same posts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from models.evaluate.metrics import auc
from models.evaluate.samples import Sample
from models.evaluate.scoring import Scorer
from models.labels import Axis, ScoreKey
from models.train.corpus import CorpusPost
from models.train.thresholds import flagged_by_anything


@dataclass(frozen=True, slots=True)
class Rounding:
    """Of one set: AUC of both, and the share of posts that one flags and the other does not."""

    name: str
    key: ScoreKey
    posts: int
    int8_auc: float
    exact_auc: float
    changed: float

    @property
    def loss(self) -> float:
        return self.exact_auc - self.int8_auc


def rounding(
    samples: Iterable[Sample], int8: Scorer, exact: Scorer, thresholds: Mapping[ScoreKey, float]
) -> list[Rounding]:
    """Greatest loss first."""
    found: list[Rounding] = []
    for sample in samples:
        truth = np.array(sample.truth)
        flags = [flagged_by_anything(scorer.all_keys(sample.posts), thresholds) for scorer in (int8, exact)]
        found.append(
            Rounding(
                sample.name,
                sample.key,
                len(truth),
                auc(truth, int8(sample.posts, sample.key)),
                auc(truth, exact(sample.posts, sample.key)),
                float((flags[0] != flags[1]).mean()),
            )
        )
    return sorted(found, key=lambda result: -result.loss)


def corpus_samples(posts: list[CorpusPost]) -> list[Sample]:
    """The held-out posts of our corpus, once for each axis."""
    found: list[Sample] = []
    for axis in Axis:
        known = [post for post in posts if axis in post.targets]
        truth = [post.targets[axis] >= 0.5 for post in known]
        found.append(Sample(f"our corpus, {axis}", axis, [post.input for post in known], truth))
    return found
