"""From the labelled sets to training examples: de-duplicated, masked, split, with weak negatives."""

import csv
import gzip
import hashlib
import html
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.classifier import ClassifierInput
from models.labels import AXIS_OF, SCORE_KEYS, Axis, Label, ScoreKey
from models.train.corpus import CorpusPost, corpus
from models.train.readings import UNSURE, readings_of
from models.train.recipe import Recipe
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS, SOURCES, Row, Source

CORPUS = "own_corpus"
DEV_PERCENT = 6
SUBREDDIT_PERCENT = 15
"""Share of psycomark's subreddits in each of its development and its test split."""
DEV_ROWS = 2_000
"""Of each set, at most; the same for every recipe, so that runs are compared on the same rows."""

csv.field_size_limit(10_000_000)


@dataclass(frozen=True, slots=True)
class Example:
    """One post with ``targets`` (probability per score; absent = masked) and their loss ``weights``."""

    source: str
    split: str
    input: ClassifierInput
    targets: Mapping[ScoreKey, float]
    weights: Mapping[ScoreKey, float]
    weak: frozenset[ScoreKey] = frozenset()
    """Scores that nobody annotated, assumed to be zero."""
    needs_context: bool = False
    """The targets hold only for the post under its title or the post it answers."""
    phenomenon: str = ""
    """What a post of our corpus is an example of."""
    repeat: int = 1
    """How often a pass shows this row of a public set; it is the recipe that says so for our corpus."""
    read: bool = False
    """A row of a public set that we read ourselves (`models.train.readings`)."""


class DataError(Exception):
    """The data folder cannot be used; the message says what to do."""


def load_examples(folder: Path, recipe: Recipe) -> list[Example]:
    """What one pass learns from, and the development examples, in a fixed order: same recipe, same examples."""
    return draw(read_examples(folder, recipe), recipe)


def read_examples(folder: Path, recipe: Recipe) -> list[Example]:
    """Read our corpus and every source under ``folder``, whole: training and development examples.

    Raises ``DataError`` if a set is missing.
    """
    own, tested = list(corpus()), _test_texts(folder)
    held_out = {fingerprint(post.input.text) for post in own if post.split != "train"}
    hidden = {"train": tested | held_out, "dev": tested}
    examples = [
        _of_corpus(post)
        for post in own
        if post.split in hidden and fingerprint(post.input.text) not in hidden[post.split]
    ]
    taken = tested | {fingerprint(post.input.text) for post in own}
    return [*examples, *(example for source in SOURCES for example in _examples_of(folder, source, taken, recipe))]


def draw(examples: Sequence[Example], recipe: Recipe) -> list[Example]:
    """Of all ``examples`` those of one pass: each source's quota, other ones for another seed; and for development."""
    by_source: dict[str, list[Example]] = {}
    for example in examples:
        by_source.setdefault(example.source, []).append(example)
    drawn = by_source.pop(CORPUS, [])
    for source in SOURCES:
        rows = by_source.get(source.name, [])
        held = [example for example in rows if example.split == "dev"]
        random.Random(f"{recipe.seed}:{source.name}").shuffle(rows)
        rows.sort(key=lambda example: not example.read)  # what we read ourselves comes first
        quota = int(source.rows * recipe.share * (recipe.facts if source.on_facts else 1))
        drawn += [example for example in rows if example.split == "train"][:quota]
        drawn += sorted(held, key=lambda example: fingerprint(example.input.text))[:DEV_ROWS]
    return drawn


def summary(examples: Sequence[Example]) -> str:
    """What each score sees: strict positives and negatives, weak negatives, per split."""
    lines = [f"{'score':<20}{'split':<7}{'positive':>10}{'negative':>10}{'weak neg':>10}"]
    for key in SCORE_KEYS:
        for split in sorted({example.split for example in examples}, reverse=True):
            counts: Counter[str] = Counter()
            for example in examples:
                if example.split == split and key in example.targets:
                    counts["weak" if key in example.weak else _side(example.targets[key])] += 1
            lines.append(f"{key:<20}{split:<7}{counts['pos']:>10}{counts['neg']:>10}{counts['weak']:>10}")
    return "\n".join(lines)


def _side(target: float) -> str:
    return "pos" if target > UNSURE else "neg" if target < UNSURE else "between"


def read_rows(folder: Path, name: str) -> Iterator[Row]:
    path = folder / f"{name}.csv.gz"
    if not path.exists():
        raise DataError(f"{path} is missing: point --data at the folder with the labelled sets")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def tidy(text: str) -> str:
    """Undo what the collectors of a set did to its text, so that all sets look like Discord posts."""
    text = html.unescape(text)
    text = re.sub(r"(?<!\w)@(?:USER|user|\w{2,30})\b|<user>|\[USER\]", "@user", text)
    text = re.sub(r"\bURL\b|<url>|\[URL\]|HTTPURL", "link", text)
    return text.replace("NEWLINE_TOKEN", "\n").replace("TAB_TOKEN", " ").strip()


def fingerprint(text: str) -> str:
    """Equal for texts that differ in case, punctuation and spacing only. An emoji is a word, not punctuation."""
    said = [char for char in tidy(text).lower() if char.isalnum() or unicodedata.category(char) == "So"]
    return hashlib.sha256("".join(said).encode()).hexdigest()


def _test_texts(folder: Path) -> set[str]:
    """Fingerprints of all texts that no training may see: test sets and published test splits."""
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        uses = {row["name"]: row["use"] for row in csv.DictReader(file)}
    return {
        fingerprint(row["text"])
        for name, use in uses.items()
        for row in read_rows(folder, name)
        if use == "test" or split_of(name, row) == "test"
    }


def _of_corpus(post: CorpusPost) -> Example:
    targets = post.targets
    needs_context = post.needs_title or post.input.reply_to is not None
    weights = dict.fromkeys(targets, 1.0)
    return Example(
        source=CORPUS,
        split=post.split,
        input=post.input,
        targets=targets,
        weights=weights,
        needs_context=needs_context,
        phenomenon=post.phenomenon,
    )


def _examples_of(folder: Path, source: Source, taken: set[str], recipe: Recipe) -> Iterator[Example]:
    for row in read_rows(folder, source.name):
        key = fingerprint(row["text"])
        split = split_of(source.name, row)
        if split == "test" or key in taken or source.drop(row) or not row["text"].strip():
            continue
        taken.add(key)
        said = {name: value for name, rule in source.targets.items() if (value := rule(row)) is not None}
        read = readings_of(key)
        asked = {name: value for name, value in said.items() if not (source.assumed and name in read)}
        agreed = _agreed(asked, read, split)
        # Read as an attack, but not of which kind: its labels are neither what the set denies nor assumed zeros.
        unread = {label for label, axis in AXIS_OF.items() if axis in agreed and read.get(axis) == 1.0} - {*read}
        targets = {name: value for name, value in agreed.items() if name not in unread}
        weights = {name: 1.0 if name in read else source.weight for name in targets}
        assumed = [name for name in said if source.assumed and name not in read]
        weak = [name for name in _weak_negatives(source, said) if name not in targets and name not in unread]
        for name in weak:
            targets[name], weights[name] = 0.0, recipe.weak_weight
        reply_to = tidy(row["context"]) if source.name == "wiki_context_toxicity" else ""
        content = ClassifierInput(tidy(row["text"]), reply_to=reply_to or None)
        rare = targets.get(Label.THREAT, 0.0) > UNSURE or read.get(Axis.MISINFORMATION) == 1.0
        repeat = max(source.repeat, recipe.rare_repeat if rare else 1)
        unasked = frozenset((*weak, *assumed))
        yield Example(source.name, split, content, targets, weights, unasked, repeat=repeat, read=bool(read))


def _agreed(said: Mapping[ScoreKey, float], read: Mapping[ScoreKey, float], split: str) -> Mapping[ScoreKey, float]:
    """What a row is learned as: where annotators and we both spoke, the mean, so that disputed posts lie between.

    What is measured on is the annotators' word; ours only of what they were not asked, where we were sure of it and
    contradict them in nothing of that axis.
    """
    if split == "dev":
        disputed = {
            key for keys in (INFLAMMATORY_KEYS, MISINFORMATION_KEYS) if _disputed(keys, said, read) for key in keys
        }
        ours = {key: value for key, value in read.items() if value != UNSURE and key not in disputed}
        return {**ours, **said}
    return {**said, **read, **{name: (said[name] + read[name]) / 2 for name in said.keys() & read.keys()}}


def _disputed(keys: Sequence[ScoreKey], said: Mapping[ScoreKey, float], read: Mapping[ScoreKey, float]) -> bool:
    """Whether annotators and we were sure of opposite things."""
    both = [key for key in keys if key in said and read.get(key, UNSURE) != UNSURE]
    return any((said[key] >= 0.5) != (read[key] == 1.0) for key in both)


def _weak_negatives(source: Source, targets: Mapping[ScoreKey, float]) -> list[ScoreKey]:
    """Scores that nobody asked this set's annotators for, yet that are zero by and large, if ``targets`` are theirs.

    Those of the other domain; siblings, so that labels of one axis do not all mean the same; and for a post
    that a set on hate or insult calls clean, the rest of its axis, or identity words alone would be suspect.
    """
    if Axis.INFLAMMATORY not in source.targets:
        return [key for key in (*INFLAMMATORY_KEYS, *MISINFORMATION_KEYS) if key not in targets]
    clean = bool(targets) and all(value < 0.5 for value in targets.values())
    own = [key for key in INFLAMMATORY_KEYS if clean and key not in targets]
    return [*own, *MISINFORMATION_KEYS, Label.CHECKWORTHY]


def split_of(name: str, row: Row) -> str:
    """Published splits, and a share of all other rows by hash: by subreddit where topic would leak."""
    if name == "psycomark_reddit":
        bucket = _bucket(row["context"])
        return "test" if bucket < SUBREDDIT_PERCENT else "dev" if bucket < 2 * SUBREDDIT_PERCENT else "train"
    if row["split"] in ("dev", "test"):
        return row["split"]
    return "dev" if _bucket(row["text"]) < DEV_PERCENT else "train"


def _bucket(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 100
