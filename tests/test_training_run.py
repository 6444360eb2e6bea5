"""`python -m models.train` from beginning to end, with tiny networks and made-up sets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.loading import load_onnx
from models.train.__main__ import app
from models.train.corpus import LABELS, CorpusPost
from models.train.dataset import CORPUS, Example
from models.train.recipe import Recipe
from models.train.stages import Teacher, student, teacher
from models.train.trainer import mean_weights, network, weights_of
from models.weights_folder import WEIGHTS, read_card
from tests.support.datasets import data
from tests.support.tiny_weights import tiny_folder

LETTERS = "abcdefghijklmnopqrstuvwxyz"
RUDE = Example("olid", "train", ClassifierInput("you idiot!"), {Label.INSULT: 1.0}, {Label.INSULT: 1.0})


def own_post(number: int) -> CorpusPost:
    """Every second one civil, the others labelled in turn; no two alike, and one in two held out."""
    word = LETTERS[number % 26] + LETTERS[number // 26]
    labels = {LABELS[number // 2 % len(LABELS)]} if number % 2 else set[Label]()
    post = ClassifierInput(f"{'you idiot' if labels else 'the council met'} {word}", "A title")
    split = "dev" if number // 2 % 4 in (1, 2) else "train"
    return CorpusPost(
        f"a{number}", "town", split, "insult_target", "town/1", post, False, frozenset(labels), frozenset()
    )


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("models.train.dataset.corpus", lambda: map(own_post, range(400)))
    debates = [
        {"text": f"the council met {LETTERS[n]} times", "misinfo": str(n % 2), "split": "dev"} for n in range(26)
    ]
    olid = [{"text": f"you are {LETTERS[n]} today", "inflammatory": str(n % 2), "split": "train"} for n in range(26)]
    folder = tmp_path / "data"
    folder.mkdir()
    return data(folder, {"clef2024_debates_en": debates, "olid": olid})


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny network in the place of the base encoder."""
    folder = tiny_folder(tmp_path / "base")
    monkeypatch.setattr("models.train.stages.base_encoder", lambda: folder)
    return folder


def run(sets: Path, tmp_path: Path) -> str:
    folders = ["--data", str(sets), "--out", str(tmp_path / "new"), "--checkpoints", str(tmp_path / "checkpoints")]
    settings = ["teacher_share=1", "public_share=1", "corpus_repeat=1", "learning_rate=1e-2"]
    given = [*folders, *(part for setting in settings for part in ("--set", setting))]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_weights_that_are_trained_from_nothing_are_ready_for_the_bot(sets: Path, tmp_path: Path) -> None:
    output = run(sets, tmp_path)
    new = read_card(tmp_path / "new", WEIGHTS)
    assert all(new.calibration[key] != (1.0, 0.0) for key in SCORE_KEYS)
    assert len(set(new.info.default_thresholds.values())) > 1
    assert load_onnx(tmp_path / "new").info.version == f"{new.info.version}+int8" != "tiny-1+int8"
    text = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "| olid | " in text and "| own_corpus | 200 | MIT |" in text
    assert "flagged by anything" in output
    assert {path.name for path in tmp_path.iterdir()} == {"base", "data", "new", "checkpoints"}


def test_a_run_goes_on_where_another_was_stopped(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("models.train.release.write_weights", stop)
        with pytest.raises(AssertionError):
            run(sets, tmp_path)
    stages = {folder.name.split("-")[0] for folder in (tmp_path / "checkpoints").iterdir()}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").glob("*/checkpoint-?")}
    assert stages == {"teacher", "student"} and len(before) == 3
    for folder in (tmp_path / "checkpoints").iterdir():
        (folder / "checkpoint-9999").mkdir()  # killed while a checkpoint was written
    monkeypatch.setattr("models.train.teachers.logits_of", stop)  # what was said is not asked again
    run(sets, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").glob("*/checkpoint-?")} == before


def test_a_run_that_is_stopped_leaves_the_old_weights_as_they_are(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tiny_folder(tmp_path / "new", seed=2)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    reached: list[str] = []

    def stop(*_: object) -> None:
        reached.extend(path.name for path in tmp_path.glob(".new-*/*"))
        raise KeyboardInterrupt

    monkeypatch.setattr("models.train.release.default_thresholds", stop)
    with pytest.raises(AssertionError):
        run(sets, tmp_path)
    assert WEIGHTS in reached, "the new weights were being made"
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert not list(tmp_path.glob(".new-*"))


def test_the_student_learns_our_posts_as_they_are_and_public_ones_as_the_teachers_see_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Example] = []
    monkeypatch.setattr("models.train.stages.fine_tune", lambda model, _, examples, *__: learned.extend(examples))
    own = replace(RUDE, source=CORPUS)
    weights = weights_of(network(tiny_folder(tmp_path / "teacher", seed=2), seed=1)[0])
    teachers = [Teacher("one", weights, np.zeros((1, len(SCORE_KEYS))))]
    recipe = Recipe(corpus_repeat=1, stray_context=0, evasion=0, padded=0, swapped=0)
    student([RUDE, own], [own, RUDE], teachers, recipe, tmp_path)
    public, ours = learned
    assert ours == own
    assert public.source == "olid" and public.targets[Label.INSULT] == pytest.approx(0.75 * 0.5 + 0.25)


def test_the_student_begins_at_the_mean_of_its_teachers(tmp_path: Path) -> None:
    several = [weights_of(network(tiny_folder(tmp_path / str(n), seed=n), seed=1)[0]) for n in (2, 3)]
    teachers = [Teacher(str(n), weights, np.zeros((1, len(SCORE_KEYS)))) for n, weights in enumerate(several)]
    model, _ = student([RUDE], [RUDE], teachers, Recipe(learning_rate=0.0), tmp_path / "checkpoints")
    for name, weight in mean_weights(several).items():
        assert torch.equal(model.state_dict()[name], weight)


def test_another_seed_or_dropout_is_another_run(sets: Path, tmp_path: Path) -> None:
    rows = [replace(RUDE, source=CORPUS)] * 4
    for recipe in (Recipe(dropout=0.0), Recipe(dropout=0.2)):
        student(rows, rows, [], recipe, tmp_path / "students")
    assert len(list((tmp_path / "students").iterdir())) == 2
    for recipe in (Recipe(seed=13), Recipe(seed=14)):
        for number in (0, 1):
            teacher(sets, number, [], replace(recipe, teacher_share=1.0), tmp_path / "teachers")
    assert len(list((tmp_path / "teachers").iterdir())) == 4, "one head for all teachers of a run"
