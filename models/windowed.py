"""The classifier around a network: posts in windows of sentences, exact repeats remembered, batches, threads."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from models.batcher import Batcher
from models.classifier import ClassifierInput, Context, ModelInfo, Prediction, Span
from models.encoding import WINDOW_TOKENS, Encoded, context_of
from models.labels import ScoreKey
from models.memory import Memory
from models.reading import Network, Reading
from models.text import clean
from models.windows import windows

REMEMBERED = 4096
"""Windows whose scores are kept: copy-paste spam, and sentences that are scored once more to explain a flag."""

_MOST_COUNTED = 4
"""Windows, when the score of the highest is damped for their number."""

_Text: TypeAlias = tuple[str, str | None]
"""A cleaned window and the cleaned context that it is read in: all that its scores depend on."""
_Scores: TypeAlias = Mapping[ScoreKey, float]


@dataclass(frozen=True, slots=True)
class _Post:
    windows: Sequence[tuple[_Text, Span]]
    context: frozenset[Context]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Posts that have been read: the scores of some of their windows are known, those of others will be."""

    posts: Sequence[_Post]
    known: Mapping[_Text, _Scores]
    fresh: Sequence[_Text]
    answers: "Future[list[_Scores]]"


class WindowedClassifier:
    """Scores posts in windows of sentences; a post scores what its highest does, damped for how many there are.

    Reads posts in one thread and computes in another, so that the event loop stays free and batches do not compete.
    """

    def __init__(self, network: Network, reading: Reading) -> None:
        self.network = network
        self._reading = reading
        self._memory = Memory(REMEMBERED)
        self._reader: Batcher[Callable[[], _Asked], _Asked] = Batcher(
            "reader", lambda jobs: [job() for job in jobs], lambda _: 1, 1
        )
        self._batcher: Batcher[Encoded, _Scores] = Batcher(
            "network",
            lambda batch: [reading.scores(logits) for logits in network.logits(batch)],
            lambda encoded: len(encoded["input_ids"]),
            network.budget,
        )

    @property
    def info(self) -> ModelInfo:
        return self._reading.info

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """Score ``inputs`` in order; a post without anything to read gets a prediction without scores."""
        reading = self._reader.ask([partial(self._ask, inputs)])
        try:
            (asked,) = await asyncio.wrap_future(reading)
        except asyncio.CancelledError:
            reading.add_done_callback(_drop)
            raise
        return self._predictions(asked, await asyncio.wrap_future(asked.answers))

    def predict_now(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """``predict`` for callers without an event loop."""
        asked = self._ask(inputs)
        return self._predictions(asked, asked.answers.result())

    def _ask(self, inputs: Sequence[ClassifierInput]) -> _Asked:
        posts = [self._read(post) for post in inputs]
        texts = dict.fromkeys(text for post in posts for text, _ in post.windows)
        known = {text: scores for text in texts if (scores := self._memory.get(*text)) is not None}
        fresh = [text for text in texts if text not in known]
        return _Asked(posts, known, fresh, self._batcher.ask([self._reading.encode(*text) for text in fresh]))

    def _read(self, post: ClassifierInput) -> _Post:
        context, kinds = None, frozenset[Context]()
        if self._reading.reads_context:
            context, kinds = context_of(post.title, post.reply_to)
        text = clean(post.text)
        whole = self._reading.post_tokens
        spans = windows(text.text, self._reading.count_tokens, min(WINDOW_TOKENS, whole), whole)
        cut = [((span.cut(text.text), context), text.raw_span(span.start, span.end)) for span in spans]
        return _Post(cut, kinds)

    def _predictions(self, asked: _Asked, answers: Sequence[_Scores]) -> list[Prediction]:
        found = dict(zip(asked.fresh, answers, strict=True))
        for text, scores in found.items():
            self._memory.put(*text, scores)
        found.update(asked.known)
        return [_prediction(post, found) for post in asked.posts]


def _prediction(post: _Post, found: Mapping[_Text, _Scores]) -> Prediction:
    """The highest score of each key, damped, and where it was reached first."""
    scores: dict[ScoreKey, float] = {}
    spans: dict[ScoreKey, Span] = {}
    for text, span in post.windows:
        for key, score in found[text].items():
            if key not in scores or score > scores[key]:
                scores[key], spans[key] = score, span
    different = len({text for text, _ in post.windows})  # the same window again is no further chance to look bad
    damped = {key: _damped(score, different) for key, score in scores.items()}
    return Prediction(damped, spans, post.context)


def _damped(score: float, count: int) -> float:
    """The highest of ``count`` windows' scores, its odds divided by the root of ``count``, by two at most.

    Of many windows one looks bad by chance, and a long post would be flagged for its length; yet nobody should hide an
    insult by writing on and on. Measured on development rows (`docs/training.md`).
    """
    return score if count == 1 else score / (score + (1 - score) * math.sqrt(min(count, _MOST_COUNTED)))


def _drop(reading: "Future[list[_Asked]]") -> None:
    """Whoever asked has gone while the posts were being read."""
    if not reading.cancelled() and not reading.exception():
        reading.result()[0].answers.cancel()
