"""Learning from trained networks: their mean, mixed with what the annotators said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models.classifier import ClassifierInput, ModelError
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_onnx
from models.train.__main__ import app
from models.train.calibrate import score
from models.train.card import card
from models.train.dataset import CORPUS, Example
from models.train.teachers import taught
from tests.support.datasets import data
from tests.support.tiny_weights import HEAD, tiny_folder

RUDE = Example(
    "olid", "train", ClassifierInput("you are an idiot!"), {Label.INSULT: 1.0, Axis.MISINFORMATION: 0.0},
    {Label.INSULT: 1.0, Axis.MISINFORMATION: 0.2}, weak=frozenset({Axis.MISINFORMATION}),
)  # fmt: skip
CALM = Example("olid", "train", ClassifierInput("the council met today."), {Label.INSULT: 0.0}, {Label.INSULT: 1.0})


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [tiny_folder(tmp_path_factory.mktemp("teacher") / str(seed), seed=seed) for seed in (1, 2)]


def raw_logits(folder: Path, example: Example) -> np.ndarray:
    """The tiny folders' calibration is 2 * logit - 1."""
    scores = score(load_onnx(folder), [example])[0]
    return (np.log(scores) - np.log1p(-scores) + 1.0) / 2.0


def test_without_a_teacher_the_annotators_have_the_only_word(tmp_path: Path) -> None:
    assert taught([RUDE, CALM], [], 0.75, tmp_path) == [RUDE, CALM]


def test_a_score_that_nobody_annotated_is_the_mean_of_the_teachers_before_their_calibration(
    tmp_path: Path, teachers: list[Path]
) -> None:
    (rude, _) = taught([RUDE, CALM], teachers, 0.75, tmp_path)
    mean = (raw_logits(teachers[0], RUDE) + raw_logits(teachers[1], RUDE)) / 2
    column = SCORE_KEYS.index(Label.THREAT)
    assert rude.targets[Label.THREAT] == pytest.approx(1 / (1 + np.exp(-mean[column])), abs=1e-4)
    assert rude.weights[Label.THREAT] == 0.75
    assert set(rude.targets) == set(rude.weights) == set(SCORE_KEYS)
    assert rude.input == RUDE.input and rude.source == "olid"


def test_annotators_and_teachers_share_the_word(tmp_path: Path, teachers: list[Path]) -> None:
    (alone,) = taught([RUDE], teachers, 1.0, tmp_path)
    (half,) = taught([RUDE], teachers, 0.5, tmp_path)
    (none,) = taught([RUDE], teachers, 0.0, tmp_path)
    assert half.targets[Label.INSULT] == pytest.approx((alone.targets[Label.INSULT] + 1.0) / 2)
    assert half.weights[Label.INSULT] == pytest.approx(1.0)
    weak = half.targets[Axis.MISINFORMATION]
    assert weak == pytest.approx(alone.targets[Axis.MISINFORMATION] * 0.5 / 0.6), "an assumed zero counts little"
    assert {key: none.targets[key] for key in RUDE.targets} == RUDE.targets


def test_posts_of_our_own_corpus_keep_their_own_labels(tmp_path: Path, teachers: list[Path]) -> None:
    own = replace(CALM, source=CORPUS)
    (first, rude, last) = taught([own, RUDE, own], teachers, 0.75, tmp_path)
    assert (first, last) == (own, own)
    assert [rude] == taught([RUDE], teachers, 0.75, tmp_path), "what the teachers said is not shifted to another row"
    assert taught([own], teachers, 0.75, tmp_path) == [own]


def test_what_a_teacher_said_is_kept_for_the_next_run(
    tmp_path: Path, teachers: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = taught([RUDE, CALM], teachers, 0.75, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("models.train.teachers.score", None)
        assert taught([RUDE, CALM], teachers, 0.75, tmp_path) == first
    assert taught([CALM, RUDE], teachers, 0.75, tmp_path) == first[::-1], "other rows are asked anew"


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_a_folder_that_holds_no_weights_is_refused_before_anything_is_read(option: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [option, str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.startswith("error: There is no model at")


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_weights_with_other_scores_are_refused(option: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [option, str(tiny_folder(tmp_path, head=HEAD[::-1]))])
    assert result.exit_code == 2
    assert f"has other scores than are trained now: {HEAD[0]}, " in result.output


def test_a_teacher_whose_files_were_altered_is_refused(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "tiny")
    (folder / "model.int8.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError):
        taught([RUDE], [folder], 0.5, tmp_path)


@pytest.mark.parametrize(("ancestors", "line"), [(["old-1", "old-2", "old-1"], "sets: old-1, old-2 ("), ([], "")])
def test_the_weights_card_names_what_they_come_from(ancestors: list[str], line: str, tmp_path: Path) -> None:
    text = card("new-1", ancestors, [RUDE], data(tmp_path, {}), "report")
    assert line in text and ("It goes on from" in text) == bool(ancestors)
