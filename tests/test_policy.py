"""Scores and thresholds in, verdict out."""

import pytest

from bot.domain import Origin, Threshold, Verdict
from bot.policy import axis_of, can_flag, judge, resolve_thresholds
from models.classifier import ModelInfo
from models.labels import SCORE_KEYS, Axis, Label, ScoreKey, parse_score_key
from tests.support.keyword import AXIS_OF

INFO = ModelInfo("test-1", AXIS_OF, dict.fromkeys(Axis, 0.5) | dict.fromkeys(Label, 0.8))


def scores(**given: float) -> dict[ScoreKey, float]:
    return dict.fromkeys(SCORE_KEYS, 0.1) | {parse_score_key(key): value for key, value in given.items()}


def test_a_post_below_all_thresholds_passes_and_still_names_its_strongest_label() -> None:
    verdict = judge(scores(threat=0.3), INFO.default_thresholds, INFO)
    assert not verdict.flagged and verdict.strongest_label is Label.THREAT


def test_a_score_that_just_reaches_its_threshold_flags() -> None:
    assert judge(scores(inflammatory=0.5), INFO.default_thresholds, INFO).flags == (Axis.INFLAMMATORY,)
    assert not judge(scores(inflammatory=0.4999), INFO.default_thresholds, INFO).flagged


def test_a_label_with_a_threshold_of_its_own_flags_although_its_axis_does_not() -> None:
    verdict = judge(scores(threat=0.85, inflammatory=0.4), INFO.default_thresholds, INFO)
    assert verdict == Verdict((Label.THREAT,), Label.THREAT)


def test_a_label_without_a_threshold_does_not_flag() -> None:
    assert not judge(scores(threat=0.99), dict.fromkeys(Axis, 0.5), INFO).flagged


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_the_auxiliary_label_never_flags(threshold: float) -> None:
    thresholds = dict(INFO.default_thresholds) | {Label.CHECKWORTHY: threshold}
    verdict = judge(scores(checkworthy=1.0), thresholds, INFO)
    assert not verdict.flagged and verdict.strongest_label is not Label.CHECKWORTHY
    assert not can_flag(Label.CHECKWORTHY, INFO)


def test_what_the_model_has_no_threshold_for_never_flags_even_if_a_server_set_one() -> None:
    info = ModelInfo("test-1", AXIS_OF, {Axis.INFLAMMATORY: 0.5})
    assert not judge(scores(misinformation=0.9, threat=0.9), dict.fromkeys(SCORE_KEYS, 0.5), info).flagged
    assert [key for key in SCORE_KEYS if can_flag(key, info)] == [Axis.INFLAMMATORY]


def test_a_post_without_anything_to_read_passes_at_any_threshold() -> None:
    assert judge({}, dict.fromkeys(SCORE_KEYS, 0.0), INFO) == Verdict((), None)


def test_the_flag_that_stands_clearest_over_its_threshold_comes_first() -> None:
    given = scores(inflammatory=0.6, misinformation=0.9, insult=0.99, conspiracy=0.85)
    verdict = judge(given, INFO.default_thresholds, INFO)
    assert verdict.flags == (Axis.MISINFORMATION, Label.INSULT, Axis.INFLAMMATORY, Label.CONSPIRACY)


def test_a_clear_threat_is_not_headed_by_an_axis_that_was_barely_reached() -> None:
    verdict = judge(scores(misinformation=0.51, threat=0.95), INFO.default_thresholds, INFO)
    assert verdict.flags[0] is Label.THREAT and verdict.strongest_label is Label.THREAT


def test_the_verdict_is_named_by_a_label_of_the_axis_that_was_flagged() -> None:
    verdict = judge(scores(misinformation=0.6, propaganda=0.4, insult=0.45), INFO.default_thresholds, INFO)
    assert verdict.strongest_label is Label.PROPAGANDA
    assert axis_of(verdict.flags[0], INFO) is axis_of(Label.PROPAGANDA, INFO) is Axis.MISINFORMATION


def test_without_anything_set_the_models_defaults_are_in_force() -> None:
    in_force = resolve_thresholds(INFO, {}, {})
    assert set(in_force) == set(SCORE_KEYS)
    assert in_force[Axis.INFLAMMATORY] == Threshold(0.5, Origin.DEFAULT)


def test_a_channel_overrides_the_server_and_the_server_the_default_each_score_by_itself() -> None:
    server: dict[ScoreKey, float] = {Axis.INFLAMMATORY: 0.6, Label.THREAT: 0.3}
    channel: dict[ScoreKey, float] = {Axis.INFLAMMATORY: 0.7}
    in_force = resolve_thresholds(INFO, server, channel)
    assert in_force[Axis.INFLAMMATORY] == Threshold(0.7, Origin.CHANNEL)
    assert in_force[Label.THREAT] == Threshold(0.3, Origin.SERVER)
    assert in_force[Axis.MISINFORMATION] == Threshold(0.5, Origin.DEFAULT)


def test_a_threshold_of_zero_is_a_threshold() -> None:
    in_force = resolve_thresholds(INFO, {Axis.INFLAMMATORY: 0.0}, {})
    assert in_force[Axis.INFLAMMATORY] == Threshold(0.0, Origin.SERVER)


@pytest.mark.parametrize("name", ["", "Insult", "toxicity", "checkworthy "])
def test_an_unknown_axis_or_label_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="known are: inflammatory, misinformation, insult"):
        parse_score_key(name)
