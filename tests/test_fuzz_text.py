"""Ten thousand random posts through everything that reads or shows their text. A failure names its post."""

import json
import random
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from discord import ui

from bot.app import running
from bot.client import Threadwatch
from bot.config import Settings
from bot.domain import Evidence, Outcome, Place, Post, Review, Source, Verdict
from cogs.common import plain
from cogs.review.buttons import Seen, verdict_rows
from cogs.review.card import box
from cogs.review.fold_card import fold_card
from cogs.review.removal import question
from models.classifier import ModelInfo, Span
from models.labels import SCORE_KEYS, Axis, Label
from models.text import CleanText, clean
from models.windows import sentences, windows
from tests.support.keyword import WORDS, KeywordClassifier
from tests.support.odd_texts import COUNT, post, told

MARKUP = set("*_~`|<>[]()#@:\\")
INVISIBLE = set("\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
DIRECTION = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@cache
def cleaned_post(number: int) -> CleanText:
    return clean(post(number))


def test_any_post_is_cleaned_and_every_character_can_be_traced() -> None:
    for number in range(COUNT):
        with told(number) as raw:
            cleaned = cleaned_post(number)
            assert len(cleaned.text) == len(cleaned.offsets)
            assert all(0 <= offset < len(raw) for offset in cleaned.offsets)
            assert all(before <= after for before, after in pairwise(cleaned.offsets))
            assert cleaned.text == cleaned.text.strip()
            assert not (INVISIBLE | {"\x00", "\ufe0f"}) & set(cleaned.text)
            assert not re.search(r"[\u0300-\u036f]|\s\s", cleaned.text)


def test_no_word_of_any_post_is_lost_between_sentences_and_windows() -> None:
    for number in range(COUNT):
        with told(number) as raw:
            for text in (raw, cleaned_post(number).text):
                _assert_covers(text, sentences(text))
                cut = windows(text, _tokens, 40)
                _assert_covers(text, cut)
                assert all(_tokens(span.cut(text)) <= 40 for span in cut)


def _tokens(text: str) -> int:
    return -(-len("".join(text.split())) // 4)


def _assert_covers(text: str, spans: list[Span]) -> None:
    covered = bytearray(len(text))
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        covered[span.start : span.end] = b"x" * (span.end - span.start)
    assert not [char for char, is_in in zip(text, covered, strict=True) if not is_in and not char.isspace()]


async def test_any_post_goes_through_the_pipeline_to_a_harmless_card(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        for number in range(0, COUNT, 10):
            with told(number) as raw:
                (decision,) = await services.pipeline.judge([_as_post(number, raw)])
                read = cleaned_post(number).text.lower()
                assert decision.verdict.flagged == any(word in read for word in WORDS)
                if decision.decisive:
                    assert 0 <= decision.decisive.start < decision.decisive.end <= len(raw)
                _assert_harmless(_review(number, decision.decisive), services.model)


async def test_any_post_that_discord_can_send_is_recorded_and_found_again(settings: Settings) -> None:
    whole = [number for number in range(300) if not re.search("[\ud800-\udfff]", post(number) + post(number // 2))]
    assert len(whole) > 200
    async with running(settings, classifier=KeywordClassifier()) as services:
        posts = [_as_post(number, post(number)) for number in whole]
        assert all(result.is_new for result in await services.pipeline.process(posts, open_reviews=False))
        assert not any(result.is_new for result in await services.pipeline.process(posts, open_reviews=False))


def test_what_members_wrote_has_no_markup_when_it_is_shown() -> None:
    for number in range(COUNT):
        with told(number) as raw:
            _assert_plain(plain(raw))


async def test_a_card_of_any_post_is_harmless_wherever_its_decisive_words_stand(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        for number in range(COUNT):
            with told(number) as raw:
                _assert_harmless(_review(number, _any_span(number, raw)), services.model)


async def test_folds_of_any_posts_fit_a_message(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        for first in range(0, COUNT, 25):
            with told(first):
                reviews = [_review(number, _any_span(number, post(number))) for number in range(first, first + 25)]
                _assert_fits(fold_card(reviews, services.model).to_components())


async def test_the_client_pings_nobody_whatever_a_message_says(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services, Threadwatch(services, ()) as bot:
        assert bot.allowed_mentions is not None
        assert bot.allowed_mentions.to_dict() == {"parse": []}


def _as_post(number: int, text: str) -> Post:
    return Post(Source.FILE, str(number), "5", "alice", (text,), 0, reply_to=post(number // 2))


def _any_span(number: int, text: str) -> Span | None:
    start, end = sorted(random.Random(number).choices(range(len(text) + 1), k=2))
    return Span(start, end) if start < end else None


def _review(number: int, span: Span | None) -> Review:
    flags = Verdict((Axis.INFLAMMATORY, *(key for key in SCORE_KEYS if key is not Axis.INFLAMMATORY)), Label.THREAT)
    title, answered, name = (post((number + step) % COUNT) for step in (1, 2, 3))
    outcome = (None, *Outcome)[number % 5]
    return Review(
        id=number,
        version=1,
        decision_id=number,
        post_id=str(10**18 + number),
        author_id=str(10**18),
        is_starter=True,
        place=Place(10**18, 10**18, 10**18),
        scores=dict.fromkeys(SCORE_KEYS, 0.9),
        thresholds=dict.fromkeys(SCORE_KEYS, 0.5),
        verdict=flags,
        evidence=Evidence(name[:32], post(number), span, title[:100], answered[:1000]),
        opened_at=0,
        deleted=number % 2 == 0,
        edited=number % 3 == 0,
        unread=number % 7 == 0,
        was_gone=number % 11 == 0,
        outcome=outcome,
        resolved_by=10**18 if outcome else None,
        resolved_at=0 if outcome else None,
        card=None,
        card_posted_at=None,
    )


def _assert_harmless(review: Review, model: ModelInfo) -> None:
    card = box(review, model)
    for row in verdict_rows(review, removable=True, seen=Seen.of(review)):
        card.add_item(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(card)
    shown = _assert_fits(view.to_components())
    (quote,) = [line for line in shown.split("\n") if line.startswith("> ")]
    parts = _live(quote.removeprefix("> ")).split("**")
    assert len(parts) == (3 if review.evidence and review.evidence.decisive else 1)
    for part in parts:
        _assert_plain(part)
    (thread,) = re.findall(r"^-# Thread: (.*)$", shown, re.MULTILINE)
    _assert_plain(thread)
    asked = question(review)
    assert len(asked) <= 2_000
    _assert_plain(asked.split("\n> ")[1].split("\n")[0])


def _assert_fits(components: list[Any]) -> str:
    """Returns all the text that is shown."""
    flat = list(_walk(components))
    text = "\n".join(part["content"] for part in flat if part["type"] == 10)
    assert len(text) <= 4_000
    assert len(flat) <= 40
    assert all(len(part.get("custom_id", "")) <= 100 for part in flat)
    assert json.loads(json.dumps(components)) == components
    return text


def _walk(components: list[Any]) -> Iterator[dict[str, Any]]:
    for component in components:
        yield component
        yield from _walk(component.get("components") or [])


def _live(shown: str) -> str:
    """``shown`` without what is escaped."""
    return re.sub(r"\\[^A-Za-z0-9\s]", "", shown)


def _assert_plain(shown: str) -> None:
    assert not MARKUP & set(_live(shown)), "markup that takes effect"
    assert not INVISIBLE & set(shown)
    assert not [char for char in shown if unicodedata.bidirectional(char) in DIRECTION]
    assert not [char for char in shown if unicodedata.category(char) == "Cc" and char not in "\t\n"]
