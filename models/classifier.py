"""What the rest of the program knows of a classifier: its input, its output and its protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from models.labels import Axis, Label, ScoreKey


class Context(StrEnum):
    """What a classifier may be shown beside the post itself."""

    TITLE = "title"
    REPLY_TO = "reply_to"


@dataclass(frozen=True, slots=True)
class ClassifierInput:
    """One post, as its author wrote it (raw: cleaning is the classifier's business)."""

    text: str
    title: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a raw text: code points ``start`` (included) to ``end`` (excluded)."""

    start: int
    end: int

    def cut(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Probabilities in [0, 1] for one post.

    ``scores`` is empty when the post holds nothing to read (no text, only zero-width characters).
    ``spans`` names, for each score, the part of the raw text that it came from.
    """

    scores: Mapping[ScoreKey, float] = field(default_factory=dict[ScoreKey, float])
    spans: Mapping[ScoreKey, Span] = field(default_factory=dict[ScoreKey, Span])
    context: frozenset[Context] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What comes with a set of weights: which scores it gives, what they mean, where it flags."""

    version: str
    axis_of: Mapping[Label, Axis]
    """Labels that belong to an axis; a label that is missing here never flags a post."""
    default_thresholds: Mapping[ScoreKey, float]
    """An axis or a label that is missing here never flags a post either."""


class Classifier(Protocol):
    """Scores posts in batches. Implementations keep the event loop free while they compute."""

    @property
    def info(self) -> ModelInfo: ...

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """Score ``inputs``; the result has the same length and order."""
        ...


class Runtime(StrEnum):
    """What computes the network."""

    AUTO = "auto"
    """Torch for models that are not ours and where there is a GPU, else ONNX Runtime."""
    ONNX = "onnx"
    TORCH = "torch"


class ModelError(Exception):
    """The weights cannot be used; the message says what to do about it."""
