"""Distillation: public rows are learned as a mean of trained networks sees them, not only as their annotators did.

Networks that were trained apart err apart, so their mean is better than each; a student that learns it costs no more
than one of them. Hinton et al., Distilling the knowledge in a neural network (https://arxiv.org/abs/1503.02531).
"""

# safetensors is typed in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from models.labels import SCORE_KEYS, ScoreKey
from models.train.calibrate import Scores, scores_of
from models.train.dataset import CORPUS, Example
from models.train.groups import names_group
from models.train.trainer import inputs_hash, logits_of, network
from models.weights_folder import WEIGHTS, checksum, read_card


def taught(examples: Sequence[Example], teachers: Sequence[Path], share: float, checkpoints: Path) -> list[Example]:
    """``examples`` with targets that are by ``share`` (0 to 1) the teachers' mean, by the rest the annotators'.

    A score that nobody annotated is the teachers' alone, at the weight ``share``. Three kinds of posts stay as they
    are: those of our own corpus and the public rows that we read ourselves, where our word is better than a
    network's, and those that name a group of people, lest a teacher's suspicion of the name is handed on. What a
    teacher says is kept in ``checkpoints``. Raises ``ModelError`` for a folder that is no weights folder.
    """
    asked = [_is_taught(example) for example in examples]
    public = [example for example, is_asked in zip(examples, asked, strict=True) if is_asked]
    if not teachers or not public:
        return list(examples)
    logits = np.mean([_logits(folder, public, checkpoints) for folder in teachers], axis=0)
    said = iter(scores_of(logits).tolist())
    return [
        _mixed(example, next(said), share) if is_asked else example
        for example, is_asked in zip(examples, asked, strict=True)
    ]


def _is_taught(example: Example) -> bool:
    return not (example.source == CORPUS or example.read or names_group(example.input.text))


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
    """Before calibration, which sets scores to a prevalence that training does not have; long posts cut as there."""
    read_card(folder, WEIGHTS)  # refuses weights that were altered
    kept = checkpoints / f"teacher-{checksum(folder / WEIGHTS)[:12]}-{inputs_hash(examples)[:12]}.safetensors"
    if not kept.exists():
        model, tokenizer = network(folder, seed=0)
        checkpoints.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")  # a run may be killed while it writes
        save_file({"logits": np.array(logits_of(model, tokenizer, examples))}, part)
        part.replace(kept)
    return load_file(kept)["logits"]
