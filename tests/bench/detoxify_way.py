"""The way that most bots take: Detoxify, by its own code, on a BERT-base, one post at a time in single precision.

Its weights are not on the package index, and speed does not depend on them: these are random, of the same shape.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from detoxify import Detoxify
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from bot.config import PROJECT_ROOT
from models.encoding import TOKENIZER

_CLASSES = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


def checkpoint(folder: Path) -> tuple[Path, Path]:
    """(checkpoint file, folder of config and tokenizer), as `Detoxify` takes them."""
    told = folder / "bert-base"
    torch.manual_seed(0)
    config = BertConfig(num_labels=len(_CLASSES))  # its defaults are those of bert-base-uncased
    config.save_pretrained(str(told))
    tokenizer = Tokenizer.from_file(str(PROJECT_ROOT / "models" / "weights" / TOKENIZER))  # the same vocabulary
    special: Any = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer.no_truncation()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special).save_pretrained(str(told))
    architecture = {
        "model_type": str(told),
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizerFast",
        "num_classes": len(_CLASSES),
    }
    file = folder / "toxic.ckpt"
    state = BertForSequenceClassification(config).state_dict()
    content = {"config": {"dataset": {"args": {"classes": _CLASSES}}, "arch": {"args": architecture}}}
    torch.save({**content, "state_dict": state}, file)
    return file, told


def load(folder: Path) -> Detoxify:
    file, told = checkpoint(folder)
    return Detoxify(checkpoint=str(file), huggingface_config_path=str(told))


def main() -> None:
    """Load and score one post, in a process of its own: `python -m tests.bench.detoxify_way CHECKPOINT FOLDER`."""
    file, told = sys.argv[1:]
    print(Detoxify(checkpoint=file, huggingface_config_path=told).predict("You are a complete idiot."), flush=True)
    sys.stdin.read()  # so that whoever started it can look at its memory


if __name__ == "__main__":
    main()
