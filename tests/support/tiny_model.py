"""Networks of a few thousand weights with their tokenizers, as strangers save theirs, and the TOML file for one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

CALM, RUDE = "The council met today.", "You are an idiot."
COMMIT = "0123456789abcdef0123456789abcdef01234567"
AXIS_ONLY = '[labels]\ntoxic = "inflammatory"'
HUB = f'model = "somebody/tiny"\nrevision = "{COMMIT}"'

Describe = Callable[..., Path]
"""The fixture `describe`: it writes the TOML file beside the folder `tiny-bert`."""

_LABELS = ("toxic", "insult", "calm")
_SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def bert_tokenizer() -> PreTrainedTokenizerFast:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["you", "are", "an", "idiot", "the", "council", "met", "today", ".", "!"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *(f"##{letter}" for letter in letters)]
    backend = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def roberta_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, and no token types."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, model_input_names=["input_ids", "attention_mask"], **special
    )


def save_bert(folder: Path, labels: tuple[str, ...] = _LABELS, **config: Any) -> Path:
    """A tiny BERT that has learnt that the first two labels mean RUDE and the others CALM."""
    tokenizer, names = bert_tokenizer(), dict(enumerate(labels))
    torch.manual_seed(1)
    told = BertConfig(vocab_size=len(tokenizer), id2label=names, label2id={v: k for k, v in names.items()}, **_SIZES)
    told.update(config)
    network = BertForSequenceClassification(told)
    batch = tokenizer([CALM, RUDE], padding=True, return_tensors="pt")
    rude = torch.tensor([float(i < 2 and labels[0] == "toxic") for i in range(len(labels))])
    rude = rude if rude.any() else torch.tensor([float(i == 1) for i in range(len(labels))])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        logits = network(**batch).logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.stack([1 - rude, rude]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def save_roberta(folder: Path) -> Path:
    tokenizer = roberta_tokenizer()
    torch.manual_seed(1)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=34,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        id2label={0: "nothate", 1: "hate"},
        label2id={"nothate": 0, "hate": 1},
        **_SIZES,
    )
    RobertaForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def write_toml(folder: Path, rest: str = AXIS_ONLY, head: str = 'model = "tiny-bert"') -> Path:
    file = folder / "my-model.toml"
    file.write_text(f"{head}\n{rest}\n", encoding="utf-8")
    return file
