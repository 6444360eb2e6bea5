"""Which English word was meant: by a row of letters, by a word with letters covered, by one with a slip in it."""

import heapq
import itertools
import math
import string
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import TypeAlias

from wordfreq import get_frequency_list

# Likelihoods are log10.
_LEAST_LIKELY = -1.6
"""A letter, below which a row of letters is no row of words: "abc def" has -3, "kill" -1."""
_UNKNOWN_LETTER = -5.0
"""Of a letter that belongs to no word."""
_WORD = -6.1
"""Of the rarest row of letters that is surely a word: rarer ones in the list are often slips."""
_UNSEEN = -9.0
"""Of a word that is not in the list."""
_EVERYDAY = -3.2
"""Of words so common that nobody covers a letter of them: `wh*re` is not "where"."""
_NO_SLIP = -5.0
"""Of words so common that they are never a slip: no other word is likelier by ``_SLIP_RATE``."""
_SLIP_RATE = 3.0
"""How much likelier a word has to be than what could be a slip of it."""
_WRONG_LETTER = -0.8
"""Of a wrong or additional letter, to one that is lost, doubled or swapped: a keyboard has several near it."""
_JOINED = 4.0
"""How much likelier two words with a hyphen or a dot between them are than chance."""
_CENSORED = 2.0
"""How much likelier it is that letters are covered in a swear word than in another: `c*nt` is not "cent"."""
_SURELY = 0.2
"""How much likelier one reading has to be than the next."""

_Correction: TypeAlias = tuple[int, list[str]]
"""A place in a word, and what its letters from there on become."""
_NOTHING: list[tuple[float, _Correction]] = [(-math.inf, (0, []))] * 2


@cache
def _lexicon() -> dict[str, float]:
    """Words of English as people write it, slang, names and frequent misspellings included: log10 probabilities."""
    by_rarity = enumerate(get_frequency_list("en", "large"))  # the hundredth of these are words of 10^-1
    return {word: -rarity / 100 for rarity, words in by_rarity for word in words if word.isascii() and word.isalpha()}


@cache
def _swear_words() -> frozenset[str]:
    return frozenset((files("better_profanity") / "profanity_wordlist.txt").read_text(encoding="utf-8").split())


def is_word(letters: str) -> bool:
    """Whether ``letters``, in lower case, are surely a word."""
    return _lexicon().get(letters, _UNSEEN) >= _WORD


@cache
def _longest() -> int:
    return max(map(len, _lexicon()))


def words_in(letters: str) -> tuple[float, list[str]] | None:
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
    return _lexicon()[word] if is_word(word) else _UNKNOWN_LETTER * len(word)


@lru_cache(maxsize=1024)
def hidden_letters(before: str, signs: str, after: str) -> str | None:
    """The letters under ``signs``, one each: those of the likeliest word, unless the parts alone are likelier.

    None if no word comes to mind, or more than one, or only one that nobody would hide.
    """
    if len(before + signs + after) < 4:
        return None
    guesses = map("".join, itertools.product(string.ascii_lowercase, repeat=len(signs)))
    readings = ((_covered_likelihood(before + letters + after), letters) for letters in guesses)
    (best, letters), (second, _) = heapq.nlargest(2, readings)
    likelihood = _lexicon().get(before + letters + after, -math.inf)
    if not _WORD < likelihood < _EVERYDAY or best - second < _SURELY:
        return None
    joined = _lexicon().get(before + after, -math.inf)
    if signs in "-.":  # re-elect, U.S.
        parts = (_lexicon().get(part, _UNSEEN) for part in (before, after))
        joined = max(joined, sum(parts) + _JOINED)
    return letters if best > joined else None


def _covered_likelihood(word: str) -> float:
    return _lexicon().get(word, -math.inf) + (_CENSORED if word in _swear_words() else 0.0)


@lru_cache(maxsize=32_768)
def correction(word: str) -> _Correction | None:
    """What corrects ``word``: a place in it, and what its letters from there on become.

    A noisy channel: Kernighan, Church and Gale, A spelling correction program based on a noisy channel model,
    https://aclanthology.org/C90-2036/. Swear words are no slips, nor are they made of others by a wrong letter: `fsck`.
    """
    own = _lexicon().get(word, _UNSEEN)
    if own > _NO_SLIP or word in _swear_words():
        return None
    least = max(_WORD, own + _SLIP_RATE)
    meant: dict[str, tuple[float, _Correction]] = {}
    for guess, chance, place, letters in _guesses(word):
        if chance == _WRONG_LETTER and guess in _swear_words():
            continue
        reading = _lexicon()[guess] + chance, (place, letters)
        meant[guess] = max(reading, meant.get(guess, reading))
    (best, change), (second, _) = heapq.nlargest(2, [*meant.values(), *_NOTHING])
    return change if best >= least and best - second >= _SURELY else None


def _guesses(word: str) -> Iterator[tuple[str, float, int, list[str]]]:
    """Words of which ``word`` could be a slip: log10 likelihood of that, where, and what its letters there become.

    The first and the last letter stay. Words of three letters are too many to be guessed.
    """
    words, alphabet = _lexicon(), string.ascii_lowercase
    for place in range(1, len(word)):
        before, char, after = word[:place], word[place], word[place + 1 :]
        lost = (before + letter + char + after for letter in alphabet)
        yield from ((guess, 0.0, place, [guess[place : place + 2]]) for guess in lost if guess in words)
        if not after:
            return
        wrong = (before + letter + after for letter in alphabet if letter != char)
        yield from ((guess, _WRONG_LETTER, place, [guess[place]]) for guess in wrong if guess in words)
        if len(word) > 4 and (guess := before + after) in words:
            yield guess, 0.0 if char == word[place - 1] else _WRONG_LETTER, place, [""]
        if after[1:] and (guess := before + after[0] + char + after[1:]) in words:
            yield guess, 0.0, place, [after[0], char]
