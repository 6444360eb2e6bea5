"""Learning from trained networks: their mean, mixed with what the annotators said."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_torch
from models.train.calibrate import Scores, score
from models.train.dataset import Example
from models.train.teachers import opinion, taught
from models.train.trainer import network
from tests.support.tiny_weights import tiny_folder

RUDE = Example(
    "olid", "train", ClassifierInput("you are an idiot!"), {Label.INSULT: 1.0, Axis.MISINFORMATION: 0.0},
    {Label.INSULT: 1.0, Axis.MISINFORMATION: 0.2}, weak=frozenset({Axis.MISINFORMATION}),
)  # fmt: skip
CALM = Example("olid", "train", ClassifierInput("the council met today."), {Label.INSULT: 0.0}, {Label.INSULT: 1.0})
FORUM = Example(
    "iac_4forums_unlabelled_sample", "train", ClassifierInput("you met an idiot"), {Label.INSULT: 0.0},
    {Label.INSULT: 0.15}, weak=frozenset({Label.INSULT}),
)  # fmt: skip
SURE, UNSURE = [np.full((1, len(SCORE_KEYS)), logit) for logit in (2.0, 0.0)]
MEAN = 1 / (1 + np.exp(-1.0))


def asked(folder: Path, examples: Sequence[Example], kept: Path) -> Scores:
    model, tokenizer = network(folder, seed=1)
    return opinion(model, tokenizer, examples, kept)


def test_without_a_teacher_the_annotators_have_the_only_word() -> None:
    assert taught([RUDE, CALM], [], 0.75) == [RUDE, CALM]


def test_a_score_that_nobody_annotated_is_what_the_teachers_say_together() -> None:
    (rude,) = taught([RUDE], [SURE, UNSURE], 0.75)
    assert rude.targets[Label.THREAT] == pytest.approx(MEAN)
    assert rude.weights[Label.THREAT] == 0.75
    assert set(rude.targets) == set(rude.weights)
    assert rude.input == RUDE.input and rude.source == "olid"


def test_annotators_and_teachers_share_the_word() -> None:
    (half,) = taught([RUDE], [SURE, UNSURE], 0.5)
    assert half.targets[Label.INSULT] == pytest.approx((MEAN + 1.0) / 2)
    assert half.weights[Label.INSULT] == pytest.approx(1.0)
    assert taught([RUDE], [SURE, UNSURE], 0.0) == [RUDE]


def test_teachers_have_no_say_in_the_domain_that_annotators_were_not_asked_about() -> None:
    (rude, forum) = taught([RUDE, FORUM], [np.repeat(SURE, 2, axis=0)], 0.75)
    assert (rude.targets[Axis.MISINFORMATION], rude.weights[Axis.MISINFORMATION]) == (0.0, 0.2)
    assert Label.CONSPIRACY not in rude.targets
    assert forum == FORUM, "unlabelled"


def test_teachers_have_no_say_in_what_is_doubtful() -> None:
    (rude,) = taught([replace(RUDE, doubtful=frozenset({Label.THREAT}))], [SURE], 0.75)
    assert Label.THREAT not in rude.targets and Label.IDENTITY_ATTACK in rude.targets


def test_nothing_that_is_said_is_shifted_to_another_row() -> None:
    rude, calm = taught([RUDE, CALM], [np.concatenate([SURE, UNSURE])], 1.0)
    assert rude.targets[Label.THREAT] > 0.8 and calm.targets[Label.THREAT] == 0.5


def test_an_opinion_is_the_network_s_before_its_calibration(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "teacher")
    scores = score(load_torch(folder, precise=True), [RUDE, CALM])
    raw = (np.log(scores) - np.log1p(-scores) + 1.0) / 2.0  # the tiny folder's calibration is 2 * logit - 1
    assert asked(folder, [RUDE, CALM], tmp_path) == pytest.approx(raw, abs=2e-2)


def test_what_a_teacher_said_is_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_folder(tmp_path / "teacher")
    first = asked(folder, [RUDE, CALM], tmp_path)
    asked_again: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr("models.train.teachers.logits_of", asked_again.append)
        assert np.array_equal(asked(folder, [RUDE, CALM], tmp_path), first)
    assert not asked_again
    assert np.array_equal(asked(folder, [CALM, RUDE], tmp_path), first[::-1]), "other rows are asked anew"
