"""Ten thousand random posts of all that is odd in Unicode, Markdown and on Discord. Seeded: each has its number."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SEED, COUNT = 11, 10_000
LONG_EVERY = 250
THREAD = Path(__file__).parents[3] / "shared" / "threads" / "mosul.json"

PIECES: tuple[tuple[str, ...], ...] = (
    ("idiot", "kill", "cabal", "1d10t", "i d i o t", "k.i.l.l", "stuuupid", "you", "the mayor", "U.S.A.", "café"),
    ("\u202e", "\u202a", "\u2066", "\u2067", "\u2069", "\u200e", "\u200f", "\u061c"),
    ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\U000e0041", "\U000e007f"),
    ("\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\r\n", "\u2028", "\u2029", "\x0b", "\t", "\u00a0", "\u3000"),
    tuple("*_~`|<>[]()#@:-\\>&!\"'"),
    ("**", "__", "~~", "||", "***", "\n> ", "\n>>> ", "\n# ", "\n-# ", "\n- ", "\n1. ", "\\*", "\\\\"),
    ("@everyone", "@here", "<@1>", "<@!1>", "<@&1>", "<#1>", "</cmd:1>", "<id:browse>", "<t:1:R>", "<:a_b:12>", "<@"),
    ("https://a.example/x_y?z=(1)", "HTTP://B.EXAMPLE", "<https://c.example>", "[x](https://d.example)", "://"),
    ("```", "```py\n", "`", "``", "```x```", "`y`"),
    ("😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏿", "🇦"),
    ("שלום", "مرحبا", "ا\u0640\u0640\u0640", "fi\u202edoi", "пидиот", "іdіоt", "ⓘⓓⓘⓞⓣ", "ｉｄｉｏｔ", "ﷺ", "ǆ", "İ"),
    (" ", "  ", "\n", ". ", "! ", "? ", "Mr. ", "B\u00a0. "),
)


@cache
def comments() -> tuple[str, ...]:
    """Real ones, if they lie beside this checkout."""
    if not THREAD.exists():
        return ("The council met on Monday. Nobody asked us!",)
    return tuple(row["text"] for row in json.loads(THREAD.read_text(encoding="utf-8"))["comments"])


def _any_character(draw: random.Random) -> str:
    return chr(draw.randrange(0x110000))  # half a surrogate pair, too


def _stack(draw: random.Random) -> str:
    return "o" + "".join(chr(draw.randrange(0x300, 0x370)) for _ in range(draw.randrange(1, 30)))


def _long_word(draw: random.Random) -> str:
    return draw.choice("xо不😀#") * draw.randrange(30, 300)


def _comment(draw: random.Random) -> str:
    return draw.choice(comments())[: draw.randrange(1, 200)]


RARE: tuple[Callable[[random.Random], str], ...] = (_any_character, _stack, _long_word, _comment)


def _piece(draw: random.Random) -> str:
    return draw.choice(RARE)(draw) if draw.random() < 0.15 else draw.choice(draw.choice(PIECES))


@cache
def post(number: int) -> str:
    draw = random.Random(f"{SEED}:{number}")
    text = "".join(_piece(draw) for _ in range(draw.randrange(1, 9)))
    if number % LONG_EVERY:
        return text
    limit = draw.choice((1_999, 2_000, 3_999, 4_000))
    while len(text) < limit:
        text += _piece(draw)
    return text[:limit]


@contextmanager
def told(number: int) -> Iterator[str]:
    """The post; whatever goes wrong with it names it. A panic of the splitter is no ``Exception``."""
    try:
        yield post(number)
    except BaseException as error:
        error.add_note(f"post {number} of seed {SEED}: {post(number)!a}")
        raise
