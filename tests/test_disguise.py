"""Words in disguise: read where they give English words, left alone otherwise, found again in the raw text."""

import random
import time
from collections.abc import Callable

import pytest

from models.disguise import undisguise
from models.text import clean


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("you are an 1d10t.", "you are an idiot."),
        ("(m0r0n)", "(moron)"),
        ("k1ll y0urself", "kill yourself"),
        ("ki11 him, stupid1y", "kill him, stupidly"),
        ("what a $tup1d cr@p", "what a stupid crap"),
        ("id!ot", "idiot"),
        ("camelk1ller", "camelkiller"),
        ("i d i o t", "idiot"),
        ("y o u  a r e  a n  i d i o t", "you are an idiot"),
        ("such an i.d.i.o.t!", "such an idiot!"),
        ("i-d-i-o-t or i_d_i_o_t", "idiot or idiot"),
        ("1 d 1 0 t", "idiot"),
        ("stuuupid", "stupid"),
        ("fooool, killll", "fool, kill"),
        ("stuUuPid", "stuPid"),
        ("id*ot, st*pid, b*stard, k*ll", "idiot, stupid, bastard, kill"),
        (r"f\*ck, ID#OT, id-ot and id.ot", "fuck, IDiOT, idiot and idiot"),
        ("sh*t, d*ck, d-ck, f**k and a**hole", "shit, dick, dick, fuck and asshole"),
        ("c*nt, f**got, re*arded, wh*res", "cunt, faggot, retarded, whores"),
        ("you idoit, terrorsits, muslms", "you idiot, terrorists, muslims"),
        ("stpid assholles, thier presidnet, fcking tratiors", "stupid assholes, their president, fucking traitors"),
        ("un*believ*able and *slanted*, *th*is, wh*at*", "unbelievable and slanted, this, what"),
        ("reeesults, chriiistian, lannnguage, *re*sults", "results, christian, language, results"),
    ],
)
def test_a_disguised_word_is_read(raw: str, read: str) -> None:
    assert clean(raw).text == read


@pytest.mark.parametrize(
    "raw",
    [
        "covid19, COVID-19 and H1N1",
        "a 4x4 with 5kg, 60mph, 8in, 10ft and $1m or $100k in it",
        "U.S.A. U.S.A. and U.S.A U.S.A",
        "the 1st, 2nd and 3rd of the 90s and 1980s",
        "M1A1, R2D2, T34, F-16, AK47, AR15, B52, G20, G7, 5G",
        "C++ and C# on USB3, PS5, Windows10, mp3, x86, sha256",
        "thanks @user, @role in #channel, @someone, @everyone",
        "$5.99 or 20€ or €20 or 5$",
        "2024-01-05, 01/05/2024, 10:30, 5am, 24/7, 9/11",
        "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Rac3 Bea7",
        "a b c d, e f g h",
        "a, b, c, d",
        "x = y + z and a+e and x1+y2 == z1",
        "for i in range(10): a[i] = b1",
        "call +1 555 123 4567 or 5 5 5 1 2 3 4",
        "xXslayer99Xx, N00bMaster69, gamer4life, Player1, maroon5, level5, 50cent, 7eleven",
        "4chan and any1 4ever, 3v3",
        "Louis XVIII, Vatican III, xxx",
        "the AAA, the IEEE and the AAAS",
        "!play or |style",
        "hey! really!! yes!1",
        "re-elect, re-read, x-ray, e-mail, pro-life, self-made, on-site, U.S. and U.N., i.e. and a.k.a.",
        "wh-re, isnt, theres, Kurds and Barzani, Zelenskyy, Erdogan, Netanyahu, POTUS, Fidesz, Palin",
        "run fsck, meet Swit, Fluck and Funck, una vacina, anul",
        "lmao, haha, yall, bruh, sheeple, twat, tranny, colour and color, Soros, Mosul, Rohingya, Sinjar",
        "op-ed, co-ed, eu-us, th.is, no-fat, run-on, id.ot@example.com, /path/ch-at, anti-immigrant",
    ],
)
def test_an_innocent_text_stays(raw: str) -> None:
    assert "".join(undisguise(raw)) == raw


def test_a_covered_letter_of_an_everyday_word_stays_lost() -> None:
    assert clean("wh*re, wh**e and b*d").text == "whre, whe and bd"


def test_stars_for_emphasis_go() -> None:
    assert clean("**un**believable, un**believ**able, the b**est** and ***all***").text == (
        "unbelievable, unbelievable, the best and all"
    )


@pytest.mark.parametrize("kind", [str.lower, str.upper, str.title, str.swapcase])
def test_case_decides_nothing(kind: Callable[[str], str]) -> None:
    raw = "You 1d10t, k1ll it, id*ot, idoit, stpid, i d i o t, stuuupid, level5, T34, XVIII, Nf3"
    assert clean(kind(raw)).text.lower() == clean(raw).text.lower()


@pytest.mark.parametrize(
    ("raw", "word", "written"),
    [
        ("you 1d10t there", "idiot", "1d10t"),
        ("**you** i d i o t!", "idiot", "i d i o t"),
        ("so: i.d.i.o.t.", "idiot", "i.d.i.o.t"),
        ("y o u  i d i o t", "idiot", "i d i o t"),
        ("no, stuuuupid one", "stupid", "stuuuupid"),
        ("no, id*ot one", "idiot", "id*ot"),
        ("no, idoit one", "idiot", "idoit"),
        ("no, stpid one", "stupid", "stpid"),
        ("no, stuppid one", "stupid", "stuppid"),
        ("no, f**k it", "fuck", "f**k"),
        ("👩‍👩‍👧 <@12> $tup1d!", "stupid", "$tup1d"),
    ],
)
def test_a_disguised_word_is_found_in_the_raw_text(raw: str, word: str, written: str) -> None:
    cleaned = clean(raw)
    start = cleaned.text.index(word)
    assert cleaned.raw_span(start, start + len(word)).cut(raw) == written


def test_any_text_keeps_one_entry_a_character() -> None:
    draw = random.Random(5)
    pieces = [
        *"aeiostlkIL1034578@$!|€+ ._-*\n\0\"'(İſßﬁ²é",
        "1d10t",
        "k i l l",
        "stuuu",
        "id*ot",
        "idoit",
        "stpid",
        "a**b",
        "  ",
    ]
    for text in (
        "idoit İİİa*b",
        "İyi*dir",
        *("".join(draw.choices(pieces, k=draw.randint(0, 60))) for _ in range(500)),
    ):
        entries = undisguise(text)
        assert len(entries) == len(text), ascii(text)
        assert all(len(entry) <= 2 for entry in entries), ascii(text)
        cleaned = clean(text)
        assert len(cleaned.text) == len(cleaned.offsets), ascii(text)
        assert list(cleaned.offsets) == sorted(cleaned.offsets), ascii(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "a",
        "ab",
        "aab",
        "aaab",
        "1l",
        "1l ",
        "1",
        "4 a ",
        "i d i o t ",
        "i.d.",
        "-a",
        "th1s",
        "th1s 1s ",
        "id*ot ",
        "a*",
        "a-b.c#",
        "idoits",
        "idoit ",
        "stpid",
        "qwrtzps ",
        "f**k ",
        "a**zz ",
        "1l1l1l1l1l1l1l1l1l ",
        "1 1 1 1 " + "a " * 2_000,
        "$",
        "@ ",
    ],
)
def test_a_post_full_of_disguise_is_cleaned_quickly(unit: str) -> None:
    clean("i d i o t")  # the word list is loaded once
    text = (unit * 4_000)[:4_000]
    spent: list[float] = []
    for _ in range(2):
        started = time.process_time()
        clean(text)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.1
