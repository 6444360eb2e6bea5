"""The machine that the figures are of, and how fast it multiplies matrices."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import psutil
from onnx import TensorProto, helper

_SIDE = 2048
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "asimddp", "i8mm")


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int
    instructions: tuple[str, ...]
    """Those that matter here."""
    memory_gb: float
    python: str
    packages: str
    int8_gops: float
    """Thousand million multiplications and additions a second, in int8 on a square matrix that is not small."""
    fp32_gops: float


def measure() -> Machine:
    facts = _cpuinfo()
    packages = ("onnxruntime", "torch", "transformers", "discord.py")
    return Machine(
        processor=facts.get("model name", platform.processor()),
        cores=len(os.sched_getaffinity(0)),
        instructions=tuple(flag for flag in _FLAGS if flag in facts.get("flags", "").split()),
        memory_gb=psutil.virtual_memory().total / 1e9,
        python=platform.python_version(),
        packages=", ".join(f"{name} {version(name)}" for name in packages),
        int8_gops=_gops("MatMulInteger", TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32),
        fp32_gops=_gops("MatMul", TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT),
    )


def best_of(times: int, work: Callable[[], object]) -> float:
    """The shortest time of ``work``, in seconds: on a shared machine the others are of its neighbours."""
    found: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def _gops(operator: str, left: int, right: int, result: int) -> float:
    """Of ONNX Runtime's own matrix multiplication, with the right side known beforehand, as weights are."""
    chance = np.random.default_rng(0)

    def matrix(kind: int) -> Any:
        return chance.integers(0, 100, (_SIDE, _SIDE)).astype(helper.tensor_dtype_to_np_dtype(kind))

    weights = helper.make_tensor("weights", right, (_SIDE, _SIDE), matrix(right).tobytes(), raw=True)
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "weights"], ["out"])],
        "peak",
        [helper.make_tensor_value_info("left", left, (_SIDE, _SIDE))],
        [helper.make_tensor_value_info("out", result, (_SIDE, _SIDE))],
        [weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session: Any = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {"left": matrix(left)}
    return 2 * _SIDE**3 / best_of(60, lambda: session.run(None, given)) / 1e9


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def lines_of(found: Machine) -> list[str]:
    return [
        f"{found.processor}, {found.cores} cores, {found.memory_gb:.0f} GB, {' '.join(found.instructions)}",
        f"Python {found.python}, {found.packages}",
        f"at most {found.int8_gops:.0f} GOP/s in int8 and {found.fp32_gops:.0f} in fp32, measured",
    ]


if __name__ == "__main__":
    print("\n".join(lines_of(measure())))
