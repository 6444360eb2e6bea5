"""What each labelled set can teach: which scores its annotators were asked for, and how much it counts.

A 0 is only a 0 for what was asked: a post that a hate-speech set calls clean may still be a threat or an
insult. So a score takes part in the loss only where the set annotates it; everything else is masked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from models.labels import AXIS_OF, Axis, Label, ScoreKey

Row: TypeAlias = Mapping[str, str]
Rule: TypeAlias = Callable[[Row], float | None]
"""The target of one score for one row: a probability, or None where the set does not say."""


@dataclass(frozen=True, slots=True)
class Source:
    """One set: ``rows`` at most are drawn for a pass (see `Recipe.facts`), each counts ``weight`` in the loss."""

    name: str
    targets: Mapping[ScoreKey, Rule]
    rows: int
    weight: float = 1.0
    repeat: int = 1
    assumed: bool = False
    """Nobody was asked for its targets, yet they hold: they are learnt from, and never measured on."""
    drop: Callable[[Row], bool] = lambda row: row["lang"] not in ("", "en")

    @property
    def on_facts(self) -> bool:
        """Annotated for claims, conspiracies or propaganda."""
        return not self.assumed and bool(self.targets.keys() & {Axis.MISINFORMATION, Label.CHECKWORTHY})


def _sublabels(row: Row) -> set[str]:
    return {name.strip().lower() for name in row["sublabels"].split(";") if name.strip()}


def _inflammatory(row: Row) -> float | None:
    return float(row["inflammatory"]) if row["inflammatory"] else None


def _inflammatory_if_positive(row: Row) -> float | None:
    """For sets that asked for one kind of attack only: their zeros say nothing about the axis."""
    return 1.0 if _inflammatory(row) == 1 else None


def _misinformation(row: Row) -> float | None:
    return float(row["misinfo"]) if row["misinfo"] else None


def _sub(name: str, *, complete: bool) -> Rule:
    """A sublabel. ``complete``: every row was asked for it; else its absence counts on civil rows only."""

    def rule(row: Row) -> float | None:
        if name in _sublabels(row):
            return 1.0
        civil = _inflammatory(row) is not None and (_inflammatory(row) or 0) < 0.5
        return 0.0 if complete or civil else None

    return rule


def _zero_if_civil(row: Row) -> float | None:
    return 0.0 if _inflammatory(row) == 0 else None


_CIVIL_ZEROS: dict[ScoreKey, Rule] = {
    Label.INSULT: _zero_if_civil,
    Label.IDENTITY_ATTACK: _zero_if_civil,
    Label.THREAT: _zero_if_civil,
}


def _toxicity(**rules: Rule) -> dict[ScoreKey, Rule]:
    """A set whose annotators were asked for anything inflammatory: its zeros hold for all its labels."""
    return {Axis.INFLAMMATORY: _inflammatory, **_CIVIL_ZEROS, **{Label(key): rule for key, rule in rules.items()}}


_HATE: dict[ScoreKey, Rule] = {Axis.INFLAMMATORY: _inflammatory_if_positive, Label.IDENTITY_ATTACK: _inflammatory}


def _misinformation_of(label: Label) -> dict[ScoreKey, Rule]:
    return {Axis.MISINFORMATION: _misinformation, label: _misinformation}


def _davidson(row: Row) -> float | None:
    """`offensive_language` there is mostly dialect found by keyword: not evidence of an attack."""
    return {"hate_speech": 1.0, "neither": 0.0}.get(row["label"])


def _trac(row: Row) -> float | None:
    """Covert aggression (CAG) is annotated too noisily to take a side."""
    return {"OAG": 1.0, "NAG": 0.0}.get(row["label"])


SOURCES: tuple[Source, ...] = (
    Source(
        "civil_comments_spans",
        _toxicity(
            insult=_sub("insult", complete=False),
            identity_attack=_sub("identity_attack", complete=False),
            threat=_sub("threat", complete=True),
        ),
        rows=12_000,
    ),
    Source(
        "cad",
        _toxicity(
            insult=_sub("insult", complete=False),
            identity_attack=_sub("identity_attack", complete=True),
        ),
        rows=13_500,
    ),
    Source(
        "kaggle_insults_impermium",
        {Axis.INFLAMMATORY: _inflammatory_if_positive, Label.INSULT: _inflammatory},
        rows=4_000,
    ),
    Source("dynahate", _HATE, rows=16_000),
    Source("ucb_measuring_hate_rottger", _HATE, rows=5_000),
    Source("founta_hateful_rottger", _HATE, rows=1_500, drop=lambda row: not row["inflammatory"]),
    Source("hatexplain", _toxicity(identity_attack=_sub("identity_attack", complete=False)), rows=8_000),
    Source(
        "edos",
        {
            Axis.INFLAMMATORY: _inflammatory_if_positive,
            Label.IDENTITY_ATTACK: _sub("identity_attack", complete=True),
            Label.THREAT: _sub("threat", complete=False),
        },
        rows=6_000,
    ),
    Source(
        "olid",
        _toxicity(insult=_sub("insult", complete=False), identity_attack=_sub("identity_attack", complete=False)),
        rows=13_000,
    ),
    Source(
        "hasoc_2019_2020",
        _toxicity(insult=_sub("insult", complete=False), identity_attack=_sub("identity_attack", complete=False)),
        rows=4_000,
        weight=0.7,
    ),
    Source("stormfront", _HATE, rows=4_000),
    Source("implicit_hate_subset", _HATE, rows=5_000, weight=0.7),
    Source("hatemoji_build", {**_HATE, Label.THREAT: _sub("threat", complete=True)}, rows=4_700),
    Source(
        "davidson",
        {Axis.INFLAMMATORY: _davidson, Label.IDENTITY_ATTACK: _davidson},
        rows=3_000,
        weight=0.4,
        drop=lambda row: row["label"] == "offensive_language",
    ),
    Source(
        "trac1_en",
        {Axis.INFLAMMATORY: _trac, **_CIVIL_ZEROS},
        rows=2_000,
        weight=0.4,
        drop=lambda row: row["label"] == "CAG",
    ),
    Source(
        "gametox",
        _toxicity(insult=_sub("insult", complete=False), threat=_sub("threat", complete=False)),
        rows=5_000,
        weight=0.7,
    ),
    Source("conda_dota", _toxicity(), rows=2_500, weight=0.5),
    Source("wiki_context_toxicity", _toxicity(), rows=5_000),
    Source("jigsaw_wiki_small", _toxicity(), rows=1_000),
    Source("jigsaw_test_balanced", _toxicity(), rows=8_000),
    Source("psycomark_reddit", _misinformation_of(Label.CONSPIRACY), rows=3_000, repeat=3),
    Source("ptc_sentence_propaganda", _misinformation_of(Label.PROPAGANDA), rows=8_000, weight=0.6),
    Source("clef2024_debates_en", {Label.CHECKWORTHY: _misinformation}, rows=4_000),
    Source("clef2022_checkthat_tweets", {Label.CHECKWORTHY: _misinformation}, rows=3_000, weight=0.7),
    Source(
        "forum_verifiability",
        {
            Axis.MISINFORMATION: _misinformation,
            Label.CONSPIRACY: _misinformation,
            Label.UNSUPPORTED_CLAIM: _misinformation,
            Label.PROPAGANDA: _misinformation,
        },
        rows=8_000,
        assumed=True,
    ),
    Source("constraint_covid_fake", _misinformation_of(Label.UNSUPPORTED_CLAIM), rows=2_500, weight=0.4),
    Source("covid_rumor", _misinformation_of(Label.UNSUPPORTED_CLAIM), rows=2_500, weight=0.3),
    Source("health_misinfo_reddit_pos", _misinformation_of(Label.UNSUPPORTED_CLAIM), rows=1_100, weight=0.7),
    Source("coaid_titles", _misinformation_of(Label.UNSUPPORTED_CLAIM), rows=2_500, weight=0.4),
    Source("iac_4forums_unlabelled_sample", {}, rows=5_000),
)
"""`forum_verifiability` was annotated for verifiability, and is civil argument throughout. `iac_4forums` is
unlabelled: civil by and large, it gives weak negatives only.
"""

INFLAMMATORY_KEYS, MISINFORMATION_KEYS = (
    (axis, *(label for label in AXIS_OF if AXIS_OF[label] is axis)) for axis in (Axis.INFLAMMATORY, Axis.MISINFORMATION)
)
"""Each axis with its labels."""
