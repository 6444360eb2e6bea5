"""`python -m models.train` from beginning to end, with tiny networks and made-up sets."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Label
from models.loading import load_onnx
from models.train.__main__ import app
from models.train.corpus import LABELS, CorpusPost
from models.weights_folder import WEIGHTS, read_card
from tests.support.datasets import data
from tests.support.tiny_weights import HEAD, tiny_folder

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


def run(sets: Path, tmp_path: Path, options: Sequence[str]) -> str:
    folders = ["--data", str(sets), "--out", str(tmp_path / "new"), "--checkpoints", str(tmp_path / "checkpoints")]
    settings = ["polish_share=1", "polish_repeat=1", "polish_learning_rate=1e-2"]
    given = [*folders, *options, *(part for setting in settings for part in ("--set", setting))]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_weights_that_go_on_from_others_are_ready_for_the_bot(sets: Path, tmp_path: Path) -> None:
    start = tiny_folder(tmp_path / "start")
    output = run(sets, tmp_path, ["--start", str(start)])
    new = read_card(tmp_path / "new", WEIGHTS)
    assert all(new.calibration[key] != (1.0, 0.0) for key in SCORE_KEYS)
    assert len(set(new.info.default_thresholds.values())) > 1
    assert load_onnx(tmp_path / "new").info.version == f"{new.info.version}+int8"
    text = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "It goes on from tiny-1" in text
    assert "| olid | " in text and "| own_corpus | 200 | MIT |" in text
    assert "flagged by anything" in output
    assert {path.name for path in tmp_path.iterdir()} == {"data", "start", "new", "checkpoints"}


def test_weights_from_the_encoder_alone_are_ready_for_the_bot(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_folder(tmp_path / "encoder")
    monkeypatch.setattr("models.train.__main__.base_encoder", lambda: encoder)
    run(sets, tmp_path, ["--set", "corpus_repeat=1"])
    new = read_card(tmp_path / "new", WEIGHTS)
    assert all(new.calibration[key] != (1.0, 0.0) for key in SCORE_KEYS)
    assert load_onnx(tmp_path / "new").info.version == f"{new.info.version}+int8"
    text = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "goes on from" not in text and "| own_corpus | 200 | MIT |" in text
    assert [path.name.split("-")[0] for path in (tmp_path / "checkpoints").iterdir()] == ["whole"]


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
        run(sets, tmp_path, ["--start", str(old)])
    assert WEIGHTS in reached, "the new weights were being made"
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert not list(tmp_path.glob(".new-*"))


def test_a_start_that_holds_no_weights_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.train.dataset.load_examples", pytest.fail)
    result = CliRunner().invoke(app, ["--start", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.startswith("error: There is no model at")


def test_a_start_with_other_scores_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--start", str(tiny_folder(tmp_path, head=HEAD[::-1]))])
    assert result.exit_code == 2
    assert f"has other scores than are trained now: {HEAD[0]}, " in result.output
