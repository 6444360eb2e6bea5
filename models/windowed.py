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
from models.text import CleanText, clean
from models.windows import scales

REMEMBERED = 4096
"""Windows whose scores are kept: copy-paste spam, and sentences that are scored once more to explain a flag."""

_HIGHEST = 4
"""Windows of one size that a post's score is made of, at most."""
_COUNTS = (1.0, 1 / 3)
"""What the odds of wide and of narrow windows count: these show what those drown, but see less of what is meant."""

_Text: TypeAlias = tuple[str, str | None]
"""A cleaned window and the cleaned context that it is read in: all that its scores depend on."""
_Scores: TypeAlias = Mapping[ScoreKey, float]


_Places: TypeAlias = Mapping[_Text, Span]
"""Different windows of one size, and where in the post each stands first: what is said again says no more."""


@dataclass(frozen=True, slots=True)
class _Post:
    scales: Sequence[tuple[float, _Places]]
    """What their odds count, and windows: wide ones, and narrow ones too if the post is longer than a wide one."""
    context: frozenset[Context]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Posts that have been read: the scores of some of their windows are known, those of others will be."""

    posts: Sequence[_Post]
    known: Mapping[_Text, _Scores]
    fresh: Sequence[_Text]
    answers: "Future[list[_Scores]]"


class WindowedClassifier:
    """Scores posts in windows of sentences, long ones in wide and in narrow windows.

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
        texts = dict.fromkeys(text for post in posts for _, places in post.scales for text in places)
        known = {text: scores for text in texts if (scores := self._memory.get(*text)) is not None}
        fresh = [text for text in texts if text not in known]
        return _Asked(posts, known, fresh, self._batcher.ask([self._reading.encode(*text) for text in fresh]))

    def _read(self, post: ClassifierInput) -> _Post:
        context, kinds = None, frozenset[Context]()
        if self._reading.reads_context:
            context, kinds = context_of(post.title, post.reply_to)
        text = clean(post.text)
        spans = scales(text.text, self._reading.count_tokens, self._reading.post_tokens, WINDOW_TOKENS)
        return _Post(
            [(counts, _places(text, each, context)) for counts, each in zip(_COUNTS, spans, strict=False)], kinds
        )

    def _predictions(self, asked: _Asked, answers: Sequence[_Scores]) -> list[Prediction]:
        found = dict(zip(asked.fresh, answers, strict=True))
        for text, scores in found.items():
            self._memory.put(*text, scores)
        found.update(asked.known)
        return [_prediction(post, found) for post in asked.posts]


def _places(text: CleanText, spans: Sequence[Span], context: str | None) -> _Places:
    places: dict[_Text, Span] = {}
    for span in spans:
        places.setdefault((span.cut(text.text), context), text.raw_span(span.start, span.end))
    return places


def _prediction(post: _Post, found: Mapping[_Text, _Scores]) -> Prediction:
    """The score of each key in the windows of the size that says more, and where the highest of them stands."""
    scores: dict[ScoreKey, float] = {}
    spans: dict[ScoreKey, Span] = {}
    for counts, places in post.scales:
        said = {text: found[text] for text in places}
        for key in next(iter(said.values()), ()):
            ranked = sorted(((each[key], text) for text, each in said.items()), key=lambda pair: pair[0], reverse=True)
            score = _together([highest for highest, _ in ranked[:_HIGHEST]], counts)
            if key not in scores or score > scores[key]:
                scores[key], spans[key] = score, places[ranked[0][1]]
    return Prediction(scores, spans, post.context)


def _together(scores: Sequence[float], counts: float) -> float:
    """What windows of one size say together: the root mean square of their odds, times what these count.

    Of many windows one looks bad by chance, and a long post would be flagged for its length; yet nobody should hide an
    insult by writing on and on: one bad window of many keeps half of its odds. Measured on development rows
    (`docs/training.md`).
    """
    if len(scores) == 1 and counts == 1:
        return scores[0]  # as it is, to the last digit
    squares = [(score / max(1 - score, 1e-9)) ** 2 for score in scores]
    odds = counts * math.sqrt(sum(squares) / len(squares))
    return odds / (1 + odds)


def _drop(reading: "Future[list[_Asked]]") -> None:
    """Whoever asked has gone while the posts were being read."""
    if not reading.cancelled() and not reading.exception():
        reading.result()[0].answers.cancel()
