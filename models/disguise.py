"""Words written so that a filter does not see them: `1d10t`, `i d i o t`, `i.d.i.o.t`, `id*ot`, `stuuupid`, `idoit`.

Only what turns into English words is folded, so `covid19`, `4x4` and `U.S.A.` stay as they are. Case never matters.
"""

import itertools
import math
import re
import string
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TypeAlias

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
_COVERED_SIGN = re.compile(r"[A-Za-z][*#.-][A-Za-z]")
_COVERED = re.compile(r"(?<![\w*#.@/-])[A-Za-z]+(?:[*#.-][A-Za-z]+)+(?![\w*#@/-]|\.\w)")
_SWAPPABLE = re.compile(r"(?<![^\W_])(?<!\0)[A-Za-z]{5,24}(?![^\W_]|\0)")
_ROMAN = re.compile(r"[ivxlcdm]+", re.IGNORECASE)
_MOST_GUESSES = 16
_LEAST_LIKELY = -1.6
"""Log10 probability a letter, below which a row of letters is no row of words: "abc def" has -3, "kill" -1."""
_UNKNOWN_LETTER = -5.0
"""The same for a letter that belongs to no word."""
_COMMON = -6.0
"""Log10 probability of a word from which on an unknown word is taken for a slip of it."""
_RARE = -6.3
"""The same for a word with a covered letter."""
_MUCH_LIKELIER = 1.0
"""By so much in log10 one reading has to be likelier than the next: `id*ot` has one, `d*ck` has many."""
_EVERYDAY = -3.8
"""Nobody covers a letter of a word as common as this: `wh*re` is not "where"."""
_NO_SLIPS = frozenset(
    ("palin", "palins", "weiner", "moines", "bregman", "satre", "perps", "frens", "proto", "garde", "magna", "centers")
)
"""Names and spellings that the list of words lacks, and that a swap would make another word of."""

_Change: TypeAlias = tuple[int, list[str]]


def undisguise(text: str) -> list[str]:
    """What each character of ``text`` stands for: itself, another letter, or nothing.

    The result has one entry a character, so that places in the text keep their meaning.
    """
    chars = list(text)
    for sign, rule in _RULES:
        changes = list(rule(text)) if sign.search(text) else []
        for start, replacement in changes:
            chars[start : start + len(replacement)] = replacement
        if changes:
            text = "".join(char or "\0" for char in chars)
    return chars


@cache
def _lexicon() -> dict[str, float]:
    """English words and the log10 probability of each."""
    path = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    fields = path.read_text(encoding="utf-8-sig").split()
    counts = list(map(int, fields[1::2]))
    total = sum(counts)
    return {word: math.log10(count / total) for word, count in zip(fields[::2], counts, strict=True)}


@cache
def _longest() -> int:
    return max(map(len, _lexicon()))


def _read(letters: str) -> tuple[float, list[str]] | None:
    """``letters`` as the likeliest words they spell, and how likely they are, or None if they spell none."""
    if not (letters.isascii() and letters.isalpha()):
        return None
    best = [(0.0, 0)]
    for end in range(1, len(letters) + 1):
        starts = range(max(0, end - _longest()), end)
        best.append(max((best[start][0] + _log_probability(letters[start:end]), start) for start in starts))
    words: list[str] = []
    end = len(letters)
    while end:
        start = best[end][1]
        words.insert(0, letters[start:end])
        end = start
    likelihood = best[-1][0] / len(letters)
    return (likelihood, words) if likelihood > _LEAST_LIKELY else None


def _log_probability(word: str) -> float:
    return _lexicon().get(word, _UNKNOWN_LETTER * len(word))


def _unleet(token: str) -> list[str] | None:
    """``token`` with its digits and signs as letters: the likeliest words, if there are any."""
    options = [_LEET.get(char, char) for char in token.lower()]
    if 2 * sum(char.isalpha() for char in token) + 1 < len(token) or math.prod(map(len, options)) > _MOST_GUESSES:
        return None
    guesses = ("".join(guess) for guess in itertools.product(*options))
    readings = [reading for guess in guesses if (reading := _read(guess))]
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
        if words and (len(words) == 1 or (len(words) == 2 and min(map(len, words)) > 2 and token[0].isalpha())):
            yield match.start(), list("".join(words))


def _is_numbered_word(token: str) -> bool:
    """Whether ``token`` is English words with a number after them: `level5`."""
    match = _NUMBERED.fullmatch(token)
    return match is not None and _read(match[1].lower()) is not None


def _stretched(text: str) -> Iterator[_Change]:
    """A letter held for three or more, shortened to two or one where that gives a word of three or more."""
    for match in _STRETCHED.finditer(text):
        if _ROMAN.fullmatch(match[0]):
            continue
        runs = [run[0] for run in _RUN.finditer(match[0])]
        options = [[run] if len(run) < 3 else [run[:2], run[:1]] for run in runs]
        for guess in itertools.islice(itertools.product(*options), _MOST_GUESSES):
            if len(word := "".join(guess)) > 2 and word.lower() in _lexicon():
                yield match.start(), [c for kept, run in zip(guess, runs, strict=True) for c in _padded(kept, run)]
                break


def _padded(kept: str, run: str) -> list[str]:
    return [*kept, *([""] * (len(run) - len(kept)))]


def _covered(text: str) -> Iterator[_Change]:
    """A letter under a sign, where one word comes to mind. A star that covers none is emphasis, and goes."""
    for match in _COVERED.finditer(text):
        word = match[0].lower()
        signs = [place for place, char in enumerate(word) if not char.isalpha()]
        letter = _hidden_letter(word[: signs[0]], word[signs[0]], word[signs[0] + 1 :]) if len(signs) == 1 else None
        if letter:
            yield match.start() + signs[0], [letter]
        else:
            yield from ((match.start() + place, [""]) for place in signs if word[place] == "*")


def _hidden_letter(before: str, sign: str, after: str) -> str | None:
    """The letter that makes one word of both parts, if one is by far the likeliest."""
    joins = sign in "-."  # re-elect, U.S.
    if len(before + after) < (4 if joins else 3) or (joins and _are_words(before, after)):
        return None
    if before + after in _lexicon():  # the sign covers nothing
        return None
    words = [(_lexicon().get(before + letter + after, -math.inf), letter) for letter in string.ascii_lowercase]
    second, best = sorted(words)[-2:]
    return best[1] if _RARE < best[0] < _EVERYDAY and best[0] - second[0] > _MUCH_LIKELIER else None


def _are_words(*parts: str) -> bool:
    known = [part in _lexicon() for part in parts]
    return all(known) or any(known and len(part) > 2 for part, known in zip(parts, known, strict=True))


def _swapped(text: str) -> Iterator[_Change]:
    """Two letters inside an unknown word that give a common one when they change places."""
    for match in _SWAPPABLE.finditer(text):
        word = match[0].lower()
        if word in _lexicon() or word in _NO_SLIPS:
            continue
        places = range(1, len(word) - 2)
        guesses = {place: word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in places}
        likelihood, place = max((_lexicon().get(guess, -math.inf), place) for place, guess in guesses.items())
        if likelihood > _COMMON:
            yield match.start() + place, [match[0][place + 1], match[0][place]]


# Searching for what every match of a rule holds is much cheaper than the rule, and most posts have none of it.
_RULES = (
    (_SPACED_SIGN, _spaced),
    (_LEET_SIGN, _leet),
    (_COVERED_SIGN, _covered),
    (_STRETCHED_SIGN, _stretched),
    (_SWAPPABLE, _swapped),
)
