"""Posts about another group of people: what attacks one group would attack any, what praises one would praise any.

Public sets name few groups, and those mostly in attacks, so that a name alone becomes suspicious. A post whose group is
swapped keeps its labels (counterfactual augmentation: Garg et al., https://arxiv.org/abs/1809.10610). Migrants are left
alone, for whom a policy is not what it is for others; so are the young and the poor, whose words are said of much else.
"""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from models.labels import Axis
from models.train.dataset import Example

_NAMES: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""By grammar: `kinds` and `nations` are adjectives, `one` a person, `many` and `peoples` several."""
_KINDS, _NATIONS, _PEOPLES = _NAMES["kinds"], _NAMES["nations"], _NAMES["peoples"]
_ALSO_OF_THINGS = ("blind", "black", "white", "brown")
_NEVER_OF_THINGS = [name for name in _KINDS if name not in _ALSO_OF_THINGS]
_ONE = [*_NAMES["one"], *(f"{name} person" for name in _KINDS)]
_MANY = [*_NAMES["many"], *(f"{name} people" for name in _KINDS)]

_PERSON = (
    r"(?=\s+(?:people|persons?|folks?|m[ae]n|guys?|wom[ae]n|girls?|boys?|kids?|child(?:ren)?|couples?"
    r"|communit(?:y|ies))\b)"
)
_BEING = r"\b(?:is|are|was|were|be|being|am|i['’]m|(?:he|she)['’]s|(?:you|they|we)['’]re)\s+"
_END = (
    r"(?=\s*(?:[^\w\s]|$)|\s+(?:and|or|but|is|are|was|in|on|at|who|that|because|so|too|should|can|will|do|does|have)\b)"
)


def _pattern(names: Sequence[str], before: str = r"\b", after: str = r"\b") -> re.Pattern[str]:
    return re.compile(rf"({before})(an?\s+)?({'|'.join(names)}){after}", re.IGNORECASE)


# Nations are swapped among themselves: an army or a government may be theirs.
_RULES: tuple[tuple[re.Pattern[str], Sequence[str]], ...] = (
    (_pattern(_KINDS, after=_PERSON), _KINDS),
    (_pattern(_NEVER_OF_THINGS, before=_BEING, after=_END), _KINDS),
    (_pattern(_NAMES["one"], before=r"\b(?=an?\s)", after=_END), _ONE),
    (_pattern(_NAMES["many"]), _MANY),
    (_pattern(_NATIONS, after=_PERSON), _NATIONS),
    (_pattern(_NATIONS, before=_BEING, after=_END), _NATIONS),
    (_pattern(_PEOPLES), _PEOPLES),
)


def swap_groups(text: str, chance: random.Random) -> str:
    """``text`` with the groups that it names swapped, each word for one of its grammar; unchanged if it names none."""
    drawn = chance.random()
    for pattern, names in _RULES:
        text = pattern.sub(lambda match, names=names: _swapped(match, names, drawn), text)
    return text


def names_group(text: str) -> bool:
    """Whether ``text`` names a group that could be swapped."""
    return any(pattern.search(text) for pattern, _ in _RULES)


def names_group_in_peace(example: Example) -> bool:
    """Whether a post names a group and somebody read it as harmless: what a set on hate calls clean may insult."""
    harmless = example.targets.get(Axis.INFLAMMATORY) == 0.0 and Axis.INFLAMMATORY not in example.weak
    return harmless and names_group(example.input.text)


def _swapped(match: re.Match[str], names: Sequence[str], drawn: float) -> str:
    """The same word always becomes the same other one."""
    before, article, name = match.groups()
    other = random.Random(f"{name.lower()}{drawn}").choice(names)
    if article:
        before += "an " if other[0] in "aeio" else "a "  # "a Ukrainian"
    return before + other
