"""From a trained network to a weights folder: files, calibration, default thresholds, checksums, card."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sklearn.metrics import roc_auc_score

from models.encoding import Encoded, Encoder
from models.labels import AXIS_OF, SCORE_KEYS, ScoreKey
from models.loading import load_torch
from models.reading import Network, our_reading
from models.train.calibrate import PREVALENCE, Scores, annotated, fitted_half, platt, score
from models.train.card import Learned, card
from models.train.dataset import Example
from models.train.export import export
from models.train.margins import safe_limits
from models.train.strata import STRATA
from models.train.thresholds import default_thresholds, flagged_by_anything
from models.weights_folder import WEIGHTS, checksum, read_card, write_card
from models.windowed import WindowedClassifier

_UNCALIBRATED = dict.fromkeys(SCORE_KEYS, (1.0, 0.0))


def write_weights(folder: Path, model: Any, tokenizer: Any, dev: Sequence[Example], learned: Learned) -> str:
    """Write ``folder``, calibrated on the examples of ``dev``; return a report.

    Made beside it and moved there when done, lest a run that is stopped leaves weights without their calibration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        made = Path(name)
        model.to(torch.float16).save_pretrained(str(made), safe_serialization=True)
        tokenizer.save_pretrained(str(made))
        version = f"minilm-l6-{checksum(made / WEIGHTS)[:8]}"
        report = _calibrate(made, version, dev)
        export(made)
        (made / "README.md").write_text(card(version, learned, report), encoding="utf-8")
        for path in made.iterdir():
            path.replace(folder / path.name)
    return report


def _calibrate(folder: Path, version: str, dev: Sequence[Example]) -> str:
    """Give the network in ``folder`` its calibration and default thresholds; return a report."""
    halves = dict.fromkeys(SCORE_KEYS, 0.5)
    _describe(folder, version, _UNCALIBRATED, halves)
    network = _Remembering(load_torch(folder, precise=True).network)
    fitted = [example for example in dev if fitted_half(example)]
    calibration = platt(_scores(network, folder, fitted), fitted)
    _describe(folder, version, calibration, halves)
    scores = _scores(network, folder, dev)
    thresholds = default_thresholds(scores, dev, safe_limits(scores, dev))
    _describe(folder, version, calibration, thresholds)
    return _report(scores, dev, thresholds)


def _scores(network: Network, folder: Path, examples: Sequence[Example]) -> Scores:
    """By the network in ``folder``, calibrated as its card says now."""
    reading = our_reading(read_card(folder, WEIGHTS), Encoder.load(folder))
    return score(WindowedClassifier(network, reading), examples)


class _Remembering:
    """A network that computes each text once: the same posts are scored before and after calibration."""

    def __init__(self, network: Network) -> None:
        self.budget = network.budget
        self._network = network
        self._known: dict[str, list[float]] = {}

    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        texts = [repr(encoded) for encoded in batch]
        fresh = {text: encoded for text, encoded in zip(texts, batch, strict=True) if text not in self._known}
        if fresh:
            self._known.update(zip(fresh, self._network.logits(list(fresh.values())), strict=True))
        return [self._known[text] for text in texts]


def _describe(
    folder: Path,
    version: str,
    calibration: Mapping[ScoreKey, tuple[float, float]],
    thresholds: Mapping[ScoreKey, float],
) -> None:
    write_card(
        folder,
        {
            "version": version,
            "base": "sentence-transformers/all-MiniLM-L6-v2",
            "axis_of": AXIS_OF,
            "calibration": calibration,
            "calibrated_at_prevalence": PREVALENCE,
            "default_thresholds": thresholds,
        },
    )


def _report(scores: Scores, dev: Sequence[Example], thresholds: Mapping[ScoreKey, float]) -> str:
    """On annotated development rows: AUC, and recall and false alarms at the default; what strata lose."""
    lines = [f"{'score':<20}{'rows':>7}{'AUC':>8}{'threshold':>11}{'recall':>8}{'false alarms':>14}"]
    for column, key in enumerate(SCORE_KEYS):
        rows, truth = annotated(dev, key)
        chosen = scores[rows, column]
        flagged = chosen >= thresholds[key]
        lines.append(
            f"{key:<20}{len(truth):>7}{roc_auc_score(truth, chosen):>8.3f}{thresholds[key]:>11.3f}"
            f"{flagged[truth].mean():>8.2f}{flagged[~truth].mean():>14.3f}"
        )
    lines += ["", f"{'flagged, of posts that must pass':<52}{'rows':>7}{'flagged':>9}"]
    for name, stratum in STRATA.items():
        rows = stratum.rows_of(dev)
        if len(rows):
            flagged = flagged_by_anything(scores[rows], thresholds, stratum.columns)
            lines.append(f"{name:<52}{len(rows):>7}{flagged.mean():>9.3f}")
    return "\n".join(lines)
