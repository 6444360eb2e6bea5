"""A network on ONNX Runtime: for machines without a GPU. Imports neither torch nor transformers."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from models.classifier import ModelError
from models.encoding import Encoded

BUDGET = 512
"""Measured: larger batches leave the caches, smaller ones leave threads waiting."""
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOGITS = "logits"

_runtime: Any = ort  # untyped: a compiled module


class OnnxNetwork:
    """The graph in ``path``; raises ``ModelError`` if it cannot be computed."""

    budget = BUDGET

    def __init__(self, path: Path) -> None:
        try:
            self._session = _runtime.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's own errors have no common type
            raise ModelError(f"ONNX Runtime cannot load {path} ({type(error).__name__}).") from error

    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        """A row a text, a column a label."""
        width = max(len(text["input_ids"]) for text in batch)
        given = {name: np.zeros((len(batch), width), np.int64) for name in INPUTS}  # 0 is padding in all three
        for row, text in enumerate(batch):
            for name, array in given.items():
                array[row, : len(text[name])] = text[name]
        (found,) = self._session.run([LOGITS], given)
        return found.tolist()


def session_options() -> Any:
    options = _runtime.SessionOptions()
    options.intra_op_num_threads = processors()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Between posts the processor is other people's: threads do not spin while they wait for the next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # The graph is written as it is to be computed; and lengths differ, so plans of memory would not be used again.
    options.graph_optimization_level = _runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_mem_pattern = False
    return options


def processors(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """How many this process may use; a container's share of time (``limit``, of Linux) counts as so many."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, math.ceil(int(quota) / int(period))))
