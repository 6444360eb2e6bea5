"""Calibration: scores that mean what they say, and thresholds that cost civil posts no more than is allowed."""

import numpy as np
import pytest

from models.classifier import ClassifierInput
from models.evaluate.metrics import calibration_error
from models.labels import SCORE_KEYS, Axis, Label
from models.train.calibrate import Scores, platt
from models.train.dataset import Example
from models.train.margins import safe_limits
from models.train.strata import LIMITS
from models.train.thresholds import default_thresholds, flagged_by_anything


def example(key: Axis | Label, value: float, source: str = "cad") -> Example:
    return Example(source, "dev", ClassifierInput(f"{key} {value} {source}"), {key: value}, {key: 1.0})


def test_platt_scaling_brings_scores_to_the_stated_prevalence() -> None:
    draw = np.random.default_rng(0)
    dev, raw = [], []
    for key in SCORE_KEYS:
        for value in (1.0, 0.0) * 300:
            dev.append(example(key, value))
            raw.append([1 / (1 + np.exp(-(2 * value - 1 + draw.normal())))] * len(SCORE_KEYS))
    slope, offset = platt(np.array(raw), dev)[Axis.INFLAMMATORY]
    scores = 1 / (1 + np.exp(-(slope * np.log(np.array(raw) / (1 - np.array(raw))) + offset)))[:600, 0]
    truth = np.array([True, False] * 300)
    assert calibration_error(truth, scores, 0.1) < 0.05
    assert np.average(scores, weights=np.where(truth, 0.1, 0.9)) == pytest.approx(0.1, abs=0.01)


def test_default_thresholds_keep_flags_of_civil_posts_within_the_limit() -> None:
    draw = np.random.default_rng(0)
    dev = [*(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)), *(example(Label.THREAT, 1.0) for _ in range(100))]
    scores = draw.random((1100, len(SCORE_KEYS)))
    thresholds = default_thresholds(scores, dev)
    assert 0.01 < flagged_by_anything(scores[:1000], thresholds).mean() <= 0.02
    assert set(thresholds) == set(SCORE_KEYS)


def test_default_thresholds_spend_what_they_may_on_the_score_that_catches_most() -> None:
    draw = np.random.default_rng(0)
    dev = [*(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)), *(example(Label.THREAT, 1.0) for _ in range(100))]
    scores = draw.random((1100, len(SCORE_KEYS)))
    threat = SCORE_KEYS.index(Label.THREAT)
    scores[:, threat] = [*[0.9] * 15, *[0.1] * 985, *[0.5] * 100]
    thresholds = default_thresholds(scores, dev)
    assert 0.1 < thresholds[Label.THREAT] <= 0.5, "fifteen civil posts are worth a hundred threats"
    assert flagged_by_anything(scores[:1000], thresholds).mean() <= 0.02


def test_threats_come_first_where_there_is_not_room_for_all() -> None:
    dev = [
        *(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)),
        *(example(label, 1.0) for label in (Label.INSULT, Label.THREAT) for _ in range(100)),
    ]
    scores = np.full((1200, len(SCORE_KEYS)), 0.1)
    scores[:15, SCORE_KEYS.index(Label.INSULT)] = scores[15:30, SCORE_KEYS.index(Label.THREAT)] = 0.9
    scores[1000:1100, SCORE_KEYS.index(Label.INSULT)] = 0.5
    scores[1100:1140, SCORE_KEYS.index(Label.THREAT)] = 0.5
    thresholds = default_thresholds(scores, dev)
    assert thresholds[Label.THREAT] <= 0.5 < thresholds[Label.INSULT], "forty threats before a hundred insults"


def test_what_pays_best_at_first_gives_way_to_what_catches_more_in_the_end() -> None:
    dev = [
        *(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)),
        *(example(label, 1.0) for label in (Label.INSULT, Label.IDENTITY_ATTACK) for _ in range(100)),
    ]
    scores = np.full((1200, len(SCORE_KEYS)), 0.1)
    insult, attack = SCORE_KEYS.index(Label.INSULT), SCORE_KEYS.index(Label.IDENTITY_ATTACK)
    scores[:8, insult] = scores[8:24, attack] = 0.9  # there is room for twenty of these
    scores[1000:1060, insult] = scores[1100:1190, attack] = 0.5
    thresholds = default_thresholds(scores, dev)
    assert thresholds[Label.IDENTITY_ATTACK] <= 0.5 < thresholds[Label.INSULT], "ninety of them for sixteen"


def civil_bad_and_peaceful() -> list[Example]:
    """A thousand civil posts, a hundred inflammatory ones, a hundred harmless ones that name a group."""
    peace = Example("olid", "dev", ClassifierInput("gay people"), {Axis.INFLAMMATORY: 0.0}, {Axis.INFLAMMATORY: 1.0})
    return [
        *(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)),
        *(example(Axis.INFLAMMATORY, 1.0, "olid") for _ in range(100)),
        *[peace] * 100,
    ]


def test_no_score_is_given_up_for_the_last_posts_of_another() -> None:
    dev = [
        *(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)),
        *(example(label, 1.0) for label in (Label.INSULT, Label.IDENTITY_ATTACK) for _ in range(100)),
    ]
    scores = np.full((1200, len(SCORE_KEYS)), 0.1)
    insult, attack = SCORE_KEYS.index(Label.INSULT), SCORE_KEYS.index(Label.IDENTITY_ATTACK)
    scores[:10, insult], scores[10:20, insult], scores[20:30, attack] = 0.9, 0.5, 0.9
    scores[1000:1060, insult], scores[1060:1090, insult], scores[1100:1125, attack] = 0.6, 0.4, 0.6
    thresholds = default_thresholds(scores, dev)
    assert thresholds[Label.INSULT] <= 0.6, "sixty insults for ten civil posts"
    assert thresholds[Label.IDENTITY_ATTACK] <= 0.6, (
        "twenty-five attacks, where none is caught, before thirty insults more"
    )


def test_harmless_posts_that_name_a_group_have_a_limit_of_their_own() -> None:
    dev, scores = civil_bad_and_peaceful(), np.full((1200, len(SCORE_KEYS)), 0.1)
    axis = SCORE_KEYS.index(Axis.INFLAMMATORY)
    scores[1000:1050, axis], scores[1050:1100, axis], scores[1100:1106, axis] = 0.9, 0.5, 0.7
    assert 0.7 < default_thresholds(scores, dev)[Axis.INFLAMMATORY] <= 0.9, "six of a hundred are too many"
    scores[1105, axis] = 0.1
    assert 0.1 < default_thresholds(scores, dev)[Axis.INFLAMMATORY] <= 0.5, "five are not"
    scores[1100:1150, SCORE_KEYS.index(Axis.MISINFORMATION)] = 0.9
    assert 0.1 < default_thresholds(scores, dev)[Axis.INFLAMMATORY] <= 0.5, "nobody was asked whether they misinform"


def test_a_few_posts_far_above_the_others_do_not_hold_a_threshold_up() -> None:
    dev, scores = civil_bad_and_peaceful(), np.full((1200, len(SCORE_KEYS)), 0.1)
    axis = SCORE_KEYS.index(Axis.INFLAMMATORY)
    scores[1000:1100, axis], scores[1100, axis], scores[1101:1105, axis] = 0.8, 0.95, 0.3
    assert 0.3 < default_thresholds(scores, dev)[Axis.INFLAMMATORY] <= 0.8


def test_what_its_axis_flags_is_called_by_its_name_where_that_flags_no_more_civil_posts() -> None:
    dev = [*(example(Axis.INFLAMMATORY, 0.0) for _ in range(1000)), *(example(Label.INSULT, 1.0) for _ in range(100))]
    scores = np.full((1100, len(SCORE_KEYS)), 0.1)
    insult, axis = SCORE_KEYS.index(Label.INSULT), SCORE_KEYS.index(Axis.INFLAMMATORY)
    scores[:10, [insult, axis]] = scores[1000:, axis] = 0.9
    scores[10, insult], scores[1000:, insult] = 0.3, 0.5
    thresholds = default_thresholds(scores, dev)
    assert 0.3 < thresholds[Label.INSULT] <= 0.5
    assert flagged_by_anything(scores[:1000], thresholds).sum() == 10


def test_a_label_is_not_named_at_the_cost_of_another_limit() -> None:
    """Twenty harmless posts about groups misinform, which that limit does not count; as insults it would."""
    dev = [*civil_bad_and_peaceful(), *(example(Axis.MISINFORMATION, 1.0, "olid") for _ in range(100))]
    scores = np.full((1300, len(SCORE_KEYS)), 0.1)
    misinformation, insult = SCORE_KEYS.index(Axis.MISINFORMATION), SCORE_KEYS.index(Label.INSULT)
    scores[1100:1120, misinformation], scores[1100:1120, insult] = np.linspace(0.7, 0.9, 20), 0.6
    scores[1200:, misinformation] = np.linspace(0.65, 0.95, 100)
    thresholds = default_thresholds(scores, dev)
    assert flagged_by_anything(scores[1100:1120], thresholds, [misinformation]).all()
    assert thresholds[Label.INSULT] > 0.6


def scores_of(draw: np.random.Generator, severity: Scores) -> Scores:
    """All scores of a post say much the same."""
    noise = draw.normal(0, 0.03, (len(severity), len(SCORE_KEYS)))
    return np.clip(severity[:, None] + noise, 0, 1)


def test_limits_are_tightened_by_as_much_as_they_are_overrun_on_posts_that_had_no_part_in_the_choice() -> None:
    civil = [Example("cad", "dev", ClassifierInput(f"post {n}"), {Axis.INFLAMMATORY: 0.0}, {}) for n in range(1000)]
    bad = [Example("olid", "dev", ClassifierInput(f"bad {n}"), {key: 1.0}, {}) for key in Label for n in range(50)]
    loose, safe = [], []
    for seed in range(2):
        draw = np.random.default_rng(seed)
        scores = scores_of(draw, np.concatenate([draw.beta(1, 4, len(civil)), draw.random(len(bad))]))
        others = scores_of(draw, draw.beta(1, 4, 100_000))
        limits = safe_limits(scores, dev := [*civil, *bad])
        assert 0.005 < limits[0].share < 0.02
        assert [limit.share for limit in limits[1:]] == [0.05, 0.05], "no such posts, nothing to tell by"
        loose.append(flagged_by_anything(others, default_thresholds(scores, dev)).mean())
        safe.append(flagged_by_anything(others, default_thresholds(scores, dev, limits)).mean())
    assert np.mean(safe) <= 0.02 < min(loose)


def test_limits_that_hold_anyway_stay() -> None:
    civil = [Example("cad", "dev", ClassifierInput(f"post {n}"), {Axis.INFLAMMATORY: 0.0}, {}) for n in range(500)]
    bad = [Example("olid", "dev", ClassifierInput(f"bad {n}"), {Axis.INFLAMMATORY: 1.0}, {}) for n in range(60)]
    scores = np.full((560, len(SCORE_KEYS)), 0.1)
    scores[500:] = 0.9
    assert list(safe_limits(scores, [*civil, *bad])) == list(LIMITS)


def test_a_hit_of_the_auxiliary_label_is_no_flag() -> None:
    scores = np.zeros((1, len(SCORE_KEYS)))
    scores[0, SCORE_KEYS.index(Label.CHECKWORTHY)] = 1.0
    assert not flagged_by_anything(scores, dict.fromkeys(SCORE_KEYS, 0.5)).any()
