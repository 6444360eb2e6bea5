"""The TOML file that describes a model which is not ours: where it is, and what its labels mean to us."""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from models.classifier import ModelError, ModelInfo
from models.labels import AXIS_OF, Axis, Label, ScoreKey, parse_score_key

DEFAULT_THRESHOLD = 0.5

_ENTRIES = ("model", "revision", "activation", "labels", "thresholds", "calibration")
_SEE = "See “Bring your own model” in README.md."


class Activation(StrEnum):
    """How the model's answers become probabilities: each label by itself, or one of all labels."""

    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


@dataclass(frozen=True, slots=True)
class OwnModel:
    """The contents of the file; ``labels`` are the model's, and what each counts for with us."""

    file: Path
    model: str
    revision: str | None
    activation: Activation | None
    labels: Mapping[str, ScoreKey]
    thresholds: Mapping[ScoreKey, float]
    calibration: Mapping[ScoreKey, tuple[float, float]]
    fingerprint: str
    """Of the file's entries: decisions that were made with another mapping or calibration can be told apart."""

    @property
    def folder(self) -> Path:
        """Where the model is, unless it has a revision and so is on the hub."""
        return (self.file.parent / Path(self.model).expanduser()).resolve()

    @property
    def axis_of(self) -> dict[Label, Axis]:
        return {label: axis for label, axis in AXIS_OF.items() if label in self.labels.values()}

    @property
    def flagging(self) -> set[ScoreKey]:
        """The scores that posts can be flagged by: an axis also counts when only a label of it does."""
        axes = {key for key in self.labels.values() if isinstance(key, Axis)}
        return axes | set(self.axis_of) | set(self.axis_of.values())

    def info(self, version: str) -> ModelInfo:
        thresholds = {key: self.thresholds.get(key, DEFAULT_THRESHOLD) for key in self.flagging}
        return ModelInfo(version, self.axis_of, thresholds)


def read_own_model(file: Path) -> OwnModel:
    """Read and check ``file``; raises ``ModelError`` that names the file and what to mend."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ModelError(
            f"{file} cannot be read ({error.strerror}). Set THREADWATCH_MODEL to a file that is there."
        ) from error
    except ValueError as error:
        raise ModelError(f"{file} is not valid TOML ({error}). {_SEE}") from error
    try:
        if unknown := sorted(set(raw) - set(_ENTRIES)):
            raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(_ENTRIES)}")
        own = OwnModel(
            file=file,
            model=_model(raw),
            revision=_revision(raw),
            activation=_activation(raw),
            labels=_labels(raw),
            thresholds={key: _threshold(key, value) for key, value in _by_key(raw, "thresholds").items()},
            calibration={key: _pair(key, value) for key, value in _by_key(raw, "calibration").items()},
            fingerprint=_fingerprint(raw),
        )
        _check(own)
    except ValueError as error:
        raise ModelError(f"{file}: {error}. {_SEE}") from error
    return own


def _model(raw: Mapping[str, Any]) -> str:
    match raw.get("model"):
        case str(model) if model.strip():
            return model
        case _:
            raise ValueError(
                '`model` must be the name of a model on the hub or of a folder, such as "unitary/toxic-bert"'
            )


def _revision(raw: Mapping[str, Any]) -> str | None:
    match raw.get("revision"):
        case None:
            return None
        case str(revision) if re.fullmatch("[0-9a-f]{40}", revision):
            return revision
        case other:
            raise ValueError(
                f"`revision` must be a full commit, 40 characters from 0 to f, not {other!r}: a branch or a tag may "
                "come to mean other weights. It stands on the model's page under Files, History"
            )


def _activation(raw: Mapping[str, Any]) -> Activation | None:
    match raw.get("activation"):
        case None:
            return None
        case "sigmoid" | "softmax" as name:
            return Activation(name)
        case other:
            raise ValueError(f'`activation` must be "sigmoid" or "softmax", not {other!r}')


def _table(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    table: object = raw.get(name, {})
    if type(table) is not dict:
        raise ValueError(f"`{name}` must be a table: a line [{name}] with its entries below")
    return cast("dict[str, Any]", table)


def _labels(raw: Mapping[str, Any]) -> dict[str, ScoreKey]:
    table = _table(raw, "labels")
    if wrong := [theirs for theirs, ours in table.items() if not isinstance(ours, str)]:
        raise ValueError(f'[labels] {wrong[0]}: write "their label" = "ours", both in quotation marks')
    return {theirs: _key("labels", ours) for theirs, ours in table.items()}


def _by_key(raw: Mapping[str, Any], name: str) -> dict[ScoreKey, Any]:
    return {_key(name, key): value for key, value in _table(raw, name).items()}


def _key(table: str, name: str) -> ScoreKey:
    try:
        return parse_score_key(name)
    except ValueError as error:
        raise ValueError(f"[{table}]: {error}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _threshold(key: ScoreKey, value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"[thresholds] {key}: {value!r} is not a number from 0 to 1")
    return float(value)


def _pair(key: ScoreKey, value: Any) -> tuple[float, float]:
    match value:
        case [slope, offset] if _is_number(slope) and _is_number(offset):
            return float(slope), float(offset)
        case _:
            raise ValueError(f"[calibration] {key}: {value!r} is not [slope, offset], two numbers")


def _fingerprint(raw: Mapping[str, Any]) -> str:
    """Four digits that stay the same when only comments, spaces or the order of the entries change."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:4]


def _check(own: OwnModel) -> None:
    if not own.flagging:
        raise ValueError("[labels] gives no label of the model a meaning that posts can be flagged for")
    if idle := sorted(set(own.thresholds) - own.flagging):
        raise ValueError(f"[thresholds] {', '.join(idle)}: no label in [labels] leads to a flag there")
    if idle := sorted(set(own.calibration) - set(own.labels.values())):
        raise ValueError(f"[calibration] {', '.join(idle)}: no label in [labels] is given this meaning")
