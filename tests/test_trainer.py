"""Training a tiny network for real: it learns what counts, and both passes make one schedule."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.train.dataset import Example
from models.train.recipe import Recipe
from models.train.trainer import fine_tune, logits_of, training_arguments, untrained
from tests.support.tiny_weights import tiny_folder

RECIPE = Recipe(seed=1, batch=4, learning_rate=3e-2)
CALM, RUDE = "the council met today.", "you are an idiot!"
INSULT = SCORE_KEYS.index(Label.INSULT)


def post(text: str, insult: float, weight: float = 1.0) -> Example:
    return Example("olid", "train", ClassifierInput(text), {Label.INSULT: insult}, {Label.INSULT: weight})


def trained(tmp_path: Path, examples: list[Example]) -> tuple[Any, Any]:
    model, tokenizer = untrained(tiny_folder(tmp_path / "tiny"), seed=1)
    return fine_tune(model, tokenizer, examples, tmp_path / "checkpoints", RECIPE, last=True), tokenizer


def insults(model: Any, tokenizer: Any) -> list[float]:
    return [row[INSULT] for row in logits_of(model, tokenizer, [post(RUDE, 1.0), post(CALM, 0.0)])]


def test_a_pass_tells_an_insult_from_a_calm_post(tmp_path: Path) -> None:
    rude, calm = insults(*trained(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0)] * 100))
    assert rude > 1.0 and calm < -1.0


def test_what_has_no_weight_teaches_nothing(tmp_path: Path) -> None:
    rude, calm = insults(*trained(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0), post(CALM, 1.0, weight=0.0)] * 70))
    assert rude > 1.0 and calm < -1.0


@pytest.mark.parametrize(("last", "end"), [(False, 1.0), (True, 0.02)])
def test_the_rate_is_held_in_the_first_pass_and_falls_to_zero_in_the_last(
    tmp_path: Path, last: bool, end: float
) -> None:
    trainer = Trainer(torch.nn.Linear(1, 1), training_arguments(tmp_path, 200, RECIPE, last=last))
    trainer.create_optimizer_and_scheduler(50)
    assert trainer.lr_scheduler is not None and trainer.optimizer is not None
    rates: list[float] = []
    for _ in range(50):
        rates.append(trainer.lr_scheduler.get_last_lr()[0] / RECIPE.learning_rate)
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    assert rates[0] == 0.0 and max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(end, abs=0.01)
