"""Which part of a post a score rests on: the sentence that scores highest alone, and the words it needs for that.

Words are found by occlusion: the sentence is scored again without them. To stay cheap a long sentence loses
phrases first, and then only the words of the phrases that mattered.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeAlias, TypeVar

from models.classifier import Classifier, ClassifierInput, Span
from models.labels import ScoreKey
from models.text import CleanText, clean
from models.windows import sentences

ROWS = 14
"""Texts that the classifier reads for one explanation, if the post has no more than six sentences."""
LEAST_OCCLUDED = 8
MOST_SENTENCES = 32
"""Rows of a batch. Of more sentences than that (a list, say), neighbours are read together first."""
MOST_WORDS = 4
LEAST_FALL = 0.1
"""The part of its score that a sentence must lose without a word to make the word decisive; less is chance."""

_Word: TypeAlias = tuple[Span, ...]
"""All the places of one word in a sentence: an insult said twice is not missed when only one goes."""
_Item = TypeVar("_Item")

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_FUNCTION_WORD = re.compile(
    "an?|and|are|as|at|be|been|but|by|for|from|had|has|have|if|in|is|its?|of|on|or|so|than|that|the|then|there|this|to"
    "|was|were|will|with"
)
_MARKERS = " \t\r\n*_~|`"


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class DecisiveWord:
    """A word (now and then a phrase), everywhere it stands in the decisive sentence."""

    spans: tuple[Span, ...]
    score: float
    """What the sentence scores without it."""
    fall: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Spans are parts of the raw text; ``words`` come best first and may be none."""

    key: ScoreKey
    sentences: tuple[ScoredSentence, ...]
    decisive: Span
    words: tuple[DecisiveWord, ...]
    rows: int
    """How many texts the classifier was given."""


async def explain(
    classifier: Classifier, post: ClassifierInput, key: ScoreKey, within: Span, *, words: bool = True
) -> Explanation:
    """Why ``post`` scores what it does on ``key``, looking only ``within`` the span that the score came from.

    Without ``words`` only the sentences are scored.
    """
    reader = _Reader(classifier, post, key)
    spans = [Span(within.start + span.start, within.start + span.end) for span in sentences(within.cut(post.text))]
    if not spans:
        return Explanation(key, (), within, (), reader.rows)
    scored = await _score_sentences(reader, spans)
    best = max(scored, key=lambda sentence: sentence.score)
    found = await _decisive_words(reader, best) if words else []
    return Explanation(key, tuple(scored), best.span, tuple(found[:MOST_WORDS]), reader.rows)


class _Reader:
    """Scores texts on one key, each in the context of the post, and counts them."""

    def __init__(self, classifier: Classifier, post: ClassifierInput, key: ScoreKey) -> None:
        self.text = post.text
        self.rows = 0
        self._classifier = classifier
        self._post = post
        self._key: ScoreKey = key

    async def scores(self, texts: Sequence[str]) -> list[float]:
        self.rows += len(texts)
        inputs = [ClassifierInput(text, self._post.title, self._post.reply_to) for text in texts]
        return [prediction.scores.get(self._key, 0.0) for prediction in await self._classifier.predict(inputs)]

    async def without(self, sentence: ScoredSentence, words: Sequence[_Word]) -> list[DecisiveWord]:
        """Those of ``words`` that the score of ``sentence`` falls without, the deepest fall first."""
        scores = await self.scores([_without(self.text, sentence.span, word) for word in words])
        least = LEAST_FALL * sentence.score
        fallen = [
            DecisiveWord(word, score, sentence.score - score)
            for word, score in zip(words, scores, strict=True)
            if sentence.score - score > least
        ]
        return sorted(fallen, key=lambda word: word.fall, reverse=True)


async def _score_sentences(reader: _Reader, spans: Sequence[Span]) -> list[ScoredSentence]:
    """Each of ``spans`` alone; of very many, runs of neighbours and then, more closely, those of the best run."""
    runs = _runs(spans, MOST_SENTENCES)
    whole = [Span(run[0].start, run[-1].end) for run in runs]
    scores = await reader.scores([span.cut(reader.text) for span in whole])
    scored = [ScoredSentence(span, score) for span, score in zip(whole, scores, strict=True)]
    best = scores.index(max(scores))
    if len(runs[best]) == 1:
        return scored
    return [*scored[:best], *await _score_sentences(reader, runs[best]), *scored[best + 1 :]]


async def _decisive_words(reader: _Reader, sentence: ScoredSentence) -> list[DecisiveWord]:
    room = max(LEAST_OCCLUDED, ROWS - reader.rows)
    words = _content_words(reader.text, sentence.span)
    if len(words) <= room:
        return await reader.without(sentence, words) if words else []
    runs = _runs(words, (room + 1) // 2)
    words_of = {tuple(chain.from_iterable(run)): run for run in runs}
    phrases = await reader.without(sentence, list(words_of))
    if not phrases:
        return []
    closer = _closer([words_of[phrase.spans] for phrase in phrases], room - len(runs))
    # Two insults side by side cover for each other: then neither word is decisive, but the phrase is.
    return await reader.without(sentence, closer) or phrases[:1]


def _closer(phrases: Sequence[Sequence[_Word]], room: int) -> list[_Word]:
    """The words of the first phrases, as many as there is ``room`` for; parts of the first if it is too long."""
    chosen: list[_Word] = [tuple(chain.from_iterable(run)) for run in _runs(phrases[0], room)]
    for phrase in phrases[1:]:
        if len(chosen) + len(phrase) > room:
            break
        chosen += phrase
    return chosen


def _content_words(text: str, sentence: Span) -> list[_Word]:
    """The words of ``sentence`` as the classifier reads them, where they stand in the raw ``text``."""
    places: dict[str, list[Span]] = {}
    end = sentence.start
    for name, span in _words(sentence.cut(text)):
        place = Span(sentence.start + span.start, sentence.start + span.end)
        if place.start >= end:  # the name of an emoji may be several words that all stand in one place
            places.setdefault(name, []).append(place)
            end = place.end
    return [tuple(spans) for spans in places.values()]


def _words(raw: str) -> Iterator[tuple[str, Span]]:
    cleaned = clean(raw)
    for match in _WORD.finditer(cleaned.text):
        first, last = cleaned.offsets[match.start()], cleaned.offsets[match.end() - 1]
        if first == last and len(match[0]) > 1:
            span = _replaced(raw, cleaned, match.end())
            yield span.cut(raw), span
        elif not _FUNCTION_WORD.fullmatch(word := match[0].lower()):
            yield word, Span(first, last + 1)


def _replaced(raw: str, cleaned: CleanText, end: int) -> Span:
    """What cleaning put a word in place of that ends before ``end``: an emoji, a link, a mention."""
    start = cleaned.offsets[end - 1]
    following = next((offset for offset in cleaned.offsets[end:] if offset > start), len(raw))
    return Span(start, start + len(raw[start:following].rstrip(_MARKERS)))


def _without(text: str, sentence: Span, gone: Sequence[Span]) -> str:
    """``sentence`` with a space in place of each span that is ``gone``."""
    kept: list[str] = []
    start = sentence.start
    for span in sorted(gone, key=lambda span: span.start):
        kept.append(text[start : span.start])
        start = span.end
    return " ".join([*kept, text[start : sentence.end]])


def _runs(items: Sequence[_Item], most: int) -> list[Sequence[_Item]]:
    """``items`` in at most ``most`` runs of neighbours that differ in length by one."""
    count = min(most, len(items))
    cuts = [len(items) * number // count for number in range(count + 1)]
    return [items[start:end] for start, end in pairwise(cuts)]
