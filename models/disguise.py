"""Words written so that a filter does not see them, on purpose or by a slip: `1d10t`, `i.d.i.o.t`, `id*ot`, `idoit`.

Only what turns into English words is folded, so `covid19`, `4x4` and `U.S.A.` stay as they are. Case never matters.
"""

import itertools
import math
import re
from collections.abc import Iterator
from typing import TypeAlias

from models.spelling import correction, hidden_letters, is_word, words_in

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
    "€": "e",
}
_LEET_SIGN = re.compile(f"[{''.join(_LEET)}]")
_LEET_WORD = re.compile(r"(?<![^\s\"'(,.…-])[\w@$€][\w@$!|€]{1,28}[\w@$|€](?![@$|€\w])")
_NUMBER = re.compile(
    r"[$€]?[1-9]\d+[a-z]*"  # 10ft, $100k, 50cent
    r"|[$€]?\d(?:st|nd|rd|th|s|am|pm|[kmg]?[bgmlw]|mph|k|t|bn|ft|in|pt)"
    r"|\dv\ds?"  # 3v3
    r"|[a-z]{1,2}(?!11)\d+"  # T34, PS5; but ki11
    r"|[nbrqk]?[a-h]?x?[a-h][1-8]",  # chess moves
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"([a-z]{3,})[\d!]+", re.IGNORECASE)
_SPACED_SIGN = re.compile(r"[ ._*-][^\W_][ ._*-]{1,3}[^\W_][ ._*-]")
_SPACED = re.compile(r"(?<![^\W_])(?:(?:[^\W_][ ]{1,3}){3,40}|[^\W_]([._*-])(?:[^\W_]\1){2,39})[^\W_](?![^\W_])")
_STRETCHED_SIGN = re.compile(r"(.)\1\1", re.IGNORECASE)
_STRETCHED = re.compile(r"(?<![^\W\d_])[^\W\d_]*([^\W\d_])\1{2,}[^\W\d_]*", re.IGNORECASE)
_RUN = re.compile(r"(.)\1*", re.IGNORECASE)
_COVER = r"(?:\*\*|[*#.-])"
_COVERED_SIGN = re.compile(f"[A-Za-z]{_COVER}[A-Za-z]")
_COVERED = re.compile(rf"(?<![\w*#.@/-])[A-Za-z]+(?:{_COVER}[A-Za-z]+)+(?![\w*#@/-]|\.\w)")
_ONE_COVER = re.compile(rf"([a-z]+)({_COVER})([a-z]+)")
_SLIP = re.compile(r"(?<![^\W_])(?<!\0)[A-Za-z]{4,24}(?![^\W_]|\0)")
_ROMAN = re.compile(r"[ivxlcdm]+", re.IGNORECASE)
_MOST_GUESSES = 16
_Change: TypeAlias = tuple[int, list[str]]
"""A place, and what the characters from there on stand for."""


def undisguise(text: str) -> list[str]:
    """What each character of ``text`` stands for: itself, another letter, or nothing.

    The result has one entry a character, so that places in the text keep their meaning; a letter that was left out
    stands in one entry with the next.
    """
    chars = list(text)
    for sign, rule in _RULES:
        changes = list(rule(text)) if sign.search(text) else []
        for start, replacement in changes:
            chars[start : start + len(replacement)] = replacement
        if changes:
            text = "".join(char or "\0" for char in chars)
    return chars


def _unleet(token: str) -> list[str] | None:
    """``token`` with its digits and signs as letters: the likeliest words, if there are any."""
    options = [_LEET.get(char, char) for char in token.lower()]
    if 2 * sum(char.isalpha() for char in token) + 1 < len(token) or math.prod(map(len, options)) > _MOST_GUESSES:
        return None
    guesses = ("".join(guess) for guess in itertools.product(*options))
    readings = [reading for guess in guesses if (reading := words_in(guess))]
    return max(readings)[1] if readings else None


def _spaced(text: str) -> Iterator[_Change]:
    """Letters that stand alone and make words when put together."""
    for match in _SPACED.finditer(text):
        places = [index for index, char in enumerate(match[0]) if char.isalnum()]
        words = _unleet("".join(match[0][place] for place in places))
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
    """Digits and signs that stand for the letters they look like, in one word or in two that are not short."""
    for match in _LEET_WORD.finditer(text):
        token = match[0]
        if token.isalpha() or _NUMBER.fullmatch(token) or _is_numbered_word(token):
            continue
        words = _unleet(token)
        if words and (len(words) == 1 or (len(words) == 2 and min(map(len, words)) > 3 and token[0].isalpha())):
            yield match.start(), list("".join(words))


def _is_numbered_word(token: str) -> bool:
    """Whether ``token`` is English words with a number after them: `level5`."""
    match = _NUMBERED.fullmatch(token)
    return match is not None and words_in(match[1].lower()) is not None


def _stretched(text: str) -> Iterator[_Change]:
    """A letter held for three or more, shortened to two or one where that gives a word of three or more."""
    for match in _STRETCHED.finditer(text):
        if _ROMAN.fullmatch(match[0]):
            continue
        runs = [run[0] for run in _RUN.finditer(match[0])]
        options = [[run] if len(run) < 3 else [run[:2], run[:1]] for run in runs]
        for guess in itertools.islice(itertools.product(*options), _MOST_GUESSES):
            if len(word := "".join(guess)) > 2 and is_word(word.lower()):
                yield match.start(), [c for kept, run in zip(guess, runs, strict=True) for c in _padded(kept, run)]
                break


def _padded(kept: str, run: str) -> list[str]:
    return [*kept, *([""] * (len(run) - len(kept)))]


def _covered(text: str) -> Iterator[_Change]:
    """One or two letters under signs, where one word comes to mind. Stars that cover none are emphasis, and go."""
    for match in _COVERED.finditer(text):
        parts = _ONE_COVER.fullmatch(match[0].lower())
        if parts and (letters := hidden_letters(*parts.groups())):
            yield match.start() + parts.start(2), [*letters]
        else:
            yield from ((match.start() + place, [""]) for place, char in enumerate(match[0]) if char == "*")


def _slips(text: str) -> Iterator[_Change]:
    """Words with one letter too many, too few, wrong or in the wrong place, that make a much likelier one."""
    for match in _SLIP.finditer(text):
        if slip := correction(match[0].lower()):
            yield match.start() + slip[0], slip[1]


# Searching for what every match of a rule holds is much cheaper than the rule, and most posts have none of it.
_RULES = (
    (_SPACED_SIGN, _spaced),
    (_LEET_SIGN, _leet),
    (_COVERED_SIGN, _covered),
    (_STRETCHED_SIGN, _stretched),
    (_SLIP, _slips),  # the last one, as it may make two letters of one
)
