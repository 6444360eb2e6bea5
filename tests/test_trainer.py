"""Training a tiny network for real: it learns what counts."""

from pathlib import Path
from typing import Any

import torch

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.train.dataset import Example
from models.train.recipe import Recipe
from models.train.trainer import fine_tune, logits_of, mean_weights, network, weights_of
from tests.support.tiny_weights import tiny_folder

RECIPE = Recipe(seed=1, batch=4)
CALM, RUDE = "the council met today.", "you are an idiot!"
INSULT = SCORE_KEYS.index(Label.INSULT)


def post(text: str, insult: float, weight: float = 1.0) -> Example:
    return Example("olid", "train", ClassifierInput(text), {Label.INSULT: insult}, {Label.INSULT: weight})


def after_a_pass(tmp_path: Path, examples: list[Example]) -> tuple[Any, Any]:
    model, tokenizer = network(tiny_folder(tmp_path / "tiny"), seed=1)
    return fine_tune(model, tokenizer, examples, tmp_path / "checkpoints", RECIPE, 3e-2), tokenizer


def insults(model: Any, tokenizer: Any) -> list[float]:
    return [row[INSULT] for row in logits_of(model, tokenizer, [post(RUDE, 1.0), post(CALM, 0.0)])]


def test_a_pass_tells_an_insult_from_a_calm_post(tmp_path: Path) -> None:
    rude, calm = insults(*after_a_pass(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0)] * 100))
    assert rude > 1.0 and calm < -1.0


def test_what_has_no_weight_teaches_nothing(tmp_path: Path) -> None:
    rude, calm = insults(*after_a_pass(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0), post(CALM, 1.0, weight=0.0)] * 70))
    assert rude > 1.0 and calm < -1.0


def test_the_mean_of_weights_lies_between_them_and_changes_none() -> None:
    ones, threes = (weights_of(torch.nn.Linear(2, 1)) for _ in range(2))
    for weights, value in ((ones, 1.0), (threes, 3.0)):
        for weight in weights.values():
            torch.nn.init.constant_(weight, value)
    assert torch.equal(mean_weights([ones, threes])["weight"], torch.full((1, 2), 2.0))
    assert torch.equal(ones["weight"], torch.ones(1, 2))


def test_a_copy_of_weights_is_not_the_model_s_own() -> None:
    model = torch.nn.Linear(2, 1)
    before = weights_of(model)
    torch.nn.init.constant_(model.weight, 3.0)
    assert not torch.equal(before["weight"], model.weight)
