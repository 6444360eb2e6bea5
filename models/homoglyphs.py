"""Letters of other alphabets that pass for Latin ones, used to slip words past a filter."""

import re
from functools import cache

from confusable_homoglyphs import confusables

_WORD = re.compile(r"[^\W\d_]+")


@cache
def _latin_twins() -> dict[int, str]:
    """Non-ASCII letters to the ASCII letter they look like (Unicode's confusables.txt)."""
    twins: dict[int, str] = {}
    for code in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)):
        for twin in confusables.confusables_data.get(chr(code), []):
            char = str(twin["c"])
            if len(char) == 1 and not char.isascii() and char.isalpha():
                twins.setdefault(ord(char), chr(code))
    return twins


def fold_homoglyphs(text: str) -> str:
    """Return ``text``, of the same length, with look-alike letters made Latin.

    A word is folded only if all its letters are Latin or pass for Latin, and the text holds Latin
    letters at all: Russian and Greek sentences stay what they are.
    """
    if text.isascii() or not any(char.isascii() and char.isalpha() for char in text):
        return text
    return _WORD.sub(_fold_word, text)


def _fold_word(match: re.Match[str]) -> str:
    folded = match[0].translate(_latin_twins())
    return folded if folded.isascii() else match[0]
