"""What should not change a verdict: disguise, the company of civil sentences, identity terms, context."""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.classifier import ClassifierInput
from models.evaluate.metrics import Scores, Truth, auc
from models.evaluate.samples import Sample, without_context
from models.labels import ScoreKey
from models.train.evasion import EVASIONS

Scorer = Callable[[Sequence[ClassifierInput], ScoreKey], Scores]
"""Scores of posts on one key."""

_NAMES_A_TERM = re.compile(r"being (.+) is \w+\W*")
_RAREST_TERM = 40
_LONG_WORDS = 150


@dataclass(frozen=True, slots=True)
class TermBias:
    """How one identity term changes the verdict (Borkan et al. 2019); ``false_alarms`` is of harmless sentences."""

    term: str
    rows: int
    subgroup_auc: float
    bpsn_auc: float
    bnsp_auc: float
    false_alarms: float


def evasions(sample: Sample, score: Scorer) -> dict[str, float]:
    """AUC on the posts as they are ("none") and with all of them disguised in each way."""
    truth = np.array(sample.truth)
    found = {"none": auc(truth, score(sample.posts, sample.key))}
    for name, evasion in EVASIONS.items():
        posts = [replace(p, text=evasion(p.text, random.Random(f"{name}:{p.text}"))) for p in sample.posts]
        found[name] = auc(truth, score(posts, sample.key))
    return found


def inside_long_posts(sample: Sample, civil: Sequence[str], score: Scorer) -> tuple[float, float]:
    """AUC of the posts alone, and of the same posts inside some 150 words of civil argument."""
    chance = random.Random(0)
    posts: list[ClassifierInput] = []
    for post in sample.posts:
        padding: list[str] = []
        while sum(len(text.split()) for text in padding) < _LONG_WORDS:
            padding.append(chance.choice(civil))
        padding.insert(chance.randrange(len(padding) + 1), post.text)
        posts.append(replace(post, text=" ".join(padding)))
    truth = np.array(sample.truth)
    return auc(truth, score(sample.posts, sample.key)), auc(truth, score(posts, sample.key))


def with_and_without_context(sample: Sample, score: Scorer) -> tuple[float, float]:
    """AUC with the title or the post it answers, and without."""
    truth = np.array(sample.truth)
    return (
        auc(truth, score(sample.posts, sample.key)),
        auc(truth, score(without_context(sample.posts), sample.key)),
    )


def term_bias(sample: Sample, score: Scorer, threshold: float) -> list[TermBias]:
    """Bias by identity term on the template sentences of bias_madlibs; worst false alarms first."""
    terms = _terms_in([post.text.lower() for post in sample.posts])
    common = [term for term, rows in Counter(terms).items() if term and rows >= _RAREST_TERM]
    scores = score(sample.posts, sample.key)
    truth = np.array(sample.truth)
    found: list[TermBias] = []
    for term in common:
        inside = np.array([name == term for name in terms])
        harmless = inside & ~truth
        if not harmless.any() or not (inside & truth).any():
            continue
        found.append(
            TermBias(
                term,
                int(inside.sum()),
                auc(truth[inside], scores[inside]),
                _auc_of(harmless | (~inside & truth), truth, scores),
                _auc_of((inside & truth) | (~inside & ~truth), truth, scores),
                float((scores[harmless] >= threshold).mean()),
            )
        )
    return sorted(found, key=lambda bias: -bias.false_alarms)


def _auc_of(rows: Truth, truth: Truth, scores: Scores) -> float:
    return auc(truth[rows], scores[rows])


def _terms_in(texts: Sequence[str]) -> list[str]:
    """The identity term of each sentence, or "": its sentences "Being … is …" name them all."""
    known = {match[1] for text in texts if (match := _NAMES_A_TERM.fullmatch(text))}
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, known), key=len, reverse=True)) + r")\b")
    return [match[1] if (match := pattern.search(text)) else "" for text in texts]


def summary_of_bias(found: Sequence[TermBias]) -> Mapping[str, float]:
    """The worst and the spread: what one would quote."""
    alarms = [bias.false_alarms for bias in found]
    return {
        "terms": len(found),
        "lowest subgroup AUC": min(bias.subgroup_auc for bias in found),
        "lowest BPSN AUC": min(bias.bpsn_auc for bias in found),
        "lowest BNSP AUC": min(bias.bnsp_auc for bias in found),
        "false-alarm gap": max(alarms) - min(alarms),
    }
