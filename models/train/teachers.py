"""Distillation: public rows are learned as a mean of trained networks sees them, not only as their annotators did.

Networks that were trained apart err apart, so their mean is better than each; a student that learns it costs no more
than one of them. Hinton et al., Distilling the knowledge in a neural network (https://arxiv.org/abs/1503.02531).
"""

# safetensors is typed in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from models.labels import SCORE_KEYS, Label
from models.train.calibrate import Scores, scores_of
from models.train.dataset import Example
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS
from models.train.trainer import inputs_hash, logits_of

_DOMAINS = (frozenset(INFLAMMATORY_KEYS), frozenset((*MISINFORMATION_KEYS, Label.CHECKWORTHY)))


def opinion(model: Any, tokenizer: Any, examples: Sequence[Example], folder: Path) -> Scores:
    """What a trained network says of ``examples``: raw logits (examples, score keys), kept in ``folder``.

    Before calibration, which sets scores to a prevalence that training does not have; long posts are cut as there.
    """
    kept = folder / f"said-{inputs_hash(examples)[:12]}.safetensors"
    if not kept.exists():
        part = kept.with_suffix(".part")  # a run may be killed while it writes
        save_file({"logits": np.array(logits_of(model, tokenizer, examples))}, part)
        part.replace(kept)
    return load_file(kept)["logits"]


def taught(examples: Sequence[Example], opinions: Sequence[Scores], share: float) -> list[Example]:
    """Public ``examples`` with targets that are by ``share`` (0 to 1) the teachers' mean, by the rest the annotators'.

    ``opinions`` are what each teacher says of ``examples``; without any they stay as they are.
    """
    if not opinions:
        return list(examples)
    said = scores_of(np.mean(opinions, axis=0)).tolist()
    return [_mixed(example, row, share) for example, row in zip(examples, said, strict=True)]


def _mixed(example: Example, said: Sequence[float], share: float) -> Example:
    """Teachers speak of the domain that annotators were asked about, and there of every score, at the weight ``share``,
    whatever the set's. Of the other domain they know little, having learned from such posts that it is never touched;
    nor of what is doubtful, where no public row told them better.
    """
    targets, weights = dict(example.targets), dict(example.weights)
    asked = set(example.targets) - example.weak
    for key, teachers in zip(SCORE_KEYS, said, strict=True):
        if share and key not in example.doubtful and any(key in domain and asked & domain for domain in _DOMAINS):
            annotators = (1 - share) * example.weights.get(key, 0.0)
            weights[key] = share + annotators
            targets[key] = (share * teachers + annotators * example.targets.get(key, 0.0)) / weights[key]
    return replace(example, targets=targets, weights=weights)
