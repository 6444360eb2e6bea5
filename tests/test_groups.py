"""Groups of people in training posts are swapped for others, where the words are about people."""

import json
import random
import re
from pathlib import Path

import pytest

from models.train import groups
from models.train.groups import names_group, swap_groups


def swaps(text: str) -> set[str]:
    return {swap_groups(text, random.Random(seed)) for seed in range(30)}


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("Being gay is wonderful.", ("Being ", " is wonderful.")),
        ("Trans people live here", ("", " people live here")),
        ("He’s Jewish, and?", ("He’s ", ", and?")),
        ("I met a Muslim on the train", ("I met a", " on the train")),
        ("An atheist who sings", ("a", " who sings")),
        ("these Muslims work hard", ("these ", " work hard")),
        ("Turkish women voted", ("", " women voted")),
        ("What Kurds want", ("What ", " want")),
    ],
)
def test_a_group_becomes_many_others_and_the_rest_stays(text: str, frame: tuple[str, str]) -> None:
    found = swaps(text)
    assert len(found) > 10
    assert names_group(text)
    assert all(other.startswith(frame[0]) and other.endswith(frame[1]) for other in found)


@pytest.mark.parametrize(
    "text",
    [
        "Black Friday at the White House",
        "poor results, blind trust",
        "the Turkish government",
        "Chinese food",
        "camera poles, young trees, teenage boys, poor kids, shiny shoes",
        "no more immigrants until there are houses",
        "",
        "hello",
    ],
)
def test_what_is_not_about_people_stays(text: str) -> None:
    assert swaps(text) == {text}
    assert not names_group(text)


def test_a_nation_becomes_a_nation() -> None:
    peoples = json.loads(Path(groups.__file__).with_suffix(".json").read_text(encoding="utf-8"))["peoples"]
    assert swaps("Russians shelled the town") <= {f"{people} shelled the town" for people in peoples}


@pytest.mark.parametrize("seed", range(30))
def test_the_article_suits_the_new_group(seed: int) -> None:
    other = swap_groups("She met a gay man and a Muslim.", random.Random(seed))
    assert "gay" not in other or "Muslim" not in other
    assert re.fullmatch(r"She met (?:an [aeio]|a [^aeio])\w* man and (?:an [aeio]|a [^aeio]).*", other), other


def test_one_name_becomes_one_other() -> None:
    for other in swaps("Gay people say that gay people are told that they are gay."):
        group = other.split(" people")[0]
        assert other == f"{group} people say that {group} people are told that they are {group}."
