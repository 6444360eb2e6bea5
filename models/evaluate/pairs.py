"""Minimal pairs of our corpus: is the post with the label scored above its twin without?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.evaluate.metrics import Scores
from models.labels import Axis
from models.train.corpus import CorpusPost


@dataclass(frozen=True, slots=True)
class PairOrder:
    """Of ``pairs`` couples that differ on an axis, how many are in the right order."""

    pairs: int
    right: int

    @property
    def share(self) -> float:
        return self.right / self.pairs


def pair_order(posts: Sequence[CorpusPost], scores: Scores, axis: Axis) -> dict[str, PairOrder]:
    """By phenomenon of the positive post, and "all"; ``scores`` has one entry a post."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, post in enumerate(posts):
        groups[post.pair].append(index)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for members in groups.values():
        positive = [i for i in members if posts[i].targets[axis] >= 0.5]
        negative = [i for i in members if posts[i].targets[axis] < 0.5]
        for i in positive:
            for k in negative:
                for name in ("all", posts[i].phenomenon):
                    counts[name][0] += 1
                    counts[name][1] += bool(scores[i] > scores[k])
    return {name: PairOrder(*count) for name, count in sorted(counts.items())}
