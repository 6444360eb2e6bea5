"""A network on torch: on a GPU, for training, and any other Hugging Face sequence classifier."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from models.encoding import Encoded

_CPU_BUDGET = 1536
_GPU_BUDGET = 65_536
CLEARLY = 0.7
"""Of the time in single precision, at most: the trial is short, and rounding to and fro costs time too."""


class TorchNetwork:
    """``precise`` computes in single precision; otherwise in bfloat16 where that is faster."""

    def __init__(self, model: Any, tokenizer: Any, *, precise: bool = False) -> None:
        on_gpu = torch.cuda.is_available()
        self.model = model.to("cuda") if on_gpu else model
        self.budget = _GPU_BUDGET if on_gpu else _CPU_BUDGET
        self._tokenizer = tokenizer
        self._half = not precise and _gains_by_bfloat16()

    @torch.inference_mode()
    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        """A row a text, a column a label."""
        given = self._tokenizer.pad(list(batch), return_tensors="pt").to(self.model.device)
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self._half):
            return self.model(**given).logits.float().tolist()


def _gains_by_bfloat16() -> bool:
    """A GPU that can says so; a processor is tried out, for some that can are slower (without matrix tiles, say)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16")) and _seconds(torch.bfloat16) < CLEARLY * _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """Of a product as large as those of our network, the best of some."""
    posts, weights = torch.ones(1024, 384, dtype=dtype), torch.ones(384, 1536, dtype=dtype)
    best = math.inf
    for _ in range(20):
        started = time.perf_counter()
        _ = posts @ weights
        best = min(best, time.perf_counter() - started)
    return best


def load_network(folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) from files alone: no network, no pickles, no code (float16 is computed with in float32).

    Raises whatever transformers does, and ``ValueError`` if the files hold only a part of the network.
    """
    transformers_logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    vocabularies = list(tokenizer.vocab_files_names.values())
    if vocabularies and not any((folder / name).is_file() for name in vocabularies):  # it would be an empty one
        raise ValueError(f"the tokenizer is missing: {' or '.join(vocabularies)}")
    model, told = AutoModelForSequenceClassification.from_pretrained(
        str(folder),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if lacking := sorted(told["missing_keys"]):  # transformers would make them up at random
        raise ValueError(f"the weights lack {', '.join(lacking[:3])}: this is no trained sequence classifier")
    return model.eval(), tokenizer
