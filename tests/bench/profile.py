"""Where the time of a post goes: reading it, and the operators of the forward pass; how near that is to the peak."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from bot.config import Settings
from models.encoding import POST_TOKENS, WINDOW_TOKENS, Encoder
from models.onnx_network import BUDGET, INPUTS, LOGITS, session_options
from models.text import clean
from models.weights_folder import CONFIG, GRAPH, WEIGHTS
from models.windows import scales
from tests.bench.machine import best_of
from tests.bench.posts import texts

TOKENS = 48
POSTS = 400


@dataclass(frozen=True, slots=True)
class Profile:
    """Milliseconds are of a post; ``operators`` are shares of the forward pass."""

    clean_ms: float
    tokens_ms: float
    """Cutting into windows and tokenizing."""
    forward_ms: float
    """Of a post of ``TOKENS`` tokens in a full batch."""
    gops: float
    """Thousand million int8 multiplications and additions a second in the forward pass, all its time counted."""
    operators: Mapping[str, float]

    @property
    def matrix_share(self) -> float:
        return self.operators["MatMulIntegerToFloat"]


def measure() -> Profile:
    folder = Settings().model
    posts = texts(POSTS)
    cleaned = [clean(text).text for text in posts]
    encoder = Encoder.load(folder)
    rows = BUDGET // TOKENS
    given = _batch(rows)
    session = _session(folder)
    forward = best_of(30, lambda: session.run([LOGITS], given))
    return Profile(
        clean_ms=1000 * best_of(3, lambda: [clean(text) for text in posts]) / POSTS,
        tokens_ms=1000 * _token_seconds(encoder, cleaned) / POSTS,
        forward_ms=1000 * forward / rows,
        gops=2 * rows * TOKENS * _multiplications(folder) / forward / 1e9,
        operators=_operators(folder, given),
    )


def _token_seconds(encoder: Encoder, cleaned: list[str]) -> float:
    started = time.perf_counter()
    for text in cleaned:
        for span in chain(*scales(text, encoder.count, POST_TOKENS, WINDOW_TOKENS)):
            encoder.encode(span.cut(text), None)
    return time.perf_counter() - started


def _batch(rows: int) -> dict[str, Any]:
    ids = np.random.default_rng(0).integers(1000, 29_000, (rows, TOKENS))
    return dict(zip(INPUTS, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))


def _multiplications(folder: Path) -> int:
    """Of a token, in the linear layers; attention itself adds some 2 % at this length."""
    layers = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["num_hidden_layers"]
    found = {
        name: weight.size
        for name, weight in load_file(folder / WEIGHTS).items()
        if ".layer." in name and weight.ndim == 2
    }
    assert len(found) == 6 * layers, "query, key, value, their output, and the two of the feed-forward part"
    return sum(found.values())


def _session(folder: Path, *, profiled: str | None = None) -> Any:
    options = session_options()
    if profiled:
        options.enable_profiling = True
        options.profile_file_prefix = profiled
    return onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])


def _operators(folder: Path, given: Mapping[str, Any]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as target:
        session = _session(folder, profiled=f"{target}/profile")
        for _ in range(20):
            session.run([LOGITS], given)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    return {name: time_ / spent.total() for name, time_ in spent.most_common()}


def lines_of(found: Profile) -> list[str]:
    return [
        f"clean {found.clean_ms:.3f} ms, tokens {found.tokens_ms:.3f} ms, forward {found.forward_ms:.2f} ms a post",
        f"{found.gops:.0f} GOP/s in int8 over the whole forward pass",
        *(f"{share:7.1%}  {name}" for name, share in list(found.operators.items())[:8]),
    ]


if __name__ == "__main__":
    print("\n".join(lines_of(measure())))
