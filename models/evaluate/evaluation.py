"""One evaluation, whole: everything that the model card reports, computed once."""

# scikit-learn is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from models.classifier import Classifier, ClassifierInput
from models.evaluate.development import Development
from models.evaluate.metrics import Estimate, auc, estimate
from models.evaluate.pairs import PairOrder, pair_order
from models.evaluate.robustness import TermBias, evasions, inside_long_posts, term_bias, with_and_without_context
from models.evaluate.rounding import Rounding, corpus_samples, rounding
from models.evaluate.samples import Sample
from models.evaluate.samples import test_samples as load_test_samples  # pytest would collect the other name
from models.evaluate.scoring import Scorer
from models.evaluate.test_sets import SetResult, evaluate_set
from models.labels import SCORE_KEYS, Axis, ScoreKey
from models.train.corpus import CorpusPost, corpus
from models.train.dataset import read_rows, split_of, tidy
from models.train.strata import CIVIL_PHENOMENA
from models.train.thresholds import flagged_by_anything

_DISGUISED_SETS = ("olid", "gab_hate_kennedy", "reddit_incivility")
_BIAS_SET = "bias_madlibs_8k"
_CIVIL_SET = "forum_verifiability"
_STRATUM_ROWS = 1_000
_ALTERED_ROWS = 500
"""Posts of a set that are disguised, or set inside long posts, in each way."""


@dataclass(frozen=True, slots=True)
class CorpusResult:
    posts: int
    by_key: Mapping[ScoreKey, Estimate]
    """AUC on all held-out posts."""
    pairs: Mapping[Axis, Mapping[str, PairOrder]]
    recall: Mapping[Axis, float]
    false_alarms: Mapping[Axis, float]
    words_auc: Mapping[Axis, float]
    """Of a linear model over words (tf-idf) that learned from the corpus' training posts."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    version: str
    rows: int
    thresholds: Mapping[ScoreKey, float]
    development: Development
    sets: Sequence[SetResult]
    corpus: CorpusResult
    must_pass: Mapping[str, tuple[int, float]]
    """Posts of test splits that must pass: how many, and the share flagged by anything."""
    evasions: Mapping[str, Mapping[str, float]]
    long_posts: Mapping[str, tuple[float, float]]
    context: Mapping[str, tuple[float, float]]
    bias: Sequence[TermBias]
    rounding: Sequence[Rounding]


def evaluate(
    classifier: Classifier, exact: Classifier, data: Path, rows: int, say: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Measure ``classifier`` on all sets under ``data``, and what it lost against ``exact``; ``say`` hears of steps."""
    scorer, thresholds = Scorer(classifier), classifier.info.default_thresholds
    say("development rows")
    development = Development(data, scorer)
    samples: dict[str, Sample] = {}
    sets: list[SetResult] = []
    for sample in load_test_samples(data, rows):
        say(f"test set {sample.name}")
        samples[sample.name] = sample
        sets.append(evaluate_set(sample, scorer, development, thresholds))
    say("disguise, long posts, context, identity terms")
    disguised = {name: samples[name].first(_ALTERED_ROWS) for name in _DISGUISED_SETS if name in samples}
    civil = [tidy(row["text"]) for row in read_rows(data, _CIVIL_SET) if split_of(_CIVIL_SET, row) == "test"]
    held_out = [post for post in corpus() if post.split == "test"]
    say("the same test sets in single precision")
    compared = rounding([*samples.values(), *corpus_samples(held_out)], scorer, Scorer(exact), thresholds)
    return Evaluation(
        version=classifier.info.version,
        rows=rows,
        thresholds=thresholds,
        development=development,
        sets=sets,
        corpus=_corpus(held_out, scorer, thresholds),
        must_pass=_must_pass(data, held_out, civil, scorer, thresholds),
        evasions={name: evasions(sample, scorer) for name, sample in disguised.items()},
        long_posts={name: inside_long_posts(sample, civil, scorer) for name, sample in disguised.items()},
        context={
            name: with_and_without_context(sample, scorer) for name, sample in samples.items() if sample.has_context
        },
        bias=_bias(data, scorer, thresholds[Axis.INFLAMMATORY]),
        rounding=compared,
    )


def _bias(data: Path, scorer: Scorer, threshold: float) -> list[TermBias]:
    """On all rows of the set: its identity terms are many, and each needs sentences enough."""
    whole = next((sample for sample in load_test_samples(data, sys.maxsize, names=(_BIAS_SET,))), None)
    return term_bias(whole, scorer, threshold) if whole else []


def _corpus(posts: Sequence[CorpusPost], scorer: Scorer, thresholds: Mapping[ScoreKey, float]) -> CorpusResult:
    inputs = [post.input for post in posts]
    by_key: dict[ScoreKey, Estimate] = {}
    recall: dict[Axis, float] = {}
    false_alarms: dict[Axis, float] = {}
    for key in SCORE_KEYS:
        known = [index for index, post in enumerate(posts) if key in post.targets]
        if not known:
            continue
        truth = np.array([posts[index].targets[key] >= 0.5 for index in known])
        scores = scorer(inputs, key)[known]
        by_key[key] = estimate(auc, truth, scores)
        if isinstance(key, Axis):
            recall[key] = float((scores[truth] >= thresholds[key]).mean())
            false_alarms[key] = float((scores[~truth] >= thresholds[key]).mean())
    return CorpusResult(
        posts=len(posts),
        by_key=by_key,
        pairs={axis: pair_order(posts, scorer(inputs, axis), axis) for axis in Axis},
        recall=recall,
        false_alarms=false_alarms,
        words_auc={axis: _words_auc(posts, axis) for axis in Axis},
    )


def _words_auc(posts: Sequence[CorpusPost], axis: Axis) -> float:
    """How far words alone go on ``posts``: what the model must beat to have learnt more than words."""
    learnt = [post for post in corpus() if post.split == "train"]
    words = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10))
    words.fit([post.input.text for post in learnt], [post.targets[axis] for post in learnt])
    scores = words.predict_proba([post.input.text for post in posts])[:, 1]
    return auc(np.array([post.targets[axis] >= 0.5 for post in posts]), scores)


def _must_pass(
    data: Path,
    held_out: Sequence[CorpusPost],
    civil: Sequence[str],
    scorer: Scorer,
    thresholds: Mapping[ScoreKey, float],
) -> dict[str, tuple[int, float]]:
    neutrals = [
        ClassifierInput(tidy(row["text"]))
        for row in read_rows(data, "cad")
        if split_of("cad", row) == "test" and row["inflammatory"] == "0" and row["text"].strip()
    ]
    strata = {
        "forum argument (forum_verifiability)": [ClassifierInput(text) for text in civil],
        "political Reddit (cad neutrals)": neutrals,
        "civil posts of our corpus": [
            post.input for post in held_out if post.phenomenon in CIVIL_PHENOMENA and not post.labels | post.unsure
        ],
        "all posts of our corpus without a label": [post.input for post in held_out if not post.labels | post.unsure],
    }
    drawn = {name: random.Random(name).sample(posts, min(_STRATUM_ROWS, len(posts))) for name, posts in strata.items()}
    return {name: (len(posts), _flagged(posts, scorer, thresholds)) for name, posts in drawn.items() if posts}


def _flagged(posts: Sequence[ClassifierInput], scorer: Scorer, thresholds: Mapping[ScoreKey, float]) -> float:
    return float(flagged_by_anything(scorer.all_keys(posts), thresholds).mean())
