"""Training a tiny network for real: it learns what counts. A polish writes what lies between its start and its end."""

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
from models.train.trainer import blend, fine_tune, logits_of, network, weights_of
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


def test_a_run_that_was_killed_while_it_wrote_a_checkpoint_goes_on_from_the_one_before(tmp_path: Path) -> None:
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 20
    model, tokenizer = after_a_pass(tmp_path, examples)
    whole = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    (tmp_path / "checkpoints" / "checkpoint-9999").mkdir()
    again, _ = network(tmp_path / "tiny", seed=1)
    resumed = fine_tune(again, tokenizer, examples, tmp_path / "checkpoints", RECIPE, 3e-2)
    assert insults(resumed, tokenizer) == insults(model, tokenizer)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {*whole, "checkpoint-9999"}


def test_what_has_no_weight_teaches_nothing(tmp_path: Path) -> None:
    rude, calm = insults(*after_a_pass(tmp_path, [post(RUDE, 1.0), post(CALM, 0.0), post(CALM, 1.0, weight=0.0)] * 70))
    assert rude > 1.0 and calm < -1.0


def test_a_run_that_starts_from_weights_polishes_them(tmp_path: Path) -> None:
    start, recipe = tiny_folder(tmp_path / "tiny"), replace(RECIPE, polish_learning_rate=3e-2)
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 100
    started = insults(*network(start, seed=2))
    assert started == insults(*network(start, seed=3)), "the head is that of the weights, not a new one"
    same = trained(start, examples, replace(recipe, polish_blend=0.0), tmp_path / "checkpoints")
    assert insults(*same) == pytest.approx(started, abs=1e-5)
    rude, calm = insults(*trained(start, examples, replace(recipe, polish_blend=1.0), tmp_path / "checkpoints"))
    assert rude > 1.0 and calm < -1.0
    assert {folder.name.split("-")[0] for folder in (tmp_path / "checkpoints").iterdir()} == {"polish"}


def test_a_run_from_the_encoder_alone_writes_what_the_pass_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_folder(tmp_path / "tiny")
    monkeypatch.setattr("models.train.__main__.base_encoder", lambda: encoder)
    recipe = replace(RECIPE, learning_rate=3e-2, polish_learning_rate=0.0, polish_blend=0.0)
    model, tokenizer = trained(None, [post(RUDE, 1.0), post(CALM, 0.0)] * 100, recipe, tmp_path / "checkpoints")
    rude, calm = insults(model, tokenizer)
    assert rude > 1.0 and calm < -1.0
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.0}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_blended_weights_lie_between_both(share: float, expected: float) -> None:
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, 1.0)
    before = weights_of(model)
    torch.nn.init.constant_(model.weight, 3.0)
    blend(model, before, share)
    assert torch.equal(model.weight, torch.full((1, 2), expected))
    assert torch.equal(before["weight"], torch.ones(1, 2)), "the copy is not the model's own"
