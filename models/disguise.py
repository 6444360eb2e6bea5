"""Words written so that a filter does not see them: `1d10t`, `i d i o t`, `i.d.i.o.t`, `stuuupid`.

Only what turns into English words is folded, so `covid19`, `4x4` and `U.S.A.` stay as they are.
"""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from symspellpy import SymSpell

_LEET = {
    "0": "o",
    "1": "il",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "li",
    "+": "t",
    "€": "e",
}
_LEET_WORD = re.compile(r"(?<![^\s\"'(,.…-])(?!@(?:user|role)\b)[\w@$!|+€]*[\w@$|€](?![@$|€\w])")
_ORDINAL_OR_UNIT = re.compile(r"\d+(?:st|nd|rd|th|s|am|pm|[kmg]?[bgmlw]|km|mph)", re.IGNORECASE)
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_](?:[._*-]|[ ]{1,3})){3,}[^\W_](?![^\W_])")
_STRETCHED = re.compile(r"[^\W\d_]*([^\W\d_])\1{2,}[^\W\d_]*")
_MOST_GUESSES = 64
_LEAST_LIKELY = -1.6
"""Log10 probability a letter, below which a row of letters is no row of words: "abc def" has -3, "kill" -1."""

_Change: TypeAlias = tuple[int, list[str]]


def undisguise(text: str) -> list[str]:
    """What each character of ``text`` stands for: itself, another letter, or nothing.

    The result has one entry a character, so that places in the text keep their meaning.
    """
    chars = list(text)
    for rule in (_spaced, _leet, _stretched):
        for start, replacement in rule("".join(char or "\0" for char in chars)):
            chars[start : start + len(replacement)] = replacement
    return chars


@cache
def _lexicon() -> SymSpell:
    lexicon = SymSpell(max_dictionary_edit_distance=0)
    lexicon.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)
    return lexicon


def _read(letters: str) -> list[str] | None:
    """``letters`` as the words they spell, or None if they spell none."""
    if not letters.isalpha():
        return None
    spelt = _lexicon().word_segmentation(letters, max_edit_distance=0)
    likely = spelt.log_prob_sum / len(letters) > _LEAST_LIKELY
    return spelt.corrected_string.split() if likely else None


def _unleet(token: str) -> list[str] | None:
    """The first way to read ``token`` with its digits and signs as letters, if there is any."""
    options = [_LEET.get(char, char) for char in token.lower()]
    guesses = itertools.islice(itertools.product(*options), _MOST_GUESSES)
    return next((words for guess in guesses if (words := _read("".join(guess)))), None)


def _spaced(text: str) -> Iterator[_Change]:
    """Letters that stand alone and make words when put together."""
    for match in _SPACED.finditer(text):
        places = [index for index, char in enumerate(match[0]) if char.isalnum()]
        token = "".join(match[0][place] for place in places)
        words = None if token.isdigit() else _unleet(token)
        if words is None:
            continue
        replacement = [""] * len(match[0])
        ends = set(itertools.accumulate(len(word) for word in words))
        for index, (place, letter) in enumerate(zip(places, "".join(words), strict=True)):
            replacement[place] = letter
            if index in ends:
                replacement[place - 1] = " "
        yield match.start(), replacement


def _leet(text: str) -> Iterator[_Change]:
    """Digits and signs that stand for the letters they look like."""
    for match in _LEET_WORD.finditer(text):
        token = match[0]
        letters = sum(char.isalpha() for char in token)
        if token.isalpha() or len(token) < 3 or 2 * letters + 1 < len(token) or _ORDINAL_OR_UNIT.fullmatch(token):
            continue
        words = _unleet(token)
        if words and len(words) <= 2:
            yield match.start(), list("".join(words))


def _stretched(text: str) -> Iterator[_Change]:
    """A letter held for three or more, shortened to two or one where that gives a word."""
    for match in _STRETCHED.finditer(text):
        runs = [run[0] for run in re.finditer(r"(.)\1*", match[0])]
        options = [[run] if len(run) < 3 else [run[:2], run[:1]] for run in runs]
        for guess in itertools.islice(itertools.product(*options), _MOST_GUESSES):
            if "".join(guess).lower() in _lexicon().words:
                yield match.start(), [c for kept, run in zip(guess, runs, strict=True) for c in _padded(kept, run)]
                break


def _padded(kept: str, run: str) -> list[str]:
    return [*kept, *([""] * (len(run) - len(kept)))]
