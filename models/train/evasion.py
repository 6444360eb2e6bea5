"""Ways to write a word so that a filter does not see it: to train against, and to measure what they do.

Each takes a text and a source of chance and returns the text disguised. Words of four letters and more are
what gets disguised: the short ones carry little.
"""

import random
import re
from collections.abc import Callable, Mapping

_LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1"}
_LOOK_ALIKE = dict(zip("aceiopsxyABCEHKMOPTX", "асеіорѕхуАВСЕНКМОРТХ", strict=True))
_WORD = re.compile(r"[A-Za-z]{4,}")
_EMOJI = ("😂", "🔥", "🤡", "💀", "🙏", "😡", "👏", "🤔")
_ZERO_WIDTH = "\u200b"

Evasion = Callable[[str, random.Random], str]


def _each_word(change: Callable[[str, random.Random], str], share: float) -> Evasion:
    """Disguise ``share`` of the words of a text, each by ``change``; at least one."""

    def disguise(text: str, chance: random.Random) -> str:
        words = list(_WORD.finditer(text))
        if not words:
            return text
        chosen = [word for word in words if chance.random() < share] or [chance.choice(words)]
        for word in reversed(chosen):
            text = text[: word.start()] + change(word[0], chance) + text[word.end() :]
        return text

    return disguise


def _leet(word: str, chance: random.Random) -> str:
    return "".join(chance.choice(_LEET[c.lower()]) if c.lower() in _LEET and chance.random() < 0.6 else c for c in word)


def _spaced(word: str, chance: random.Random) -> str:
    return chance.choice((" ", ".", "-", "_")).join(word)


def _swapped(word: str, chance: random.Random) -> str:
    """Two neighbours inside the word change places."""
    at = chance.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _look_alike(word: str, _: random.Random) -> str:
    return "".join(_LOOK_ALIKE.get(char, char) for char in word)


def _cased(word: str, chance: random.Random) -> str:
    return "".join(char.upper() if chance.random() < 0.5 else char.lower() for char in word)


def _typo(word: str, chance: random.Random) -> str:
    """A letter inside the word is lost, doubled or mistyped."""
    at = chance.randrange(1, len(word) - 1)
    typed = chance.choice(("", word[at] * 2, chance.choice("abcdefghijklmnopqrstuvwxyz")))
    return word[:at] + typed + word[at + 1 :]


def _starred(word: str, chance: random.Random) -> str:
    """A letter inside the word is covered up."""
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + chance.choice("*#-.") + word[at + 1 :]


def _stretched(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return word[:at] + word[at] * chance.randint(2, 5) + word[at + 1 :]


def _with_emoji(text: str, chance: random.Random) -> str:
    """Emoji strewn between the words."""
    words = text.split(" ")
    for _ in range(1 + len(words) // 8):
        words.insert(chance.randrange(len(words) + 1), chance.choice(_EMOJI))
    return " ".join(words)


EVASIONS: Mapping[str, Evasion] = {
    "leet": _each_word(_leet, 0.5),
    "spacing": _each_word(_spaced, 0.3),
    "swapped letters": _each_word(_swapped, 0.4),
    "look-alikes": _each_word(_look_alike, 0.7),
    "zero-width": _each_word(lambda word, _: _ZERO_WIDTH.join(word), 0.7),
    "casing": _each_word(_cased, 1.0),
    "typos": _each_word(_typo, 0.3),
    "covered letters": _each_word(_starred, 0.3),
    "stretched": _each_word(_stretched, 0.3),
    "emoji": _with_emoji,
}
TRAINED_AGAINST = ("leet", "spacing", "swapped letters", "typos", "covered letters", "stretched", "emoji")
"""The others are undone before the model reads (`models.text`)."""


def disguise(text: str, chance: random.Random) -> str:
    """``text`` under one evasion that training should know of."""
    return EVASIONS[chance.choice(TRAINED_AGAINST)](text, chance)
