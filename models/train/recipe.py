"""What a training run is made of, in one place: the defaults are those of the next weights."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

_SHARES = frozenset(
    {
        *("share", "teacher_share", "dropout", "public_share", "taught", "weak_weight"),
        *("stray_context", "context_dropout", "evasion", "padded", "swapped"),
    }
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Same recipe, same data: same examples in the same order."""

    seed: int = 13
    share: float = 1.0
    """Share of each set's rows that is drawn."""
    epochs: float = 1.0
    batch: int = 64
    teachers: int = 2
    """Networks that learn the public sets, each its own draw; the student begins at the mean of their weights."""
    teacher_share: float = 0.7
    """Share of each set's rows that a teacher draws."""
    teacher_learning_rate: float = 1.2e-4
    learning_rate: float = 1e-4
    dropout: float = 0.0
    """Of the student: it learns the mean of several, each post in several views, and without it a fifth quicker."""
    public_share: float = 0.35
    """Share of the public rows that the student sees, beside our whole corpus."""
    taught: float = 0.75
    """How much the teachers' word counts for public rows; the rest is the annotators'."""
    weak_weight: float = 0.15
    """Rows of one domain as negatives of the other: true by and large, so they count little."""
    threat_repeat: int = 4
    corpus_repeat: int = 8
    plain_repeat: int = 12
    """How often each post of our own corpus is seen, and each of its plain short ones: each time in another view."""
    stray_context: float = 0.25
    """Share of the posts shown under a title or post that they have nothing to do with."""
    context_dropout: float = 0.4
    """Share of the posts whose real context is left away, unless they cannot be judged without."""
    evasion: float = 0.15
    """Share of the posts shown disguised (`models.train.evasion`)."""
    padded: float = 0.04
    """Share of the short posts set among civil sentences, so that one bad sentence in a long post counts."""
    swapped: float = 0.4
    """Share of the posts that stand alone whose groups of people become others (`models.train.groups`)."""

    def of_teacher(self, number: int) -> Self:
        """The recipe of teacher ``number``, from 0: rows and views of its own."""
        return replace(self, seed=self.seed + 1 + number, share=self.share * self.teacher_share)

    def with_settings(self, settings: list[str]) -> Self:
        """Change fields by ``name=value``; raises ``ValueError`` that names the setting, or lists the fields."""
        changes: dict[str, Any] = {}
        kinds: dict[str, type[int] | type[float]] = {name: type(value) for name, value in asdict(self).items()}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in kinds or not value:
                raise ValueError(f"{setting!r} is not name=value with one of: {', '.join(kinds)}")
            changes[name] = _number(setting, name, kinds[name], value)
        return replace(self, **changes)


def _number(setting: str, name: str, kind: type[int] | type[float], value: str) -> int | float:
    try:
        number = kind(value)
    except ValueError as error:
        raise ValueError(f"{setting!r}: {error}") from error
    if not 0 <= number < math.inf:
        raise ValueError(f"{setting!r} is not a number from 0 up")
    if name in _SHARES and number > 1:
        raise ValueError(f"{setting!r} is a share, from 0 to 1")
    if name == "batch" and not number:
        raise ValueError(f"{setting!r} leaves batches empty")
    return number
