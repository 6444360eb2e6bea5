"""What a training run is made of, in one place; what shipped weights were made with stands in `docs/training.md`."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

_SHARES = frozenset(
    {"share", "weak_weight", "stray_context", "context_dropout", "dropout", "evasion", "padded", "swapped"}
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Same recipe, same data: same examples in the same order."""

    seed: int = 13
    share: float = 1.0
    """Share of each set's rows that is drawn."""
    passes: int = 3
    """Each goes on from the one before, with a draw, views and order of its own; the mean of the weights after each
    but the first is kept."""
    closing: int = 1
    """Passes after those with half as much of each set, but three times as much of those on facts, if they have as
    many rows: what these teach is lost first among all the insults."""
    facts: float = 1.0
    """How many times its quota of a set on facts is drawn, if it has as many rows."""
    batch: int = 64
    learning_rate: float = 2e-4
    """At its height in the first pass; half of it in the others, which are to keep what was learned."""
    dropout: float = 0.1
    """In all passes but the first, which shows most posts once: little can be learned by heart there."""
    weak_weight: float = 0.15
    """Rows of one domain as negatives of the other: true by and large, so they count little."""
    rare_repeat: int = 3
    """How often at least public threats are seen, and rows in which we found misinformation ourselves."""
    corpus_repeat: int = 3
    """How often each post of our own corpus is seen, each time with other context and disguise."""
    group_repeat: int = 3
    """How many times as often a harmless post is seen that names a group of people (`models.train.groups`): half of the
    posts that name one in the public sets are attacks, and the name alone would become suspicious."""
    stray_context: float = 0.25
    """Share of the posts shown under a title or post that they have nothing to do with."""
    context_dropout: float = 0.4
    """Share of the posts whose real context is left away, unless they cannot be judged without."""
    evasion: float = 0.2
    """Share of the posts shown disguised (`models.train.evasion`)."""
    padded: float = 0.1
    """Share of the short posts set among civil sentences, so that one bad sentence in a long post counts."""
    swapped: float = 0.5
    """Share of the posts that stand alone whose groups of people become others (`models.train.groups`)."""

    def each_pass(self) -> list[Self]:
        """The recipe of every pass by itself: the first is the same whether more follow or not."""
        first = replace(self, passes=1, closing=0, dropout=0.0)
        wide = replace(first, learning_rate=self.learning_rate / 2, dropout=self.dropout)
        closing = replace(wide, share=self.share / 2, facts=6 * self.facts)
        later = [wide] * (self.passes - 1) + [closing] * self.closing
        return [first, *(replace(recipe, seed=self.seed + number) for number, recipe in enumerate(later, 1))]

    def with_settings(self, settings: list[str]) -> Self:
        """Change fields by ``name=value``; raises ``ValueError`` that names the setting, or lists the fields."""
        changes: dict[str, Any] = {}
        kinds: dict[str, type[int] | type[float]] = {name: type(value) for name, value in asdict(self).items()}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in kinds or not value:
                raise ValueError(f"{setting!r} is not name=value with one of: {', '.join(kinds)}")
            changes[name] = _number(setting, name, kinds[name], value)
        changed = replace(self, **changes)
        if "dropout" in changes and changed.passes + changed.closing == 1:
            raise ValueError("dropout: the first pass has none; set passes to 2 or closing to 1, too")
        return changed


def _number(setting: str, name: str, kind: type[int] | type[float], value: str) -> int | float:
    try:
        number = kind(value)
    except ValueError as error:
        raise ValueError(f"{setting!r}: {error}") from error
    if not 0 <= number < math.inf:
        raise ValueError(f"{setting!r} is not a number from 0 up")
    if name in _SHARES and number > 1:
        raise ValueError(f"{setting!r} is a share, from 0 to 1")
    if name in ("batch", "passes") and not number:
        raise ValueError(f"{setting!r} leaves nothing to learn from")
    return number
