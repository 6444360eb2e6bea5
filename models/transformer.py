"""The classifier on transformers + torch, from a weights folder, without network."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from models.classifier import ClassifierInput, Context, ModelError, ModelInfo, Prediction, Span
from models.encoding import POST_TOKENS, context_of, encode
from models.labels import Axis, ScoreKey, parse_score_key
from models.text import clean
from models.weights_folder import GET_THEM, WeightsCard, read_card
from models.windows import windows

BATCH = 32


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of one post, ready to be scored."""

    post: int
    span: Span
    encoded: dict[str, list[int]]


class TransformerClassifier:
    """Scores posts in windows of sentences; a post's score is that of its highest window.

    Computes in one thread of its own, so that the event loop stays free and batches do not compete.
    """

    def __init__(self, model: Any, tokenizer: Any, card: WeightsCard) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._card = card
        self._keys: list[ScoreKey] = [parse_score_key(model.config.id2label[i]) for i in range(model.num_labels)]
        if lacking := {*Axis, *self._keys} - set(card.calibration) | set(Axis) - set(self._keys):
            raise ValueError(f"not scored or not calibrated: {', '.join(sorted(lacking))}")
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="classifier")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load and verify ``folder`` (float16 weights are computed with in float32); raises ``ModelError``."""
        card = read_card(folder)
        transformers_logging.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model = AutoModelForSequenceClassification.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
            classifier = cls(model.eval(), tokenizer, card)
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(f"The model at {folder} cannot be loaded: {error}. {GET_THEM}") from error
        return classifier

    @property
    def info(self) -> ModelInfo:
        return self._card.info

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """Score ``inputs`` in order; a post without anything to read gets a prediction without scores."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._predict, inputs)

    def _predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        contexts = [context_of(post) for post in inputs]
        cut = [window for index, post in enumerate(inputs) for window in self._windows(index, post, contexts[index][0])]
        best: list[dict[ScoreKey, tuple[float, Span]]] = [{} for _ in inputs]
        for window, probabilities in zip(cut, self._score(cut), strict=True):
            scores = best[window.post]
            for key, probability in zip(self._keys, probabilities, strict=True):
                if key not in scores or probability > scores[key][0]:
                    scores[key] = (probability, window.span)
        return [_prediction(scores, context[1]) for scores, context in zip(best, contexts, strict=True)]

    def _windows(self, index: int, post: ClassifierInput, context: str | None) -> list[_Window]:
        text = clean(post.text)
        spans = windows(text.text, self._count_tokens, POST_TOKENS)
        encoded = encode(self._tokenizer, [span.cut(text.text) for span in spans], [context] * len(spans))
        return [
            _Window(index, text.raw_span(span.start, span.end), ids) for span, ids in zip(spans, encoded, strict=True)
        ]

    def _count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False, verbose=False))

    @torch.inference_mode()
    def _score(self, cut: Sequence[_Window]) -> list[list[float]]:
        """Calibrated probabilities, a row a window; neighbours in length share a batch, so padding is short."""
        rows: list[list[float]] = [[] for _ in cut]
        order = sorted(range(len(cut)), key=lambda index: len(cut[index].encoded["input_ids"]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch = self._tokenizer.pad([cut[index].encoded for index in chosen], return_tensors="pt")
            for index, logits in zip(chosen, self._model(**batch).logits.tolist(), strict=True):
                rows[index] = [self._calibrate(key, logit) for key, logit in zip(self._keys, logits, strict=True)]
        return rows

    def _calibrate(self, key: ScoreKey, logit: float) -> float:
        slope, offset = self._card.calibration[key]
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, slope * logit + offset))))


def _prediction(scores: dict[ScoreKey, tuple[float, Span]], context: frozenset[Context]) -> Prediction:
    return Prediction(
        scores={key: probability for key, (probability, _) in scores.items()},
        spans={key: span for key, (_, span) in scores.items()},
        context=context,
    )
