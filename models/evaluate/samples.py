"""What the classifier is measured on: every test set, every published test split, our corpus' held-out scenarios."""

import csv
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from models.classifier import ClassifierInput
from models.labels import AXIS_OF, Axis, Label, ScoreKey
from models.train.dataset import read_rows, split_of, tidy
from models.train.sources import Row

_KEY_OF_SCOPE: dict[str, ScoreKey] = {
    "checkworthy": Label.CHECKWORTHY,
    "conspiracy": Label.CONSPIRACY,
    "propaganda": Label.PROPAGANDA,
    "veracity": Label.UNSUPPORTED_CLAIM,
    "verifiable_claim": Label.CHECKWORTHY,
    "hate": Label.IDENTITY_ATTACK,
    "sexism": Label.IDENTITY_ATTACK,
    "insult": Label.INSULT,
}
"""What a set's annotators were asked for; every other scope asks for anything inflammatory."""
_REPLIES = ("wiki_context_toxicity", "convabuse", "clef2019_debates_en")
_TITLES = ("sfu_news_comments_ctc",)
DOMAINS: dict[str, tuple[str, ...]] = {
    "tweets": (
        *("olid", "hasoc_2019_2020", "founta_hateful_rottger", "davidson", "implicit_hate_subset", "tweeteval_hate"),
        *("clef2022_checkthat_tweets", "us_election2020_hof", "constraint_covid_fake", "covid_rumor"),
    ),
    "forum": (
        *("cad", "stormfront", "psycomark_reddit", "forum_verifiability", "edos", "reddit_incivility"),
        *("health_misinfo_reddit_pos", "iac_4forums_unlabelled_sample", "hatexplain", "gab_hate_kennedy", "dynahate"),
    ),
    "news comments": (
        *("civil_comments_spans", "kaggle_insults_impermium", "sfu_news_comments_ctc", "unhealthy_conversations"),
        *("ptc_sentence_propaganda", "coaid_titles"),
    ),
    "chat": ("gametox", "conda_dota", "convabuse", "hatemoji_build", "wiki_context_toxicity"),
    "own corpus": ("own_corpus",),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Posts of one set with what its annotators said; ``key`` is the score that they were asked for."""

    name: str
    key: ScoreKey
    posts: Sequence[ClassifierInput]
    truth: Sequence[bool]

    def first(self, rows: int) -> Self:
        return replace(self, posts=self.posts[:rows], truth=self.truth[:rows])

    @property
    def has_context(self) -> bool:
        return any(post.title or post.reply_to for post in self.posts)


def axis_of(key: ScoreKey) -> Axis | None:
    """The axis that ``key`` belongs to; None for the auxiliary label."""
    return key if isinstance(key, Axis) else AXIS_OF.get(key)


def test_samples(data: Path, rows: int, names: Collection[str] = ()) -> Iterator[Sample]:
    """A random sample, same every time, of each English test set and test split (or those ``names``).

    Of a test set that was published with splits, its test split; nothing with fewer than two of either answer.
    """
    with (data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        sets = list(csv.DictReader(file))
    for entry in sets:
        name, key = entry["name"], _KEY_OF_SCOPE.get(entry["scope"], Axis.INFLAMMATORY)
        if names and name not in names:
            continue
        column = "inflammatory" if axis_of(key) is Axis.INFLAMMATORY else "misinfo"
        usable = [
            row for row in read_rows(data, name) if row[column] and row["lang"] in ("", "en") and row["text"].strip()
        ]
        published = [row for row in usable if split_of(name, row) == "test"]
        kept = published or (usable if entry["use"] == "test" else [])
        chosen = random.Random(name).sample(kept, min(rows, len(kept)))
        truth = [float(row[column]) >= 0.5 for row in chosen]
        if min(truth.count(True), truth.count(False)) >= 2:
            yield Sample(name, key, [post_of(name, row) for row in chosen], truth)


def post_of(name: str, row: Row) -> ClassifierInput:
    """The post, with its title or the post it answers where the set has them."""
    context = tidy(row["context"]) or None
    return ClassifierInput(
        tidy(row["text"]),
        title=context if name in _TITLES else None,
        reply_to=context if name in _REPLIES else None,
    )


def without_context(posts: Sequence[ClassifierInput]) -> list[ClassifierInput]:
    return [ClassifierInput(post.text) for post in posts]
