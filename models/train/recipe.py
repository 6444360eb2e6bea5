"""What a training run is made of, in one place: the defaults are the shipped weights' recipe."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Recipe:
    """Same recipe, same data: same examples in the same order."""

    seed: int = 13
    share: float = 1.0
    """Share of each set's rows that a pass draws."""
    batch: int = 64
    learning_rate: float = 1.2e-4
    """Held through the first pass; falls to zero in the second. Each begins with a short rise to it."""
    weak_weight: float = 0.15
    """Rows of one domain as negatives of the other: true by and large, so they count little."""
    threat_repeat: int = 4
    corpus_repeat: int = 5
    """How often the second pass sees each post of our corpus, each time with other context and disguise."""
    second_share: float = 0.35
    """Share of the first pass' public rows that the second draws: other ones, as long as there are."""
    stray_context: float = 0.25
    """Share of the posts shown under a title or post that they have nothing to do with."""
    context_dropout: float = 0.4
    """Share of the posts whose real context is left away, unless they cannot be judged without."""
    evasion: float = 0.15
    """Share of the posts shown disguised (`models.train.evasion`)."""
    padded: float = 0.08
    """Share of the short posts set among civil sentences, so that one bad sentence in a long post counts."""
    swapped: float = 0.4
    """Share of the posts whose groups of people become others (`models.train.groups`)."""

    def with_settings(self, settings: list[str]) -> Self:
        """Change fields by ``name=value``; raises ``ValueError`` that names the setting, or lists the fields."""
        changes: dict[str, Any] = {}
        kinds: dict[str, type[int] | type[float]] = {name: type(value) for name, value in asdict(self).items()}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in kinds or not value:
                raise ValueError(f"{setting!r} is not name=value with one of: {', '.join(kinds)}")
            changes[name] = _number(setting, kinds[name], value)
        return replace(self, **changes)


def _number(setting: str, kind: type[int] | type[float], value: str) -> int | float:
    try:
        number = kind(value)
    except ValueError as error:
        raise ValueError(f"{setting!r}: {error}") from error
    if not 0 <= number < math.inf:
        raise ValueError(f"{setting!r} is not a number from 0 up")
    return number
