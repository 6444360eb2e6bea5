"""A weights folder of ours with a network of a few thousand random weights."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.labels import SCORE_KEYS
from models.train.export import export
from models.weights_folder import CARD, write_card
from tests.support.keyword import AXIS_OF

WORDS = ["you", "are", "an", "idiot", "the", "council", "met", "today", "user", "@", ".", ",", "!", "?"]
HEAD = [key.value for key in SCORE_KEYS]


def tiny_folder(folder: Path, head: list[str] = HEAD, seed: int = 1) -> Path:
    """A network of a few thousand random weights, saved as the real one is."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    backend = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(str(folder))
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    names = dict(enumerate(head))
    config = BertConfig(vocab_size=len(pieces), id2label=names, label2id={v: k for k, v in names.items()}, **sizes)
    BertForSequenceClassification(config).to(torch.float16).save_pretrained(str(folder))
    write_card(folder, card())
    export(folder)
    return folder


def card() -> dict[str, Any]:
    return {
        "version": "tiny-1",
        "axis_of": AXIS_OF,
        "calibration": dict.fromkeys(HEAD, (2.0, -1.0)),
        "default_thresholds": dict.fromkeys(HEAD, 0.5),
    }


def alter(folder: Path, **changes: Any) -> None:
    """Change the card, checksums untouched; ``None`` removes an entry."""
    content = json.loads((folder / CARD).read_text()) | changes
    (folder / CARD).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
