"""The evaluation: figures that are right on cases worked out by hand, and a card that says what was measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models.classifier import Classifier, ClassifierInput, Prediction
from models.evaluate.__main__ import app
from models.evaluate.evaluation import evaluate
from models.evaluate.metrics import (
    auc,
    best_macro_f1_threshold,
    calibration_error,
    estimate,
    macro_f1,
    reliability,
    share_flagged,
)
from models.evaluate.pairs import pair_order
from models.evaluate.plots import write_plots
from models.evaluate.report import model_card, table
from models.evaluate.robustness import evasions, inside_long_posts, term_bias, with_and_without_context
from models.evaluate.rounding import rounding
from models.evaluate.samples import Sample, without_context
from models.evaluate.samples import test_samples as load_test_samples
from models.evaluate.scoring import Scorer
from models.labels import SCORE_KEYS, Axis, Label
from models.train.corpus import CorpusPost
from models.train.evasion import EVASIONS
from tests.support.datasets import data
from tests.support.keyword import KeywordClassifier

TRUTH = np.array([True, True, False, False])


def sample(texts: list[str], truth: list[bool], **context: str) -> Sample:
    return Sample("made_up", Axis.INFLAMMATORY, [ClassifierInput(text, **context) for text in texts], truth)


def test_auc_is_the_chance_that_a_positive_post_scores_above_a_negative_one() -> None:
    assert auc(TRUTH, np.array([0.9, 0.3, 0.5, 0.1])) == 0.75


def test_an_interval_holds_its_value_and_narrows_with_more_posts() -> None:
    few, many = (
        estimate(auc, np.tile([True, False], n), np.random.default_rng(1).random(2 * n) + np.tile([0.3, 0.0], n))
        for n in (20, 400)
    )
    assert few.low < few.value < few.high and many.low < many.value < many.high
    assert many.high - many.low < few.high - few.low


def test_recall_and_false_alarms_count_posts_at_the_threshold() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1])
    assert share_flagged(TRUTH, scores, 0.5, of=True) == 1.0
    assert share_flagged(TRUTH, scores, 0.5, of=False) == 0.5


def test_the_best_threshold_tells_the_classes_apart() -> None:
    scores = np.array([0.8, 0.7, 0.2, 0.1])
    threshold = best_macro_f1_threshold(TRUTH, scores)
    assert macro_f1(TRUTH, scores >= threshold) == 1.0


def test_scores_that_mean_what_they_say_have_no_calibration_error_and_boasting_ones_do() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random(20_000)
    truth = draw.random(20_000) < scores
    share = float(truth.mean())
    assert calibration_error(truth, scores, share) < 0.02
    assert calibration_error(truth, np.sqrt(scores), share) > 0.1


def test_reliability_weighs_posts_so_that_the_stated_share_is_positive() -> None:
    truth, scores = np.tile([True, False], 500), np.tile([0.9, 0.1], 500)
    bins = reliability(truth, scores, 0.1)
    assert (bins[:, 1] * bins[:, 2]).sum() == pytest.approx(0.1)
    assert bins[:, 2].sum() == pytest.approx(1.0)


def own(pair: str, labels: set[Label]) -> CorpusPost:
    return CorpusPost(
        id=f"{pair}{len(labels)}",
        scenario="town",
        split="test",
        phenomenon="insult_target",
        pair=pair,
        input=ClassifierInput(pair),
        needs_title=False,
        labels=frozenset(labels),
        unsure=frozenset(),
    )


def test_a_pair_is_right_when_the_labelled_post_scores_above_its_twin() -> None:
    posts = [own("a", {Label.INSULT}), own("a", set()), own("b", {Label.INSULT}), own("b", set()), own("c", set())]
    order = pair_order(posts, np.array([0.9, 0.1, 0.2, 0.3, 0.0]), Axis.INFLAMMATORY)
    assert (order["all"].pairs, order["all"].right) == (2, 1) and order["insult_target"].share == 0.5
    assert pair_order(posts, np.zeros(5), Axis.INFLAMMATORY)["all"].right == 0, "a tie is not the right order"


def test_a_post_is_scored_once_and_an_unreadable_one_scores_zero() -> None:
    classifier = KeywordClassifier()
    scorer = Scorer(classifier)
    posts = [ClassifierInput("idiot"), ClassifierInput("\u200b"), ClassifierInput("idiot")]
    assert scorer(posts, Label.INSULT).tolist() == [0.9, 0.0, 0.9]
    assert scorer.all_keys(posts).shape == (3, len(SCORE_KEYS)) and len(classifier.seen) == 2


def test_every_evasion_is_measured_beside_the_posts_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.evaluate.robustness.EVASIONS", {**EVASIONS, "silence": lambda *_: "hm"})
    posts = sample(["You are an idiot, my friend"] * 5 + ["A lovely evening, my friend"] * 5, [True] * 5 + [False] * 5)
    found = evasions(posts, Scorer(KeywordClassifier()))
    assert found["none"] == 1.0 and found["zero-width"] == 1.0 and found["look-alikes"] == 1.0
    assert found["swapped letters"] == 1.0 and found["typos"] == 1.0, "cleaning corrects them"
    assert found["silence"] == 0.5, "all posts are alike"


def test_a_keyword_is_found_inside_a_long_post() -> None:
    posts = sample(["You idiot", "You there"], [True, False])
    alone, inside = inside_long_posts(
        posts, ["I think that the budget should be read again by all"], Scorer(KeywordClassifier())
    )
    assert (alone, inside) == (1.0, 1.0)


def test_context_is_taken_away_for_comparison() -> None:
    classifier = KeywordClassifier()
    posts = sample(["You idiot", "You there"], [True, False], title="A title")
    with_and_without_context(posts, Scorer(classifier))
    assert {post.title for post in classifier.seen} == {"A title", None}
    assert without_context(posts.posts)[0] == ClassifierInput("You idiot")


def test_a_term_that_raises_false_alarms_by_itself_is_named() -> None:
    texts, truth = [], []
    for term, harmless in (("green", "green"), ("killer", "killer")):  # the second holds a keyword
        texts += [f"Being {harmless} is kind", f"Being {term} is idiot"] * 25
        truth += [False, True] * 25
    worst, other = term_bias(sample(texts, truth), Scorer(KeywordClassifier()), 0.5)
    assert (worst.term, worst.false_alarms, other.term, other.false_alarms) == ("killer", 1.0, "green", 0.0)
    assert worst.subgroup_auc == 0.5 and other.subgroup_auc == 1.0
    assert other.bnsp_auc < 1.0, "positives of the good term are confused with negatives of the bad one"


RUDE = {"inflammatory": "1", "misinfo": "1"}
CIVIL = {"inflammatory": "0", "misinfo": "0"}


def rows(split: str, count: int = 40) -> list[dict[str, str]]:
    return [
        {"text": f"You idiot of the cabal, number {n} {split}", "split": split, "context": f"r/{n}", **RUDE}
        if n % 2
        else {"text": f"A calm word on matter {n} {split}", "split": split, "context": f"r/{n}", **CIVIL}
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every set of the recipe with development and test rows that the keyword classifier tells apart."""
    sets = {
        name: [*rows("dev"), *rows("test")]
        for name in ("olid", "cad", "ptc_sentence_propaganda", "psycomark_reddit", "forum_verifiability", "edos")
    }
    sets["bias_madlibs_8k"] = [
        {"text": f"Being {term} is {'idiot' if n % 2 else 'kind'}", **(RUDE if n % 2 else CIVIL)}
        for term in ("green", "blue")
        for n in range(60)
    ]
    scopes = {"bias_madlibs_8k": "toxicity", "olid": "toxicity", "cad": "toxicity", "edos": "sexism"}
    scopes |= {"ptc_sentence_propaganda": "propaganda", "psycomark_reddit": "conspiracy"}
    return data(tmp_path_factory.mktemp("data"), sets, scopes, test=("bias_madlibs_8k",))


def test_test_samples_are_test_rows_only_and_the_same_every_time(folder: Path) -> None:
    samples = {found.name: found for found in load_test_samples(folder, 30)}
    assert samples["olid"].key is Axis.INFLAMMATORY and samples["edos"].key is Label.IDENTITY_ATTACK
    assert samples["psycomark_reddit"].key is Label.CONSPIRACY
    assert all(post.text.endswith("test") for post in samples["olid"].posts) and len(samples["olid"].posts) == 30
    assert samples["olid"] == next(found for found in load_test_samples(folder, 30) if found.name == "olid")


def test_an_evaluation_measures_and_writes_a_card_with_its_plots(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.evaluate.metrics.DRAWS", 10)
    steps: list[str] = []
    found = evaluate(KeywordClassifier(), KeywordClassifier(), folder, 40, steps.append)
    by_name = {result.sample.name: result for result in found.sets}
    assert by_name["olid"].auc.value == 1.0 and by_name["olid"].trained_on and by_name["olid"].recall == 1.0
    assert by_name["olid"].macro_f1.value == 1.0 and by_name["edos"].axis_auc == 1.0
    assert by_name["edos"].auc.value == 0.5, "the keyword classifier knows no identity attack"
    assert not by_name["bias_madlibs_8k"].trained_on and len(found.bias) == 2
    assert found.corpus.posts > 500 and found.evasions["olid"]["none"] == 1.0
    card = model_card(found, folder, "pictures")
    assert "keyword-1" in card and "| olid | inflammatory | 40 | 20 | 1.000 (1.000–1.000) |" in card
    assert "bias_madlibs_8k *" in card and "nan" not in card
    write_plots(found, tmp_path / "pictures")
    for line in card.splitlines():
        if line.startswith("!["):
            assert (tmp_path / line.partition("](")[2].rstrip(")")).stat().st_size > 5_000


def test_what_int8_costs_is_the_difference_on_the_same_posts() -> None:
    posts = [ClassifierInput(text) for text in ("you idiot", "calm", "IDIOTS all", "council")]
    sample = Sample("rude", Axis.INFLAMMATORY, posts, [True, False, True, False])
    exact, int8 = Scorer(KeywordClassifier()), Scorer(Halved(KeywordClassifier(), "IDIOTS"))
    (found,) = rounding([sample], int8, exact, KeywordClassifier().info.default_thresholds)
    assert found.exact_auc == 1.0 and found.int8_auc == found.loss == 0.5
    assert found.changed == 0.25 and found.posts == 4, "one verdict of four"


def test_a_table_shows_three_digits_and_leaves_unknown_cells_empty() -> None:
    assert table(("a", "b"), [(0.12345, None)]) == "| a | b |\n|---|---|\n| 0.123 |  |"


class Halved:
    """A classifier that reads nothing in posts with ``word``."""

    def __init__(self, inner: Classifier, word: str) -> None:
        self.inner, self.word, self.info = inner, word, inner.info

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        return [
            Prediction() if self.word in post.text else prediction
            for post, prediction in zip(inputs, await self.inner.predict(inputs), strict=True)
        ]


def test_a_missing_data_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(tmp_path)])
    assert result.exit_code == 2 and "MANIFEST.csv" in result.output


def test_missing_weights_are_an_error_that_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--weights", str(tmp_path)])
    assert result.exit_code == 2 and "threadwatch.json" in result.output
