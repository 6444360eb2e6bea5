"""Letters of other alphabets that pass for Latin ones, used to slip words past a filter."""

import json
import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

_WORD = re.compile(r"[^\W\d_]+")
_NO_WORDS = re.compile(r"https?://\S+|<[^<>\s]*>")


@cache
def _latin_twins() -> dict[int, str]:
    """Non-ASCII letters to the ASCII letter they look like (Unicode's confusables.txt).

    Of the package only this table is used, and only as long as it takes: importing it would keep 16 MB.
    """
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text(encoding="utf-8"))
    twins: dict[int, str] = {}
    for code in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)):
        for twin in table.get(chr(code), []):
            char = str(twin["c"])
            if len(char) == 1 and not char.isascii() and char.isalpha():
                twins.setdefault(ord(char), chr(code))
    return twins


def fold_homoglyphs(text: str, raw: str) -> str:
    """Return ``text``, of the same length, with look-alike letters made Latin.

    A word is folded only if all its letters are Latin or pass for Latin; one without any Latin letter only
    if ``raw``, which ``text`` was made of, is in a Latin script: Russian and Greek sentences stay what they are.
    """
    if text.isascii():
        return text
    twins = _latin_twins()
    if twins.keys().isdisjoint(map(ord, text)):
        return text
    whole_words = _mostly_latin(raw)

    def fold(match: re.Match[str]) -> str:
        word = match[0]
        folded = word.translate(twins)
        known = whole_words or any(char.isascii() for char in word)
        return folded if known and folded.isascii() else word

    return _WORD.sub(fold, text)


def _mostly_latin(raw: str) -> bool:
    """Whether more letters of ``raw`` are Latin than surely are not; links and markup do not count."""
    twins = _latin_twins()
    letters = [char for char in "".join(map(_decomposed, _NO_WORDS.sub("", raw))) if char.isalpha()]
    latin = sum(char.isascii() for char in letters)
    return latin > sum(not char.isascii() and ord(char) not in twins for char in letters)


@lru_cache(maxsize=8192)
def _decomposed(char: str) -> str:
    """Alone: of a text full of stacked accents the time would grow with the square of the length."""
    return unicodedata.normalize("NFKD", char)
