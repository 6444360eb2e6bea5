"""Scores of many posts, computed once: the evaluation asks for the same posts on several keys."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from models.classifier import Classifier, ClassifierInput
from models.evaluate.metrics import Scores
from models.labels import SCORE_KEYS, ScoreKey


class Scorer:
    """Remembers every post it scored. An unreadable post scores 0."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._known: dict[ClassifierInput, Mapping[ScoreKey, float]] = {}

    def __call__(self, posts: Sequence[ClassifierInput], key: ScoreKey) -> Scores:
        """One score a post."""
        self._score(posts)
        return np.array([self._known[post].get(key, 0.0) for post in posts])

    def all_keys(self, posts: Sequence[ClassifierInput]) -> Scores:
        """An array (posts, score keys), in the order of ``SCORE_KEYS``."""
        self._score(posts)
        return np.array([[self._known[post].get(key, 0.0) for key in SCORE_KEYS] for post in posts])

    def _score(self, posts: Sequence[ClassifierInput]) -> None:
        fresh = list(dict.fromkeys(post for post in posts if post not in self._known))
        predictions = asyncio.run(self._classifier.predict(fresh)) if fresh else []
        self._known.update((post, p.scores) for post, p in zip(fresh, predictions, strict=True))
