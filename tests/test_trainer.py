"""Training a tiny network for real: it learns what counts, and what is kept is the mean of its passes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.train.__main__ import trained
from models.train.dataset import Example
from models.train.recipe import Recipe
from models.train.trainer import fine_tune, logits_of, mean_of, network
from tests.support.tiny_weights import tiny_folder

RECIPE = Recipe(seed=1, batch=4, learning_rate=3e-2)
CALM, RUDE = "the council met today.", "you are an idiot!"
INSULT = SCORE_KEYS.index(Label.INSULT)


def post(text: str, insult: float, weight: float = 1.0) -> Example:
    return Example("olid", "train", ClassifierInput(text), {Label.INSULT: insult}, {Label.INSULT: weight})


def after_a_pass(tmp_path: Path, examples: list[Example]) -> tuple[Any, Any]:
    model, tokenizer = network(tiny_folder(tmp_path / "tiny"), seed=1)
    return fine_tune(model, tokenizer, examples, tmp_path / "checkpoints", RECIPE), tokenizer


def insults(model: Any, tokenizer: Any) -> list[float]:
    return [row[INSULT] for row in logits_of(model, tokenizer, [post(RUDE, 1.0), post(CALM, 0.0)])]


def test_a_pass_tells_an_insult_from_a_calm_post(tmp_path: Path) -> None:
    model, tokenizer = after_a_pass(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0)] * 100)
    rude, calm = insults(model, tokenizer)
    assert rude > 1.0 and calm < -1.0
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.0}


def test_a_run_that_was_killed_while_it_wrote_a_checkpoint_goes_on_from_the_one_before(tmp_path: Path) -> None:
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 20
    model, tokenizer = after_a_pass(tmp_path, examples)
    whole = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    (tmp_path / "checkpoints" / "checkpoint-9999").mkdir()
    again, _ = network(tmp_path / "tiny", seed=1)
    resumed = fine_tune(again, tokenizer, examples, tmp_path / "checkpoints", RECIPE)
    assert insults(resumed, tokenizer) == insults(model, tokenizer)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {*whole, "checkpoint-9999"}


def test_what_has_no_weight_teaches_nothing(tmp_path: Path) -> None:
    rude, calm = insults(*after_a_pass(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0), post(CALM, 1.0, weight=0.0)] * 70))
    assert rude > 1.0 and calm < -1.0


def test_what_is_kept_is_the_mean_of_passes_that_begin_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny_folder(tmp_path / "tiny")
    monkeypatch.setattr("models.train.__main__.base_encoder", lambda: encoder)
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 100
    passes = [(replace(RECIPE, seed=seed), examples) for seed in (1, 2)]
    model, tokenizer = trained(passes, tmp_path / "checkpoints")
    first, second = (
        fine_tune(network(encoder, seed=1)[0], tokenizer, examples, tmp_path / f"{recipe.seed}", recipe).state_dict()
        for recipe, _ in passes
    )
    assert any(not torch.equal(weight, second[name]) for name, weight in first.items()), "they see another order"
    for name, weight in model.state_dict().items():
        assert torch.allclose(weight, (first[name] + second[name]) / 2)


def test_the_mean_of_networks_is_that_of_each_weight() -> None:
    networks = [torch.nn.Linear(2, 1) for _ in range(3)]
    for each, value in zip(networks, (1.0, 2.0, 6.0), strict=True):
        torch.nn.init.constant_(each.weight, value)
    assert torch.equal(mean_of(networks).weight, torch.full((1, 2), 3.0))
    assert torch.equal(networks[0].weight, torch.ones(1, 2)), "the others stay"
