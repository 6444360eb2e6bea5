"""Text cleaning: what the classifier reads, with a way back to what the author wrote.

Every step keeps, for each character that it leaves, the place in the raw text it came from, so that a
score of a cleaned sentence can be shown in the untouched post.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import emoji

from models.classifier import Span
from models.disguise import undisguise
from models.homoglyphs import fold_homoglyphs, mostly_latin

MarkupRule: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


@dataclass(frozen=True, slots=True)
class CleanText:
    """``text`` as the classifier reads it; ``offsets[i]`` is where ``text[i]`` stands in the raw text."""

    text: str
    offsets: tuple[int, ...]

    def raw_span(self, start: int, end: int) -> Span:
        """The raw part that the cleaned characters ``start`` (included) to ``end`` (excluded) came from."""
        return Span(self.offsets[start], self.offsets[end - 1] + 1)


def _group(number: int) -> Callable[[re.Match[str]], str]:
    return lambda match: match[number]


def _word(word: str) -> Callable[[re.Match[str]], str]:
    return lambda _: word


# Discord's message formatting: https://discord.com/developers/docs/reference#message-formatting
# Markers go, words stay: an insult inside a code block or a spoiler is still an insult.
_MARKUP: tuple[MarkupRule, ...] = (
    (re.compile(r"```(?:[\w+-]{1,20}\n)?(.*?)```", re.DOTALL), _group(1)),
    (re.compile(r"`+"), _word("")),
    (re.compile(r"<a?:(\w{2,32}):\d+>"), lambda m: f" {m[1].replace('_', ' ')} "),
    (re.compile(r"<@!?\d+>"), _word("@user")),
    (re.compile(r"<@&\d+>"), _word("@role")),
    (re.compile(r"<#\d+>"), _word("#channel")),
    (re.compile(r"<t:-?\d+(?::\w)?>"), _word("then")),
    (re.compile(r"</([\w -]+):\d+>"), _group(1)),
    (re.compile(r"(?i)\[([^\[\]\n]{1,300})\]\(<?https?://[^\s)]+\)"), _group(1)),
    (re.compile(r"(?i)<?https?://[^\s<>]+>?"), _word("link")),
    (re.compile(r"\|\|"), _word("")),
    (re.compile(r"\\([\\*_~`|>#-])"), _group(1)),
    (re.compile(r"\*{1,3}|__|~~"), _word("")),
    (re.compile(r"(?<![^\s*_~])_(?=\S)|(?<=\S)_(?![^\s*_~.,!?])"), _word("")),
    (re.compile(r"^[ \t]*(?:>{1,3}|#{1,3}|-#)[ \t]+", re.MULTILINE), _word("")),
)
_SPACE: MarkupRule = (re.compile(r"\s+"), lambda match: "\n" if "\n" in match[0] else " ")
_COMBINING = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f]")
_KEPT_CONTROLS = "\n\t\r\x0b\x0c\x85"


def clean(raw: str) -> CleanText:
    """Return what the classifier should read of ``raw``; never raises, may be empty."""
    cleaned = _normalise(_emoji_to_words(CleanText(raw, tuple(range(len(raw))))))
    for rule in _MARKUP:
        cleaned = _substitute(cleaned, rule)
    folded = CleanText(fold_homoglyphs(cleaned.text, whole_words=mostly_latin(raw)), cleaned.offsets)
    return _strip(_substitute(_undisguise(folded), _SPACE))


def _emoji_to_words(source: CleanText) -> CleanText:
    """The encoder's vocabulary knows no emoji, yet people insult with them: spell out their names."""
    chars: list[str] = []
    offsets: list[int] = []
    last = 0
    for found in emoji.emoji_list(source.text):
        start, end = int(found["match_start"]), int(found["match_end"])
        chars.append(source.text[last:start])
        offsets.extend(source.offsets[last:start])
        name = emoji.demojize(str(found["emoji"]), delimiters=(" ", " ")).replace("_", " ")
        chars.append(name)
        offsets.extend([source.offsets[start]] * len(name))
        last = end
    chars.append(source.text[last:])
    offsets.extend(source.offsets[last:])
    return CleanText("".join(chars), tuple(offsets))


def _normalise(source: CleanText) -> CleanText:
    """Compatibility forms become plain letters; invisible and stacked characters go."""
    chars: list[str] = []
    offsets: list[int] = []
    for char, offset in zip(source.text, source.offsets, strict=True):
        for plain in unicodedata.normalize("NFKC", char):
            category = unicodedata.category(plain)
            invisible = category[0] == "C" and plain not in _KEPT_CONTROLS
            if not invisible and not _COMBINING.match(plain) and plain not in "\ufe0e\ufe0f":
                chars.append(plain)
                offsets.append(offset)
    return CleanText("".join(chars), tuple(offsets))


def _undisguise(source: CleanText) -> CleanText:
    kept = [(char, offset) for char, offset in zip(undisguise(source.text), source.offsets, strict=True) if char]
    return CleanText("".join(char for char, _ in kept), tuple(offset for _, offset in kept))


def _substitute(source: CleanText, rule: MarkupRule) -> CleanText:
    pattern, replacement = rule
    chars: list[str] = []
    offsets: list[int] = []
    last = 0
    for match in pattern.finditer(source.text):
        chars.append(source.text[last : match.start()])
        offsets.extend(source.offsets[last : match.start()])
        new = replacement(match)
        chars.append(new)
        offsets.extend(_offsets_of(source, match, new))
        last = match.end()
    chars.append(source.text[last:])
    offsets.extend(source.offsets[last:])
    return CleanText("".join(chars), tuple(offsets))


def _offsets_of(source: CleanText, match: re.Match[str], new: str) -> list[int] | tuple[int, ...]:
    """Characters kept from inside the match keep their own places; new ones stand at its start."""
    if match.re.groups and match[1] == new:
        return source.offsets[match.start(1) : match.end(1)]
    return [source.offsets[match.start()]] * len(new)


def _strip(source: CleanText) -> CleanText:
    start = len(source.text) - len(source.text.lstrip())
    end = len(source.text.rstrip())
    return CleanText(source.text[start:end], source.offsets[start:end]) if start < end else CleanText("", ())
