"""The classifier on transformers + torch: posts in windows, in batches, in a thread of its own."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from models.classifier import ClassifierInput, Context, ModelError, ModelInfo, Prediction, Span
from models.encoding import POST_TOKENS, WINDOW_TOKENS, Encoded, context_of, encode
from models.labels import Axis, ScoreKey, parse_score_key
from models.text import clean
from models.weights_folder import GET_THEM, WeightsCard, read_card
from models.windows import windows
from models.worker import OneThread

BATCH = 32


@dataclass(frozen=True, slots=True)
class Reading:
    """How one network reads posts, and what its answers mean."""

    info: ModelInfo
    encode: Callable[[Sequence[str], str | None], list[Encoded]]
    """From the windows of one post, and its context, to what the network is given."""
    scores: Callable[[Sequence[float]], Mapping[ScoreKey, float]]
    """From the logits of one window to probabilities, always of the same keys."""
    post_tokens: int = POST_TOKENS
    reads_context: bool = True


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of one post, ready to be scored."""

    post: int
    span: Span
    encoded: Encoded


class TransformerClassifier:
    """Scores posts in windows of sentences; a post's score is that of its highest window.

    Computes in one thread of its own, so that the event loop stays free and batches do not compete.
    """

    def __init__(self, model: Any, tokenizer: Any, reading: Reading) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._reading = reading
        self._executor = OneThread("classifier")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load and verify a weights folder of ours; raises ``ModelError``."""
        card = read_card(folder)
        try:
            model, tokenizer = load_network(folder)
            classifier = cls(model, tokenizer, _our_reading(model, tokenizer, card))
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(f"The model at {folder} cannot be loaded: {error}. {GET_THEM}") from error
        return classifier

    @property
    def info(self) -> ModelInfo:
        return self._reading.info

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """Score ``inputs`` in order; a post without anything to read gets a prediction without scores."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self.predict_now, inputs)

    def predict_now(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """``predict`` in the calling thread, for when nothing else runs yet."""
        contexts = [context_of(post) if self._reading.reads_context else (None, frozenset()) for post in inputs]
        cut = [window for index, post in enumerate(inputs) for window in self._windows(index, post, contexts[index][0])]
        best: list[dict[ScoreKey, tuple[float, Span]]] = [{} for _ in inputs]
        for window, probabilities in zip(cut, self._score(cut), strict=True):
            scores = best[window.post]
            for key, probability in probabilities.items():
                if key not in scores or probability > scores[key][0]:
                    scores[key] = (probability, window.span)
        return [_prediction(scores, context[1]) for scores, context in zip(best, contexts, strict=True)]

    def _windows(self, index: int, post: ClassifierInput, context: str | None) -> list[_Window]:
        text = clean(post.text)
        whole = self._reading.post_tokens
        spans = windows(text.text, self._count_tokens, min(WINDOW_TOKENS, whole), whole)
        encoded = self._reading.encode([span.cut(text.text) for span in spans], context)
        return [
            _Window(index, text.raw_span(span.start, span.end), ids) for span, ids in zip(spans, encoded, strict=True)
        ]

    def _count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False, verbose=False))

    @torch.inference_mode()
    def _score(self, cut: Sequence[_Window]) -> list[Mapping[ScoreKey, float]]:
        """Probabilities of each window; neighbours in length share a batch, so padding is short."""
        found: list[Mapping[ScoreKey, float]] = [{} for _ in cut]
        order = sorted(range(len(cut)), key=lambda index: len(cut[index].encoded["input_ids"]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch = self._tokenizer.pad([cut[index].encoded for index in chosen], return_tensors="pt")
            for index, logits in zip(chosen, self._model(**batch).logits.tolist(), strict=True):
                found[index] = self._reading.scores(logits)
        return found


def load_network(folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) from files alone: no network, no pickles, no code (float16 is computed with in float32).

    Raises whatever transformers does, and ``ValueError`` if the files hold only a part of the network.
    """
    transformers_logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    vocabularies = list(tokenizer.vocab_files_names.values())
    if vocabularies and not any((folder / name).is_file() for name in vocabularies):  # it would be an empty one
        raise ValueError(f"the tokenizer is missing: {' or '.join(vocabularies)}")
    model, told = AutoModelForSequenceClassification.from_pretrained(
        str(folder),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if lacking := sorted(told["missing_keys"]):  # transformers would make them up at random
        raise ValueError(f"the weights lack {', '.join(lacking[:3])}: this is no trained sequence classifier")
    return model.eval(), tokenizer


def probability(logit: float, calibration: tuple[float, float]) -> float:
    """The calibrated probability; raises ``ArithmeticError`` if the network answered with no number."""
    if math.isnan(logit):
        raise ArithmeticError("the network's answer is not a number")
    slope, offset = calibration
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, slope * logit + offset))))


def _our_reading(model: Any, tokenizer: Any, card: WeightsCard) -> Reading:
    keys: list[ScoreKey] = [parse_score_key(model.config.id2label[i]) for i in range(model.num_labels)]
    if lacking := {*Axis, *keys} - set(card.calibration) | set(Axis) - set(keys):
        raise ValueError(f"not scored or not calibrated: {', '.join(sorted(lacking))}")
    return Reading(
        card.info,
        lambda parts, context: encode(tokenizer, parts, [context] * len(parts)),
        lambda logits: {
            key: probability(logit, card.calibration[key]) for key, logit in zip(keys, logits, strict=True)
        },
    )


def _prediction(scores: dict[ScoreKey, tuple[float, Span]], context: frozenset[Context]) -> Prediction:
    return Prediction(
        scores={key: probability for key, (probability, _) in scores.items()},
        spans={key: span for key, (_, span) in scores.items()},
        context=context,
    )
