"""Learning from trained networks: their mean, mixed with what the annotators said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models.classifier import ClassifierInput, ModelError
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_torch
from models.train.__main__ import app
from models.train.calibrate import score
from models.train.dataset import CORPUS, Example
from models.train.teachers import taught
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
    scores = score(load_torch(folder, precise=True), [example])[0]
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
    (rude, between, calm, last) = taught([RUDE, own, CALM, own], teachers, 0.75, tmp_path)
    assert (between, last) == (own, own)
    assert [rude, calm] == taught([RUDE, CALM], teachers, 0.75, tmp_path), "nothing is shifted to another row"
    assert rude.targets != calm.targets
    assert taught([own], teachers, 0.75, tmp_path) == [own]


def test_posts_that_name_a_group_or_that_we_read_keep_their_own_labels(tmp_path: Path, teachers: list[Path]) -> None:
    named = replace(CALM, input=ClassifierInput("gay people met today."))
    read = replace(CALM, read=True)
    (rude, *others) = taught([RUDE, named, read], teachers, 0.75, tmp_path)
    assert others == [named, read] and rude != RUDE


def test_what_a_teacher_said_is_kept_for_the_next_run(
    tmp_path: Path, teachers: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = taught([RUDE, CALM], teachers, 0.75, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("models.train.teachers.logits_of", None)
        assert taught([RUDE, CALM], teachers, 0.75, tmp_path) == first
    assert taught([CALM, RUDE], teachers, 0.75, tmp_path) == first[::-1], "other rows are asked anew"


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_a_folder_that_holds_no_weights_is_refused_before_anything_is_read(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.train.dataset.load_examples", pytest.fail)
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
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError):
        taught([RUDE], [folder], 0.5, tmp_path)
