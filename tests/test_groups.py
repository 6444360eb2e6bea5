"""Groups of people in training posts are swapped for others, where the words are about people."""

import random

import pytest

from models.train.groups import swap_groups


def swaps(text: str) -> set[str]:
    return {swap_groups(text, random.Random(seed)) for seed in range(30)}


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("Being gay is wonderful.", ("Being ", " is wonderful.")),
        ("Trans people live here", ("", " people live here")),
        ("He’s Jewish, and?", ("He’s ", ", and?")),
        ("I met a Muslim on the train", ("I met a ", " on the train")),
        ("these immigrants work hard", ("these ", " work hard")),
        ("Turkish women voted", ("", " women voted")),
        ("What Kurds want", ("What ", " want")),
    ],
)
def test_a_group_becomes_many_others_and_the_rest_stays(text: str, frame: tuple[str, str]) -> None:
    found = swaps(text)
    assert len(found) > 10
    assert all(other.startswith(frame[0]) and other.endswith(frame[1]) for other in found)


@pytest.mark.parametrize(
    "text",
    [
        "Black Friday at the White House",
        "poor results, blind trust",
        "the Turkish government",
        "Chinese food",
        "",
        "hello",
    ],
)
def test_what_is_not_about_people_stays(text: str) -> None:
    assert swaps(text) == {text}


def test_a_nation_becomes_a_nation() -> None:
    assert not any("gays" in other or "muslims" in other for other in swaps("Russians shelled the town"))


def test_one_name_becomes_one_other() -> None:
    for other in swaps("Gay people say that gay people are told that they are gay."):
        group = other.split(" people")[0]
        assert other == f"{group} people say that {group} people are told that they are {group}."
