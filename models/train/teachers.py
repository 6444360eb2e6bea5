"""Distillation: public rows are learned as a mean of trained networks sees them, not only as their annotators did.

Networks that were trained apart err apart, so their mean is better than each; a student that learns it costs no more
than one of them. Hinton et al., Distilling the knowledge in a neural network (https://arxiv.org/abs/1503.02531).
"""

# safetensors is typed in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from models.labels import SCORE_KEYS, ScoreKey
from models.loading import load_onnx
from models.train.calibrate import Scores, logits_of, score, scores_of
from models.train.dataset import CORPUS, Example
from models.weights_folder import CARD, GRAPH, checksum, read_card

_EDGE = 1e-7


def taught(examples: Sequence[Example], teachers: Sequence[Path], share: float, checkpoints: Path) -> list[Example]:
    """``examples`` with targets that are by ``share`` (0 to 1) the teachers' mean, by the rest the annotators'.

    A score that nobody annotated is the teachers' alone, at the weight ``share``. Posts of our own corpus stay as they
    are: they were labelled twice, and stand there because networks get them wrong. What a teacher says is kept in
    ``checkpoints``. Raises ``ModelError`` for a folder that is no weights folder.
    """
    public = [example for example in examples if example.source != CORPUS]
    if not teachers or not public:
        return list(examples)
    logits = np.mean([_logits(folder, public, checkpoints) for folder in teachers], axis=0)
    said = iter(scores_of(logits).tolist())
    return [example if example.source == CORPUS else _mixed(example, next(said), share) for example in examples]


def _mixed(example: Example, said: Sequence[float], share: float) -> Example:
    targets: dict[ScoreKey, float] = {}
    weights: dict[ScoreKey, float] = {}
    for key, teachers in zip(SCORE_KEYS, said, strict=True):
        annotators = (1 - share) * example.weights.get(key, 0.0)
        if share + annotators > 0:
            weights[key] = share + annotators
            targets[key] = (share * teachers + annotators * example.targets.get(key, 0.0)) / weights[key]
    return replace(example, targets=targets, weights=weights)


def _logits(folder: Path, examples: Sequence[Example], checkpoints: Path) -> Scores:
    """Before calibration, which sets scores to a prevalence that training does not have."""
    seen = hashlib.sha256(repr([example.input for example in examples]).encode()).hexdigest()
    kept = checkpoints / f"teacher-{checksum(folder / CARD)[:12]}-{seen[:12]}.safetensors"
    if not kept.exists():
        slopes, offsets = np.array([read_card(folder, GRAPH).calibration[key] for key in SCORE_KEYS]).T
        scores = np.clip(score(load_onnx(folder), examples), _EDGE, 1 - _EDGE)
        checkpoints.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")  # a run may be killed while it writes
        save_file({"logits": (logits_of(scores) - offsets) / slopes}, part)
        part.replace(kept)
    return load_file(kept)["logits"]
