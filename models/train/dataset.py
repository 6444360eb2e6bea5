"""From the labelled sets to training examples: de-duplicated, masked, split, with weak negatives."""

import csv
import gzip
import hashlib
import html
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Axis, Label, ScoreKey
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS, SOURCES, Row, Source

WEAK_WEIGHT = 0.15
"""Rows of one domain as negatives of the other: true by and large, so they count little."""
THREAT_REPEAT = 4
CONTEXT_SHARE = 0.25
DEV_PERCENT = 6
DEV_ROWS = 1_000

csv.field_size_limit(10_000_000)


@dataclass(frozen=True, slots=True)
class Example:
    """One post with ``targets`` (probability per score; absent = masked) and their loss ``weights``."""

    source: str
    split: str
    input: ClassifierInput
    targets: Mapping[ScoreKey, float]
    weights: Mapping[ScoreKey, float]


class DataError(Exception):
    """The data folder cannot be used; the message says what to do."""


def load_examples(folder: Path, seed: int, share: float = 1.0) -> list[Example]:
    """Read every source under ``folder``, in a fixed order: same seed, same examples.

    ``share`` of each source's rows is drawn (for trial runs). Raises ``DataError`` if a set is missing.
    """
    taken = _test_texts(folder)
    examples: list[Example] = []
    for source in SOURCES:
        fresh = list(_examples_of(folder, source, taken))
        random.Random(f"{seed}:{source.name}").shuffle(fresh)
        train = [example for example in fresh if example.split == "train"][: int(source.rows * share)]
        examples += [copy for example in train for copy in [example] * _copies(source, example)]
        examples += [example for example in fresh if example.split == "dev"][:DEV_ROWS]
    return _with_stray_context(examples, seed)


def summary(examples: list[Example]) -> str:
    """What each score saw: strict positives and negatives, weak negatives, per split."""
    lines = [f"{'score':<20}{'split':<7}{'positive':>10}{'negative':>10}{'weak neg':>10}"]
    for key in SCORE_KEYS:
        for split in ("train", "dev"):
            counts: Counter[str] = Counter()
            for example in examples:
                if example.split == split and key in example.targets:
                    weak = example.weights[key] <= WEAK_WEIGHT
                    counts["weak" if weak else "pos" if example.targets[key] >= 0.5 else "neg"] += 1
            lines.append(f"{key:<20}{split:<7}{counts['pos']:>10}{counts['neg']:>10}{counts['weak']:>10}")
    return "\n".join(lines)


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
        if use == "test" or row["split"] == "test"
    }


def _examples_of(folder: Path, source: Source, taken: set[str]) -> Iterator[Example]:
    for row in read_rows(folder, source.name):
        key = fingerprint(row["text"])
        if row["split"] == "test" or key in taken or source.drop(row) or not row["text"].strip():
            continue
        taken.add(key)
        targets = {name: value for name, rule in source.targets.items() if (value := rule(row)) is not None}
        weights = dict.fromkeys(targets, source.weight)
        for name in _weak_negatives(source, targets):
            targets[name], weights[name] = 0.0, WEAK_WEIGHT
        reply_to = tidy(row["context"]) if source.name == "wiki_context_toxicity" else ""
        content = ClassifierInput(tidy(row["text"]), reply_to=reply_to or None)
        yield Example(source.name, _split(source, row), content, targets, weights)


def _weak_negatives(source: Source, targets: Mapping[ScoreKey, float]) -> list[ScoreKey]:
    """Scores that nobody asked this set's annotators for, yet that are zero by and large.

    Those of the other domain; siblings, so that labels of one axis do not all mean the same; and for a post
    that a set on hate or insult calls clean, the rest of its axis, or identity words alone would be suspect.
    """
    if Axis.INFLAMMATORY not in source.targets:
        return [key for key in (*INFLAMMATORY_KEYS, *MISINFORMATION_KEYS) if key not in targets]
    clean = bool(targets) and all(value < 0.5 for value in targets.values())
    own = [key for key in INFLAMMATORY_KEYS if clean and key not in targets]
    return [*own, *MISINFORMATION_KEYS, Label.CHECKWORTHY]


def _split(source: Source, row: Row) -> str:
    """Published development rows, and a share of all others by hash: by subreddit where topic would leak."""
    by_group = source.name == "psycomark_reddit"
    bucket = int(hashlib.sha256(row["context" if by_group else "text"].encode()).hexdigest(), 16) % 100
    return "dev" if row["split"] == "dev" or bucket < DEV_PERCENT * (3 if by_group else 1) else "train"


def _copies(source: Source, example: Example) -> int:
    threat = example.targets.get(Label.THREAT, 0.0) >= 0.5
    return source.repeat * (THREAT_REPEAT if threat else 1)


def _with_stray_context(examples: list[Example], seed: int) -> list[Example]:
    """Show a share of the posts under a title or post that they have nothing to do with.

    Few sets come with context; without this the model would learn that a post with context is harmless.
    """
    draw = random.Random(seed)
    titles = [e.input.text for e in examples if e.source == "coaid_titles" and e.split == "train"]
    posts = [e.input.text for e in examples if e.source == "iac_4forums_unlabelled_sample"]
    if not titles or not posts:
        return examples

    def shown(example: Example) -> Example:
        if example.input.reply_to or draw.random() >= CONTEXT_SHARE:
            return example
        title = draw.choice(titles) if draw.random() < 0.7 else None
        reply_to = draw.choice(posts) if title is None or draw.random() < 0.4 else None
        return replace(example, input=ClassifierInput(example.input.text, title, reply_to))

    return [shown(example) for example in examples]
