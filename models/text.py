"""Text cleaning: what the classifier reads, with a way back to what the author wrote.

Every step keeps, for each character that it leaves, the place in the raw text it came from, so that a
score of a cleaned sentence can be shown in the untouched post. Most posts need few of the steps, or none: a
step that finds nothing to change returns what it was given.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

import emoji

from models.classifier import Span
from models.disguise import undisguise
from models.homoglyphs import fold_homoglyphs

MarkupRule: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_Edit: TypeAlias = tuple[int, int, str, Sequence[int]]
"""What stands from start to end becomes this text, whose characters come from these places."""


@dataclass(frozen=True, slots=True)
class CleanText:
    """``text`` as the classifier reads it; ``offsets[i]`` is where ``text[i]`` stands in the raw text."""

    text: str
    offsets: Sequence[int]

    def raw_span(self, start: int, end: int) -> Span:
        """The raw part that the cleaned characters ``start`` (included) to ``end`` (excluded) came from."""
        return Span(self.offsets[start], self.offsets[end - 1] + 1)


def _group(number: int) -> Callable[[re.Match[str]], str]:
    return lambda match: match[number]


def _word(word: str) -> Callable[[re.Match[str]], str]:
    return lambda _: word


# Discord's message formatting: https://discord.com/developers/docs/reference#message-formatting
# Markers go, words stay: an insult inside a code block or a spoiler is still an insult. Repetitions that could run to
# the end of the text from each of many beginnings have a limit, so that the time grows as the length does.
_MARKUP: tuple[MarkupRule, ...] = (
    (re.compile(r"```(?:[\w+-]{1,20}\n)?(.*?)```", re.DOTALL), _group(1)),
    (re.compile(r"`+"), _word("")),
    (re.compile(r"<a?:(\w{2,32}):\d+>"), lambda m: f" {m[1].replace('_', ' ')} "),
    (re.compile(r"<@!?\d+>"), _word("@user")),
    (re.compile(r"<@&\d+>"), _word("@role")),
    (re.compile(r"<#\d+>"), _word("#channel")),
    (re.compile(r"<t:-?\d+(?::\w)?>"), _word("then")),
    (re.compile(r"</([\w -]+):\d+>"), _group(1)),
    (re.compile(r"(?i)\[([^\[\]\n]{1,300})\]\(<?https?://[^\s)]{1,4000}\)"), _group(1)),
    (re.compile(r"(?i)<?https?://[^\s<>]+>?"), _word("link")),
    (re.compile(r"\|\|"), _word("")),
    (re.compile(r"\\([\\*_~`|>#-])"), _group(1)),
    # One or two stars between letters are left to `models.disguise`: they may cover letters.
    (re.compile(r"(?<![A-Za-z*])\*{1,3}|\*{1,3}(?![A-Za-z*])|\*{3,}|__|~~"), _word("")),
    (re.compile(r"(?<![^\s*_~])_(?=\S)|(?<=\S)_(?![^\s*_~.,!?])"), _word("")),
    (re.compile(r"^[ \t]*(?:>{1,3}|#{1,3}|-#)[ \t]+", re.MULTILINE), _word("")),
)
_MARKUP_SIGN = re.compile(r"[`</|\\*_~>#]")
"""Every match of every rule holds one of these."""
# Not a space or a line break that stands alone: it stays.
_SPACE: MarkupRule = (re.compile(r"\s(?:\s+|(?<![ \n]))"), lambda match: "\n" if "\n" in match[0] else " ")
_COMBINING = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f]")
_KEPT_CONTROLS = "\n\t\r\x0b\x0c\x85"
_NOT_PLAIN = re.compile("[^\n\t\r\x0b\x0c -~]")


def clean(raw: str) -> CleanText:
    """Return what the classifier should read of ``raw``; never raises, may be empty."""
    cleaned = CleanText(raw, range(len(raw)))
    if _NOT_PLAIN.search(raw):
        cleaned = _normalise(_emoji_to_words(cleaned))
    if _MARKUP_SIGN.search(cleaned.text):
        for rule in _MARKUP:
            cleaned = _substitute(cleaned, rule)
    folded = CleanText(fold_homoglyphs(cleaned.text, raw), cleaned.offsets)
    return _strip(_substitute(_spelled(folded, undisguise(folded.text)), _SPACE))


def _emoji_to_words(source: CleanText) -> CleanText:
    """The encoder's vocabulary knows no emoji, yet people insult with them: spell out their names."""
    return _edited(source, _emoji(source)) if not source.text.isascii() else source


def _emoji(source: CleanText) -> Iterator[_Edit]:
    for run in _emoji_run().finditer(source.text):
        for found in emoji.emoji_list(run[0]):
            start, end = run.start() + int(found["match_start"]), run.start() + int(found["match_end"])
            name = str(emoji.EMOJI_DATA[str(found["emoji"])]["en"])[1:-1].replace("_", " ")
            yield start, end, f" {name} ", [source.offsets[start]] * (len(name) + 2)


@cache
def _emoji_run() -> re.Pattern[str]:
    """Where emoji may stand; those beyond U+FFFF are too many to name.

    In runs of limited length, because searching in them takes a time that grows with the square of it.
    """
    signs = {char for sequence in emoji.EMOJI_DATA for char in sequence if char < "\U00010000"}
    first = "".join(char for char in signs if char.isascii())
    return re.compile(f"[{first}]?[{''.join(signs - set(first))}\U00010000-\U0010ffff]{{1,500}}")


def _normalise(source: CleanText) -> CleanText:
    """Compatibility forms become plain letters; invisible and stacked characters go."""
    return _spelled(source, list(map(_plain, source.text)))


@lru_cache(maxsize=8192)
def _plain(char: str) -> str:
    return "".join(plain for plain in unicodedata.normalize("NFKC", char) if not _is_invisible(plain))


def _is_invisible(char: str) -> bool:
    is_control = unicodedata.category(char)[0] == "C" and char not in _KEPT_CONTROLS
    return is_control or _COMBINING.match(char) is not None or char in "\ufe0e\ufe0f"


def _spelled(source: CleanText, spelling: Sequence[str]) -> CleanText:
    """``source`` with each of its characters as ``spelling`` has it: itself, others, or nothing."""
    text = "".join(spelling)
    if text == source.text:
        return source
    places = zip(source.offsets, spelling, strict=True)
    return CleanText(text, tuple(offset for offset, chars in places for _ in chars))


def _substitute(source: CleanText, rule: MarkupRule) -> CleanText:
    pattern, replacement = rule
    return _edited(source, (_edit(source, match, replacement(match)) for match in pattern.finditer(source.text)))


def _edit(source: CleanText, match: re.Match[str], new: str) -> _Edit:
    return match.start(), match.end(), new, _offsets_of(source, match, new)


def _edited(source: CleanText, edits: Iterable[_Edit]) -> CleanText:
    chars: list[str] = []
    offsets: list[int] = []
    last = 0
    for start, end, new, places in edits:
        chars += (source.text[last:start], new)
        offsets += (*source.offsets[last:start], *places)
        last = end
    if last == 0:
        return source
    chars.append(source.text[last:])
    offsets.extend(source.offsets[last:])
    return CleanText("".join(chars), tuple(offsets))


def _offsets_of(source: CleanText, match: re.Match[str], new: str) -> Sequence[int]:
    """Characters kept from inside the match keep their own places; new ones stand at its start."""
    if match.re.groups and match[1] == new:
        return source.offsets[match.start(1) : match.end(1)]
    return [source.offsets[match.start()]] * len(new)


def _strip(source: CleanText) -> CleanText:
    start = len(source.text) - len(source.text.lstrip())
    end = len(source.text.rstrip())
    return CleanText(source.text[start:end], source.offsets[start:end]) if start < end else CleanText("", ())
