"""Fine-tuning with a masked multi-label loss, on Hugging Face's Trainer (checkpoints, schedule, resume)."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from models.encoding import Encoder, context_of
from models.labels import SCORE_KEYS
from models.text import clean
from models.train.dataset import Example
from models.train.recipe import Recipe

HEAD = [key.value for key in SCORE_KEYS]


def _context(example: Example) -> str | None:
    return context_of(example.input.title, example.input.reply_to)[0]


class ExampleSet(Dataset[dict[str, Any]]):
    """Examples as token ids, targets and loss weights (0 where a score is masked)."""

    def __init__(self, examples: Sequence[Example], tokenizer: Any) -> None:
        encoder = Encoder(tokenizer.backend_tokenizer)
        self._encoded = [encoder.encode(clean(e.input.text).text, _context(e)) for e in examples]
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        example = self._examples[index]
        targets = [example.targets.get(key, 0.0) for key in SCORE_KEYS]
        weights = [example.weights.get(key, 0.0) for key in SCORE_KEYS]
        return {**self._encoded[index], "labels": [targets, weights]}


class MaskedLossTrainer(Trainer):
    """Each score's error counts by its weight: 1 where annotated, little where assumed, 0 where unknown."""

    def compute_loss(  # pyright: ignore[reportIncompatibleMethodOverride]  # the base class is untyped there
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Any:
        labels = inputs.pop("labels").float()
        outputs = model(**inputs)
        targets, weights = labels[:, 0], labels[:, 1]
        loss = binary_cross_entropy_with_logits(outputs.logits.float(), targets, weight=weights, reduction="sum")
        loss = loss / len(targets)
        return (loss, outputs) if return_outputs else loss


def network(folder: Path, seed: int) -> tuple[Any, Any]:
    """(model, tokenizer): the encoder in ``folder`` with its head, or a new one drawn from ``seed``."""
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(
        str(folder),
        local_files_only=True,
        dtype=torch.float32,
        attn_implementation="eager",  # on short posts the quickest
        num_labels=len(HEAD),
        id2label=dict(enumerate(HEAD)),
        label2id={name: index for index, name in enumerate(HEAD)},
        problem_type="multi_label_classification",
    )
    return model, tokenizer


def checkpoint_name(examples: Sequence[Example], recipe: Recipe, before: str) -> str:
    """Differs if the recipe, what it shows the network or ``before`` differ, which names what the pass begins with.

    So it changes when cleaning does.
    """
    seen = hashlib.sha256(f"{before}{recipe}".encode())
    for example in examples:
        read = clean(example.input.text).text, _context(example)
        seen.update(repr((read, example.targets, example.weights)).encode())
    return f"pass-{seen.hexdigest()[:12]}"


def fine_tune(model: Any, tokenizer: Any, examples: Sequence[Example], checkpoints: Path, recipe: Recipe) -> Any:
    """``model`` after one pass over ``examples`` with the recipe's dropout, resumed from ``checkpoints``."""
    data = ExampleSet(examples, tokenizer)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = recipe.dropout
    steps = math.ceil(len(data) / recipe.batch)
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=1,
        per_device_train_batch_size=recipe.batch,
        optim="adamw_torch_fused",
        learning_rate=recipe.learning_rate,
        warmup_steps=int(0.06 * steps),
        lr_scheduler_type="linear",
        weight_decay=0.01,
        bf16=_has_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="group_by_length",
        save_steps=500,
        save_total_limit=1,
        logging_steps=100,
        report_to=[],
        seed=recipe.seed,
        remove_unused_columns=False,
        disable_tqdm=not os.isatty(2),
    )
    trainer = MaskedLossTrainer(
        model=model, args=arguments, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer)
    )
    trainer.train(resume_from_checkpoint=_newest(checkpoints))
    return trainer.model


def _newest(checkpoints: Path) -> str | None:
    """The last whole checkpoint: a run may be killed while it writes one, of which this file comes last."""
    whole = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    return str(max(whole, key=lambda folder: int(folder.name.split("-")[1]))) if whole else None


def _has_bfloat16() -> bool:
    """Whether this machine multiplies in bfloat16; where it only imitates that, it would be slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


@torch.inference_mode()
def logits_of(model: Any, tokenizer: Any, examples: Sequence[Example]) -> list[list[float]]:
    """Raw scores, one row an example, one column a score key; batched by length."""
    data = ExampleSet(examples, tokenizer)
    collate = DataCollatorWithPadding(tokenizer)
    order = sorted(range(len(data)), key=lambda index: len(data[index]["input_ids"]))
    rows: list[list[float]] = [[] for _ in order]
    model.eval()
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        batch: Any = collate([data[index] for index in chosen])
        batch.pop("labels")
        for index, row in zip(chosen, model(**batch.to(model.device)).logits.float().tolist(), strict=True):
            rows[index] = row
    return rows
