"""Posts about another group of people: what attacks one group would attack any, what praises one would praise any.

Public sets name few groups, and those mostly in attacks, so that a name alone becomes suspicious. A post whose group is
swapped keeps its labels (counterfactual augmentation: Garg et al., https://arxiv.org/abs/1809.10610).
"""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

_NAMES: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""By grammar: `kinds` and `nations` are adjectives, `one` a person, `many` and `peoples` several."""
_KINDS, _NATIONS, _PEOPLES = _NAMES["kinds"], _NAMES["nations"], _NAMES["peoples"]
_SAID_OF_PEOPLE = [name for name in _KINDS if name not in ("immigrant", "migrant", "refugee")]
_NEVER_OF_THINGS = [name for name in _KINDS if name not in ("young", "poor", "blind", "black", "white", "brown")]
_ONE = [*_NAMES["one"], *(f"{name} person" for name in _SAID_OF_PEOPLE)]
_MANY = [*_NAMES["many"], *(f"{name} people" for name in _SAID_OF_PEOPLE)]

_PERSON = (
    r"(?=\s+(?:people|persons?|folks?|m[ae]n|guys?|wom[ae]n|girls?|boys?|kids?|child(?:ren)?|couples?"
    r"|communit(?:y|ies))\b)"
)
_BEING = r"\b(?:is|are|was|were|be|being|am|i['’]m|(?:he|she)['’]s|(?:you|they|we)['’]re)\s+"
_END = (
    r"(?=\s*(?:[^\w\s]|$)|\s+(?:and|or|but|is|are|was|in|on|at|who|that|because|so|too|should|can|will|do|does|have)\b)"
)


def _pattern(names: Sequence[str], before: str = r"\b", after: str = r"\b") -> re.Pattern[str]:
    return re.compile(rf"({before})({'|'.join(names)}){after}", re.IGNORECASE)


# Nations are swapped among themselves: an army or a government may be theirs.
_RULES: tuple[tuple[re.Pattern[str], Sequence[str]], ...] = (
    (_pattern(_KINDS, after=_PERSON), _KINDS),
    (_pattern(_NEVER_OF_THINGS, before=_BEING, after=_END), _KINDS),
    (_pattern(_NAMES["one"], before=r"\ba\s+", after=_END), _ONE),
    (_pattern(_NAMES["many"]), _MANY),
    (_pattern(_NATIONS, after=_PERSON), _NATIONS),
    (_pattern(_NATIONS, before=_BEING, after=_END), _NATIONS),
    (_pattern(_PEOPLES), _PEOPLES),
)
SWAPPED = frozenset(name for _, names in _RULES for name in names)
"""Every name that training may put in another's place."""


def swap_groups(text: str, chance: random.Random) -> str:
    """``text`` with each group that it names become one other of the same grammar; unchanged if it names none."""
    drawn = chance.random()
    for pattern, names in _RULES:
        text = pattern.sub(lambda match, names=names: match[1] + _other(match[2], names, drawn), text)
    return text


def _other(name: str, names: Sequence[str], drawn: float) -> str:
    """The same name always becomes the same other one."""
    return random.Random(f"{name.lower()}{drawn}").choice(names)
