"""`python -m models.train` from beginning to end, with tiny networks and made-up sets."""

import json
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from typer.testing import CliRunner

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.loading import load_onnx
from models.train.__main__ import app
from models.train.corpus import LABELS, CorpusPost
from models.train.trainer import MaskedLossTrainer
from models.weights_folder import CARD, WEIGHTS, read_card
from tests.support.datasets import data
from tests.support.tiny_weights import tiny_folder

LETTERS = "abcdefghijklmnopqrstuvwxyz"


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
def encoder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = tiny_folder(tmp_path_factory.mktemp("encoder"))
    monkeypatch.setattr("models.train.__main__.base_encoder", lambda: tiny)


def run(sets: Path, tmp_path: Path, *options: str, closing: int = 1) -> str:
    folders = ["--data", str(sets), "--out", str(tmp_path / "new"), "--checkpoints", str(tmp_path / "checkpoints")]
    settings = ["corpus_repeat=1", "learning_rate=1e-2", "passes=1", f"closing={closing}"]
    given = [*folders, *options, *(part for setting in settings for part in ("--set", setting))]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_weights_are_ready_for_the_bot(sets: Path, tmp_path: Path) -> None:
    output = run(sets, tmp_path)
    new = read_card(tmp_path / "new", WEIGHTS)
    assert all(new.calibration[key] != (1.0, 0.0) for key in SCORE_KEYS)
    assert len(set(new.info.default_thresholds.values())) > 1
    assert load_onnx(tmp_path / "new").info.version == f"{new.info.version}+int8"
    text = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "| olid | " in text and "| own_corpus | 200 | MIT |" in text
    assert "pass 2 of 2" in output and "flagged, of posts that must pass" in output
    assert {path.name for path in tmp_path.iterdir()} == {"data", "new", "checkpoints"}
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_passes_that_were_made_before_are_not_made_again(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sets, tmp_path)
    made = read_card(tmp_path / "new", WEIGHTS).info.version
    passes = {*(tmp_path / "checkpoints").iterdir()}
    second = max(passes, key=lambda folder: folder.stat().st_mtime)
    steps: list[float] = []
    learn: Any = MaskedLossTrainer.training_step

    def counted(*given: Any) -> Any:
        steps.append(loss := learn(*given))
        return loss

    monkeypatch.setattr(MaskedLossTrainer, "training_step", counted)
    run(sets, tmp_path)
    assert read_card(tmp_path / "new", WEIGHTS).info.version == made and not steps
    run(sets, tmp_path, closing=2)
    assert read_card(tmp_path / "new", WEIGHTS).info.version != made
    assert len({*(tmp_path / "checkpoints").iterdir()} - passes) == 1 and (a_pass := len(steps))
    rmtree(second)
    run(sets, tmp_path)
    assert read_card(tmp_path / "new", WEIGHTS).info.version == made and len(steps) == 2 * a_pass


def test_weights_can_be_calibrated_anew_without_training(sets: Path, tmp_path: Path) -> None:
    run(sets, tmp_path)
    old = (tmp_path / "new").rename(tmp_path / "old")
    made = {path.name: path.read_bytes() for path in old.iterdir()}
    card = json.loads(made[CARD])
    (old / CARD).write_text(json.dumps({**card, "calibration": {key: [1, 0] for key in card["calibration"]}}))
    rmtree(tmp_path / "checkpoints")
    run(sets, tmp_path, "--recalibrate", str(old))
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == made
    assert not (tmp_path / "checkpoints").exists()


def test_a_folder_without_weights_cannot_be_calibrated(sets: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(sets), "--recalibrate", str(tmp_path)])
    assert result.exit_code == 2 and "point --recalibrate at a weights folder" in result.output


def test_a_run_that_is_stopped_leaves_the_old_weights_as_they_are(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tiny_folder(tmp_path / "new")
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
