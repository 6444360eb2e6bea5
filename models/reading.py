"""How one network reads posts, and what its answers mean; and the network itself, whatever computes it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.classifier import ModelInfo
from models.encoding import POST_TOKENS, Encoded, Encoder
from models.labels import Axis, ScoreKey, parse_score_key
from models.weights_folder import WeightsCard


class Network(Protocol):
    """Computes in the thread that calls it."""

    @property
    def budget(self) -> int:
        """Tokens of a batch, padding included, beyond which more of them at once are no faster."""
        ...

    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        """A row a text, a column a label."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """Between posts and a network."""

    info: ModelInfo
    count_tokens: Callable[[str], int]
    encode: Callable[[str, str | None], Encoded]
    """From a window of a post, and its context, to what the network is given."""
    scores: Callable[[Sequence[float]], Mapping[ScoreKey, float]]
    """From the logits of one window to probabilities, always of the same keys."""
    post_tokens: int = POST_TOKENS
    reads_context: bool = True


def our_reading(card: WeightsCard, encoder: Encoder) -> Reading:
    """Of a network of ours; raises ``ValueError`` if the card does not say what each of its labels means."""
    keys: list[ScoreKey] = [parse_score_key(label) for label in card.labels]
    if lacking := {*Axis, *keys} - set(card.calibration) | set(Axis) - set(keys):
        raise ValueError(f"not scored or not calibrated: {', '.join(sorted(lacking))}")
    calibration = [(key, card.calibration[key]) for key in keys]
    return Reading(
        card.info,
        encoder.count,
        encoder.encode,
        lambda logits: {key: probability(x, pair) for (key, pair), x in zip(calibration, logits, strict=True)},
    )


def probability(logit: float, calibration: tuple[float, float]) -> float:
    """The calibrated probability; raises ``ArithmeticError`` if the network answered with no number."""
    if math.isnan(logit):
        raise ArithmeticError("the network's answer is not a number")
    slope, offset = calibration
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, slope * logit + offset))))
