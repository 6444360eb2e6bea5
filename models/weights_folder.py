"""A weights folder: a standard transformers folder, plus `threadwatch.json` that says what it means.

`threadwatch.json` holds the version, the labels' axes, the calibration of each score, the default
thresholds and the checksum of every file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.classifier import ModelError, ModelInfo
from models.labels import Axis, Label, ScoreKey, parse_score_key

CARD = "threadwatch.json"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
GRAPH = "model.int8.onnx"
LOADED = (".json", ".safetensors", ".onnx", ".txt")
MAKE_IT = (
    "If the weights are the released ones: `git checkout -- models/weights`. If you trained them: "
    "`python -m models.train.export`, or set THREADWATCH_RUNTIME=torch."
)
GET_THEM = "Get it with `git checkout -- models/weights`, or set THREADWATCH_MODEL to a folder that has it."
BRING_YOUR_OWN = "For a model that is not ours, set it to a TOML file: “Bring your own model” in README.md."


@dataclass(frozen=True, slots=True)
class WeightsCard:
    """The contents of `threadwatch.json`. ``calibration``: score = sigmoid(slope * logit + offset)."""

    info: ModelInfo
    calibration: Mapping[ScoreKey, tuple[float, float]]
    labels: Sequence[str]
    """What the network answers, in order."""


def read_card(folder: Path, network: str) -> WeightsCard:
    """Read ``folder`` and verify what is used of it, with the file ``network`` as the network.

    Raises ``ModelError`` for anything missing, altered or malformed.
    """
    path = folder / CARD
    if not path.is_file():
        raise ModelError(f"There is no model at {folder} ({CARD} is missing). {GET_THEM} {BRING_YOUR_OWN}")
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _check_network(folder, raw, network)
        _verify(
            folder, {name: sum_ for name, sum_ in raw["sha256"].items() if name not in {WEIGHTS, GRAPH} - {network}}
        )
        labels: dict[str, str] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["id2label"]
        card = WeightsCard(
            ModelInfo(
                version=raw["version"],
                axis_of={Label(label): Axis(axis) for label, axis in raw["axis_of"].items()},
                default_thresholds={parse_score_key(k): float(v) for k, v in raw["default_thresholds"].items()},
            ),
            {parse_score_key(k): (float(slope), float(offset)) for k, (slope, offset) in raw["calibration"].items()},
            [labels[str(number)] for number in range(len(labels))],
        )
        if lacking := [axis.value for axis in Axis if axis not in card.info.default_thresholds]:
            raise ValueError(f"no default threshold of {', '.join(lacking)}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is malformed ({type(error).__name__}: {error}). {GET_THEM}") from error
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write `threadwatch.json` with the checksums of all files in ``folder`` that are loaded."""
    files = sorted(path for path in folder.iterdir() if path.suffix in LOADED and path.name != CARD)
    content = {**card, "sha256": {path.name: checksum(path) for path in files}}
    (folder / CARD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_network(folder: Path, raw: Mapping[str, Any], network: str) -> None:
    if network not in raw["sha256"]:
        if network == GRAPH and WEIGHTS in raw["sha256"]:
            raise ModelError(f"{folder} has no {GRAPH}, the network for machines without a GPU. {MAKE_IT}")
        raise ValueError(f"no checksum of {network}")
    if network == GRAPH and raw.get("graph_of") != raw["sha256"].get(WEIGHTS):
        raise ModelError(f"{folder / GRAPH} was made from other weights than those beside it. {MAKE_IT}")


def _verify(folder: Path, checksums: Mapping[str, str]) -> None:
    for name, expected in checksums.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"The model file {path} is missing. {GET_THEM}")
        if checksum(path) != expected:
            raise ModelError(f"The model file {path} is not the one that was released (wrong checksum). {GET_THEM}")
