"""From a trained network to a weights folder: calibration, default thresholds, files, checksums."""

# scikit-learn is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.labels import SCORE_KEYS, Axis, Label, ScoreKey
from models.train.card import card
from models.train.dataset import Example
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS
from models.train.trainer import logits_of
from models.weights_folder import checksum, write_card

PREVALENCE = 0.1
"""Scores are probabilities for a stream in which this share of posts is positive."""
SOBER: dict[str, tuple[tuple[str, ...], float]] = {
    "argument": (("forum_verifiability", "cad"), 0.01),
    "news": (("ptc_sentence_propaganda", "coaid_titles"), 0.05),
}
"""Strata of posts that must pass: sets, and the share of their negatives that may reach an axis's threshold."""
LABEL_SHARE = {Label.THREAT: 1.0}
OTHER_LABELS_SHARE = 0.3
"""A label may raise fewer false alarms than its axis, since it comes on top; but a missed threat costs most."""


def write_weights(folder: Path, model: Any, tokenizer: Any, examples: Sequence[Example], data: Path) -> str:
    """Calibrate on the development split, write ``folder`` and its card, return a report."""
    dev = [example for example in examples if example.split == "dev"]
    logits = np.array(logits_of(model, tokenizer, dev))
    calibration = {key: _platt(logits[:, i], dev, key) for i, key in enumerate(SCORE_KEYS)}
    slopes, offsets = np.array(list(calibration.values())).T
    scores = 1 / (1 + np.exp(-(logits * slopes + offsets)))
    thresholds = _default_thresholds(scores, dev)
    folder.mkdir(parents=True, exist_ok=True)
    model.to(torch.float16).save_pretrained(str(folder), safe_serialization=True)
    tokenizer.save_pretrained(str(folder))
    version = f"minilm-l6-{checksum(folder / 'model.safetensors')[:8]}"
    write_card(
        folder,
        {
            "version": version,
            "base": "sentence-transformers/all-MiniLM-L6-v2",
            "axis_of": _axis_of(),
            "calibration": calibration,
            "calibrated_at_prevalence": PREVALENCE,
            "default_thresholds": thresholds,
        },
    )
    report = _report(scores, dev, thresholds)
    (folder / "README.md").write_text(card(version, examples, data, report), encoding="utf-8")
    return report


def _axis_of() -> dict[str, str]:
    pairs = ((Axis.INFLAMMATORY, INFLAMMATORY_KEYS), (Axis.MISINFORMATION, MISINFORMATION_KEYS))
    return {key.value: axis.value for axis, keys in pairs for key in keys if isinstance(key, Label)}


def _annotated(dev: Sequence[Example], key: ScoreKey) -> tuple[Any, Any, Any]:
    """(row indices, targets as 0 or 1, weights) of the examples in which ``key`` takes part."""
    rows = [i for i, example in enumerate(dev) if key in example.targets]
    targets = np.array([dev[i].targets[key] >= 0.5 for i in rows], dtype=int)
    weights = np.array([dev[i].weights[key] for i in rows])
    return rows, targets, weights


def _platt(logits: Any, dev: Sequence[Example], key: ScoreKey) -> tuple[float, float]:
    """Platt scaling (slope, offset) with classes re-weighted to the stated prevalence."""
    rows, targets, weights = _annotated(dev, key)
    for value, share in ((1, PREVALENCE), (0, 1 - PREVALENCE)):
        weights[targets == value] *= share / weights[targets == value].sum()
    fitted = LogisticRegression(C=1e6).fit(logits[rows].reshape(-1, 1), targets, sample_weight=weights * len(rows))
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _default_thresholds(scores: Any, dev: Sequence[Example]) -> dict[str, float]:
    """The lowest thresholds that keep the false alarms in every sober stratum as rare as ``SOBER`` asks."""
    thresholds = dict.fromkeys((key.value for key in SCORE_KEYS), 0.0)
    for sources, share in SOBER.values():
        rows = [i for i, example in enumerate(dev) if example.source in sources and not any(_strict(example))]
        for column, key in enumerate(SCORE_KEYS):
            allowed = share if isinstance(key, Axis) else share * LABEL_SHARE.get(key, OTHER_LABELS_SHARE)
            value = float(np.quantile(scores[rows, column], 1 - allowed))
            thresholds[key.value] = max(thresholds[key.value], round(value, 3))
    return thresholds


def _strict(example: Example) -> list[bool]:
    """Whether each annotated target of ``example`` is positive."""
    return [value >= 0.5 for value in example.targets.values()]


def _report(scores: Any, dev: Sequence[Example], thresholds: dict[str, float]) -> str:
    """On development rows with a strict annotation: AUC, and recall and false alarms at the default."""
    lines = [f"{'score':<20}{'rows':>7}{'AUC':>8}{'threshold':>11}{'recall':>8}{'false alarms':>14}"]
    for column, key in enumerate(SCORE_KEYS):
        rows, targets, _ = _annotated(dev, key)
        strict = np.array([key not in dev[i].weak for i in rows])
        chosen, truth = scores[rows, column][strict], targets[strict]
        flagged = chosen >= thresholds[key]
        lines.append(
            f"{key:<20}{len(truth):>7}{roc_auc_score(truth, chosen):>8.3f}{thresholds[key]:>11.3f}"
            f"{flagged[truth == 1].mean():>8.2f}{flagged[truth == 0].mean():>14.3f}"
        )
    return "\n".join(lines)
