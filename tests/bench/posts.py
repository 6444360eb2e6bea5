"""Posts to measure with: as long as people's posts are, and no two alike.

``python -m tests.bench.posts`` prints how long they are.
"""

import bisect
import csv
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from models.train.corpus import corpus
from models.train.dataset import read_rows, tidy
from models.windows import sentences

MEAN_WORDS = 36
"""About 48 tokens."""
SPREAD = 0.8
"""Standard deviation of a length's logarithm: one post in a hundred is longer than 165 words."""
LONGEST = 300
LABELLED = Path(__file__).parents[3] / "shared" / "data"
"""The labelled sets, which are not part of the repository."""
MOST_CHARACTERS = 4_000
"""What Discord lets a member write."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of posts, in words."""

    mean: float
    median: float
    longest: int


def texts(count: int, seed: int = 0) -> list[str]:
    """``count`` posts made of our corpus' sentences; the same for the same ``seed``. See ``stream``."""
    return list(stream(count, seed))


def stream(count: int, seed: int = 0) -> Iterator[str]:
    """The posts of ``texts`` one by one.

    A length in words is drawn from a log-normal distribution with a mean of ``MEAN_WORDS`` and cut off at ``LONGEST``;
    then sentences of the corpus are drawn until the post is that long, each from those that still fit. They are of
    posts without a label and not of the test split, so that about one post in fifteen is flagged: every flag costs
    time, and of posts made of any sentences it would be one in four. In each sentence one word is replaced by one from
    elsewhere: there are fewer sentences than posts, and neither posts nor the sentences that explain a flag may be
    known to the memory of exact repeats.
    """
    chance, known = random.Random(seed), set[str]()
    source = _Sentences()
    while len(known) < count:
        length = round(chance.lognormvariate(math.log(MEAN_WORDS) - SPREAD**2 / 2, SPREAD))
        text = source.post(min(max(length, 1), LONGEST), chance)
        if text not in known:
            known.add(text)
            yield text


class _Sentences:
    """Those of the corpus, as lists of words, shortest first."""

    def __init__(self) -> None:
        civil = (post for post in corpus() if post.split != "test" and not post.labels | post.unsure)
        written = [post.input.text for post in civil]
        found = [span.cut(text).split() for text in written for span in sentences(text)]
        self._sorted = sorted(found, key=len)
        self._lengths = [len(words) for words in self._sorted]
        self._words = [word for words in found for word in words if word.isalpha()]

    def post(self, length: int, chance: random.Random) -> str:
        """Of ``length`` words: there are sentences of one."""
        words: list[str] = []
        while left := length - len(words):
            words += self._one(left, chance)
        return " ".join(words)

    def _one(self, longest: int, chance: random.Random) -> list[str]:
        words = [*self._sorted[chance.randrange(bisect.bisect_right(self._lengths, longest))]]
        words[chance.randrange(len(words))] = chance.choice(self._words)
        return words


def labelled(count: int, folder: Path = LABELLED, seed: int = 0) -> list[str]:
    """At most ``count`` English posts from the labelled sets in ``folder``, shuffled, no two alike.

    Never from a test set or a test split. Raises ``DataError`` if a set is missing.
    """
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in csv.DictReader(file) if row["use"] != "test"]
    rows = (row for name in names for row in read_rows(folder, name))
    english = (tidy(row["text"]) for row in rows if row["split"] != "test" and row["lang"] in ("", "en"))
    known = dict.fromkeys(text for text in english if text and len(text) <= MOST_CHARACTERS)
    return random.Random(seed).sample([*known], min(count, len(known)))


def lengths(posts: Sequence[str]) -> Lengths:
    words = [len(text.split()) for text in posts]
    return Lengths(mean(words), median(words), max(words))


def lines_of(figures: Lengths) -> list[str]:
    return [f"words a post: mean {figures.mean:.1f}, median {figures.median:.0f}, longest {figures.longest}"]


if __name__ == "__main__":
    print(*lines_of(lengths(texts(10_000))), sep="\n")
