"""Text cleaning: what the classifier reads, and the way back to what the author wrote."""

import random
import time

import pytest

from models.text import clean

NASTY = [
    *"aB1 _*~`|\\<>[]()#@:/!.-\n\t\r\x00\x0b\x1b\x7f",
    *"аоеіукΟορéßﬁﷺｋ①",
    *"\u0300\u0301\u0337\u20dd\u200b\u200d\u200f\u202e\u2028\u2066\ufeff\ufe0f\u00ad\ud800\udfff\ue000",
    *"😀🐍👩\U0001f1e9\U0001f1ea\U0001f3fd",
    "```",
    "||",
    "<:no_way:12>",
    "<a:x1:1>",
    "<@12>",
    "<@&3>",
    "<#4>",
    "<t:1:R>",
    "</setup x:5>",
    "https://x.example/a_b",
    "[word](https://x.example)",
    "> ",
    "-# ",
    "👨‍👩‍👧",
]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("**bold** *slanted* __under__ ~~gone~~ _thin_", "bold slanted under gone thin"),
        ("a ||hidden idiot|| b", "a hidden idiot b"),
        ("`code` and ``more``", "code and more"),
        ("```py\nsays idiot\n```", "says idiot"),
        ("> quoted\n>>> more\n# Head\n-# small", "quoted\nmore\nHead\nsmall"),
        ("<@123> <@!123> <@&5> <#6>", "@user @user @role #channel"),
        ("see <t:1700000000:R>", "see then"),
        ("use </threshold set:77>", "use threshold set"),
        ("you <:total_idiot:123>, <a:clown:4>!", "you total idiot , clown !"),
        ("see https://news.example/a_b_c?d=*e*", "see link"),
        ("see <https://news.example/a>", "see link"),
        ("[the report](https://news.example/a)", "the report"),
        ("[the report](<https://news.example/a>)", "the report"),
        (r"\*no\* \_markup\_ here", "no markup here"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("2 * 3 < 7 > 5", "2 3 < 7 > 5"),
        ("you 🐍", "you snake"),
        ("  many \t spaces \n\n\n and lines ", "many spaces\nand lines"),
    ],
)
def test_discord_markup_goes_and_its_words_stay(raw: str, read: str) -> None:
    assert clean(raw).text == read


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("i\u200bd\u200ci\u200do\u2060t", "idiot"),
        ("\ufeffid\u00adiot", "idiot"),
        ("\u202eidiot\u202c", "idiot"),
        ("ｉｄｉｏｔ", "idiot"),
        ("𝐢𝐝𝐢𝐨𝐭 ⓘⓓⓘⓞⓣ", "idiot idiot"),
        ("i̸̡̛d̷̨i̶o̵t̴͎", "idiot"),
        ("id\x00iot", "idiot"),
        ("іdіоt", "idiot"),
        ("уоu аre аn іdіоt", "you are an idiot"),
        ("yοu іdiοt", "you idiot"),
    ],
    ids=["zero-width", "soft hyphen", "bidi", "fullwidth", "letterlike", "zalgo", "nul", "cyrillic", "words", "greek"],
)
def test_disguised_words_are_read_as_what_they_look_like(raw: str, read: str) -> None:
    assert clean(raw).text == read


@pytest.mark.parametrize(
    "raw",
    [
        "А у нас в городе сор и рост цен",
        "Ο Πέτρος είναι εδώ, τον άκουσα",
        "נאום ארוך מאוד",
        "هذا رأي فقط",
        "Straße, łódź, naïve café",
        "今日は良い天気です",
    ],
)
def test_other_languages_stay_as_they_are(raw: str) -> None:
    assert clean(raw).text == raw


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("<@123> а у нас рост цен", "а у нас рост цен"),
        ("Смотри https://news.example/a, а у нас сор", "а у нас сор"),
        ("а у нас так 😀", "а у нас так"),
        ("Он сказал OK, а у нас сор и рост", "а у нас сор и рост"),
        ("Ο Πέτρος είπε OK, ο νόμος", "ο νόμος"),
    ],
    ids=["mention", "link", "emoji", "russian with a latin word", "greek with a latin word"],
)
def test_a_latin_word_in_a_russian_or_greek_sentence_does_not_make_the_rest_latin(raw: str, kept: str) -> None:
    assert kept in clean(raw).text


@pytest.mark.parametrize("separator", ["\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\u2028", "\u00a0", "\u3000"])
def test_words_apart_stay_apart(separator: str) -> None:
    assert clean(f"no{separator}idiot").text.split() == ["no", "idiot"]


@pytest.mark.parametrize("raw", ["", "  \n\t ", "\u200b\u200d\ufeff", "\x00", "|| ||", "``````", "\u0301\u0337"])
def test_nothing_to_read_is_an_empty_text(raw: str) -> None:
    assert clean(raw).text == "" and clean(raw).offsets == ()


@pytest.mark.parametrize("raw", ["**", "```", "`", "||", "[a](", "<:x:", "<@", "\\", "_", "> ", "```\n`||**[x]("])
def test_malformed_markup_is_read_without_complaint(raw: str) -> None:
    assert "idiot" in clean(f"{raw}idiot").text


@pytest.mark.parametrize(
    ("raw", "word", "written"),
    [
        ("**you** are an <@1> ||idiot||!", "idiot", "idiot"),
        ("👩‍👩‍👧 and [an idiot](https://x.example)", "idiot", "idiot"),
        ("so: i\u200bd\u200bi\u200bo\u200bt.", "idiot", "i\u200bd\u200bi\u200bo\u200bt"),
        ("der ｉｄｉｏｔ!", "idiot", "ｉｄｉｏｔ"),
        ("der іdіоt!", "idiot", "іdіоt"),
    ],
)
def test_a_word_that_was_read_is_found_in_the_raw_text(raw: str, word: str, written: str) -> None:
    cleaned = clean(raw)
    start = cleaned.text.index(word)
    assert cleaned.raw_span(start, start + len(word)).cut(raw) == written


def test_an_ordinary_post_is_read_as_it_stands() -> None:
    raw = "I don't agree, sorry: fees rise every year (by 3 %). Why?\nNobody asked us!"
    cleaned = clean(raw)
    assert cleaned.text == raw and list(cleaned.offsets) == list(range(len(raw)))


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("12️⃣", "1 keycap 2"),
        ("a😀1️⃣b", "a grinning face keycap 1 b"),
        ("👩‍🚒 and 👩‍😀", "woman firefighter and woman grinning face"),
        ("🇩🇪🇫🇷", "Germany France"),
        ("👍🏿x", "thumbs up dark skin tone x"),
        ("(❤️)", "( red heart )"),
        ("™ and © stay words", "trade mark and copyright stay words"),
    ],
)
def test_an_emoji_of_several_characters_is_read_by_its_name(raw: str, read: str) -> None:
    assert clean(raw).text == read


@pytest.mark.parametrize("count", [499, 500, 501, 3_000])
def test_in_a_long_row_of_emoji_none_is_lost(count: int) -> None:
    cleaned = clean("😀" * count)
    assert cleaned.text == " ".join(["grinning face"] * count)
    assert sorted(set(cleaned.offsets)) == list(range(count))


def test_any_text_is_cleaned_with_every_character_traceable() -> None:
    draw = random.Random(7)
    for _ in range(2_000):
        raw = "".join(draw.choices(NASTY, k=draw.randint(0, 40)))
        cleaned = clean(raw)
        assert len(cleaned.text) == len(cleaned.offsets), ascii(raw)
        assert list(cleaned.offsets) == sorted(cleaned.offsets), ascii(raw)
        assert all(0 <= offset < len(raw) for offset in cleaned.offsets), ascii(raw)
        assert cleaned.text == cleaned.text.strip(), ascii(raw)


@pytest.mark.parametrize(
    "unit", ["*", "_", "`", "||", "[", "<:", "> ", " ", "\\", "e\u0301", "https://a ", "😀", "</a"]
)
def test_a_post_of_one_repeated_character_is_cleaned_quickly(unit: str) -> None:
    started = time.process_time()
    clean((unit * 4_000)[:4_000])
    assert time.process_time() - started < 1
