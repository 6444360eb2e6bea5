"""Long posts are cut into windows of whole sentences, and nothing of them is lost."""

import random
from itertools import pairwise

import pytest

from models.classifier import Span
from models.windows import sentences, windows

SPEECH = (
    "The council met on Monday. Ünder the new plan, fees rise! Who asked for it? 世界は広い。Nobody did.\n"
    "Mr. Brown spoke at 5.30 p.m. for an hour 😀 and left.\n\n- a list\n- of points\n"
)


def words(text: str) -> int:
    return len(text.split())


def lost(text: str, spans: list[Span]) -> str:
    """What of ``text``, but for spaces, is in no span."""
    covered = {index for span in spans for index in range(span.start, span.end)}
    return "".join(char for index, char in enumerate(text) if index not in covered and not char.isspace())


def test_a_short_post_is_one_window_without_the_spaces_around_it() -> None:
    assert [span.cut("  One. Two.\n") for span in windows("  One. Two.\n", words, 10)] == ["One. Two."]


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_has_no_windows(text: str) -> None:
    assert windows(text, words, 10) == [] and sentences(text) == []


def test_line_breaks_end_sentences() -> None:
    assert [span.cut("one\ntwo. three") for span in sentences("one\ntwo. three")] == ["one", "two.", "three"]


@pytest.mark.parametrize("limit", [3, 8, 20, 96])
def test_windows_hold_at_most_the_limit_and_lose_nothing(limit: int) -> None:
    text = SPEECH * 5
    spans = windows(text, words, limit)
    assert lost(text, spans) == ""
    assert max(words(span.cut(text)) for span in spans) <= limit
    assert all(before.start < after.start for before, after in pairwise(spans))


def test_neighbouring_windows_share_a_sentence_so_that_an_answer_is_read_with_its_question() -> None:
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    cut = [span.cut(text) for span in windows(text, words, 6)]
    assert cut == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "Seven eight nine. Ten eleven twelve.",
    ]


@pytest.mark.parametrize("text", ["word " * 500, "x" * 4_000, "不" * 3_000, "a" * 50 + " b" * 2_000])
def test_an_endless_sentence_is_cut_to_fit(text: str) -> None:
    def tokens(part: str) -> int:
        return -(-len(part) // 3)

    spans = windows(text, tokens, 96)
    assert lost(text, spans) == ""
    assert max(tokens(span.cut(text)) for span in spans) <= 96


def test_words_are_not_torn_where_there_is_a_space_to_cut_at() -> None:
    text = "alpha beta gamma delta epsilon " * 20
    cut = [span.cut(text) for span in windows(text, words, 7)]
    assert {word for part in cut for word in part.split()} == {"alpha", "beta", "gamma", "delta", "epsilon"}


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u2009", "\u3000", "\u2028", "\x85"])
def test_unusual_spaces_before_a_full_stop_do_not_break_the_splitter(space: str) -> None:
    text = f"You idiot, plan B{space}. And more."
    assert lost(text, sentences(text)) == ""


def test_half_a_surrogate_pair_does_not_break_the_splitter() -> None:
    assert lost("One \ud83d two. Three.", sentences("One \ud83d two. Three.")) == ""


def test_windows_of_any_text_lose_nothing() -> None:
    draw = random.Random(11)
    alphabet = [
        *"ab Z.!?\n\r\t,;\"'()é你。",
        "…",
        "\u2028",
        "\x85",
        "Mr. ",
        "1.",
        "e.g. ",
        "😀",
        "\n\n",
        "\u0600",
        "...",
    ]
    for _ in range(500):
        text = "".join(draw.choices(alphabet, k=draw.randint(0, 80)))
        assert lost(text, windows(text, len, 12)) == "", ascii(text)
        assert all(0 <= span.start < span.end <= len(text) for span in windows(text, len, 12)), ascii(text)


def test_a_text_short_enough_to_be_read_as_a_whole_is_one_window() -> None:
    text = "  One two three. Four five six.\nSeven. "
    assert [span.cut(text) for span in windows(text, words, 3, whole=7)] == ["One two three. Four five six.\nSeven."]
    assert len(windows(text, words, 3, whole=6)) == 3


def test_nothing_is_no_window_even_if_it_could_be_read_as_a_whole() -> None:
    assert windows("  \n", words, 3, whole=7) == []


@pytest.mark.parametrize("unit", ["a\n", "a", "word ", "不", "One two. "])
def test_the_work_for_a_post_without_end_grows_as_its_length_does(unit: str) -> None:
    work = [_counted_characters((unit * length)[:length]) for length in (10_000, 20_000)]
    assert work[1] < 2.5 * work[0]


def _counted_characters(text: str) -> int:
    asked: list[int] = []

    def tokens(part: str) -> int:
        asked.append(len(part) + 1)
        return -(-len(part) // 3)

    windows(text, tokens, 48, whole=96)
    return sum(asked)


def test_the_tokens_of_a_sentence_are_counted_once() -> None:
    asked: list[str] = []

    def tokens(part: str) -> int:
        asked.append(part)
        return len(part.split())

    text = "One two three. Four five six. Seven eight nine."
    windows(text, tokens, 6)
    assert asked == [text, "One two three.", "Four five six.", "Seven eight nine."]
