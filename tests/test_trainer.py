"""Training a tiny network for real: it learns what counts, pass after pass, and what is kept is their mean."""

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
from models.train.trainer import fine_tune, logits_of, network
from tests.support.tiny_weights import tiny_folder

RECIPE = Recipe(seed=1, batch=4, learning_rate=3e-2, dropout=0.0)
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


def test_each_pass_goes_on_from_the_one_before_and_the_mean_of_all_but_the_first_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_folder(tmp_path / "tiny")
    monkeypatch.setattr("models.train.__main__.base_encoder", lambda: encoder)
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 100
    passes = [RECIPE, *(replace(RECIPE, seed=seed, dropout=0.1) for seed in (2, 3))]
    mean, tokenizer = trained(passes, lambda _: examples, tmp_path / "checkpoints")
    model, _ = network(encoder, seed=1)
    ends: list[dict[str, torch.Tensor]] = []
    for number, recipe in enumerate(passes):
        model = fine_tune(model, tokenizer, examples, tmp_path / f"{number}", recipe)
        assert {each.p for each in model.modules() if isinstance(each, torch.nn.Dropout)} == {recipe.dropout}
        ends.append({name: weight.clone() for name, weight in model.state_dict().items()})
    first, second, third = ends
    assert any(not torch.equal(weight, third[name]) for name, weight in second.items())
    for name, weight in mean.state_dict().items():
        assert torch.allclose(weight, (second[name] + third[name]) / 2)
    alone, _ = trained(passes[:1], lambda _: examples, tmp_path / "checkpoints")
    assert all(torch.equal(weight, first[name]) for name, weight in alone.state_dict().items())


def test_what_a_pass_made_is_known_by_all_that_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run would go on from checkpoints of another."""
    passes, folder = [RECIPE, replace(RECIPE, seed=2)], tmp_path / "checkpoints"

    def made(encoder: Path, examples: list[Example], *first: Example) -> set[str]:
        monkeypatch.setattr("models.train.__main__.base_encoder", lambda: encoder)
        known = {*folder.glob("*")}
        trained(passes, lambda each: [*first, *examples] if each.seed == 1 else examples, folder)
        return {path.name for path in folder.iterdir()} - {path.name for path in known}

    tiny, other = tiny_folder(tmp_path / "tiny"), tiny_folder(tmp_path / "other", seed=5)
    examples = [post(RUDE, 1.0), post(CALM, 0.0)] * 4
    assert len(made(tiny, examples)) == 2
    assert not made(tiny, examples)
    assert len(made(other, examples)) == 2, "another encoder"
    assert len(made(tiny, examples, post(CALM, 1.0))) == 2, "what the second pass begins with is another, too"
