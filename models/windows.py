"""Sentences, and the windows of neighbouring sentences that a long post is scored in."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import sentencex

from models.classifier import Span

_LANGUAGE = "en"
_splitter: Any = sentencex  # untyped: a compiled module

# The splitter dies of a PanicException, which is no Exception, at "plan B\u00a0.", and refuses lone surrogates.
_UNSAFE = re.compile(r"[^\S \n]|[\ud800-\udfff]")

TokenCounter: TypeAlias = Callable[[str], int]


def sentences(text: str) -> list[Span]:
    """The sentences of ``text`` (line breaks end one too); spans are trimmed and never empty."""
    found: list[Span] = []
    boundaries: list[dict[str, Any]] = _splitter.get_sentence_boundaries(_LANGUAGE, _UNSAFE.sub(" ", text))
    for boundary in boundaries:
        start = int(boundary["start_index"])
        for line in text[start : int(boundary["end_index"])].splitlines(keepends=True):
            trimmed = line.strip()
            if trimmed:
                left = start + len(line) - len(line.lstrip())
                found.append(Span(left, left + len(trimmed)))
            start += len(line)
    return found


def windows(text: str, count_tokens: TokenCounter, limit: int, whole: int = 0) -> list[Span]:
    """Cut ``text`` into spans of at most ``limit`` tokens; a text of at most ``whole`` tokens is one window.

    Windows are runs of whole sentences that overlap by one sentence, so that an accusation and its
    object are read together at least once. A sentence over the limit is cut between words.
    """
    if text.strip() and count_tokens(text) <= whole:
        return [Span(len(text) - len(text.lstrip()), len(text.rstrip()))]
    pieces = [piece for sentence in sentences(text) for piece in _fit(text, sentence, count_tokens, limit)]
    found: list[Span] = []
    first, total = 0, 0
    for index, (_, size) in enumerate(pieces):
        if index > first and total + size > limit:
            found.append(Span(pieces[first][0].start, pieces[index - 1][0].end))
            overlap = pieces[index - 1][1]
            keeps_one = overlap + size <= limit and index - 1 > first
            first, total = (index - 1, overlap) if keeps_one else (index, 0)
        total += size
    if pieces:
        found.append(Span(pieces[first][0].start, pieces[-1][0].end))
    return found


def scales(text: str, count_tokens: TokenCounter, wide: int, narrow: int) -> list[list[Span]]:
    """Windows of at most ``wide`` tokens; if there are several, narrower ones as well."""
    found = [windows(text, count_tokens, wide, wide)]
    if len(found[0]) > 1 and narrow < wide:
        found.append(windows(text, count_tokens, narrow))
    return found


def _fit(text: str, sentence: Span, count_tokens: TokenCounter, limit: int) -> Iterator[tuple[Span, int]]:
    """Halve ``sentence`` at the space nearest its middle until each part fits; the parts, and their tokens."""
    tokens, size = count_tokens(sentence.cut(text)), sentence.end - sentence.start
    if size < 2 or tokens <= limit:
        yield sentence, tokens
        return
    middle = sentence.start + size // 2
    space = text.rfind(" ", sentence.start + 1, middle)
    cut = space if space > sentence.start + size // 4 else middle
    yield from _fit(text, Span(sentence.start, cut), count_tokens, limit)
    yield from _fit(text, Span(cut, sentence.end), count_tokens, limit)
