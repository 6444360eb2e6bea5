"""Ways to slip a word past a filter: what they do to a text, and which of them cleaning undoes."""

import random

import pytest

from models.text import clean
from models.train.evasion import EVASIONS, TRAINED_AGAINST, disguise

TEXTS = (
    "You people are complete idiots and everybody knows it.",
    "The council meets on Tuesday, says the @user from the town hall.",
    "They want to take everything from you; wake up!",
    "Kill the bill, not the messenger (level5, 1d10t, stuuupid).",
)
UNDONE = sorted(set(EVASIONS) - set(TRAINED_AGAINST))


def test_what_training_leaves_out_is_what_cleaning_undoes() -> None:
    assert UNDONE == ["casing", "look-alikes", "zero-width"]


@pytest.mark.parametrize("name", EVASIONS)
@pytest.mark.parametrize("text", TEXTS)
def test_an_evasion_changes_a_text_and_leaves_most_of_it(name: str, text: str) -> None:
    evaded = [EVASIONS[name](text, random.Random(seed)) for seed in range(20)]
    assert sum(changed != text for changed in evaded) >= 18, "a letter may be swapped with its like"
    assert all(len(changed) >= len(text) - len(text.split()) for changed in evaded)


@pytest.mark.parametrize("name", EVASIONS)
def test_the_same_chance_disguises_the_same_way_and_another_otherwise(name: str) -> None:
    draws = [EVASIONS[name](" ".join(TEXTS), random.Random(seed)) for seed in (1, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


@pytest.mark.parametrize("name", UNDONE)
@pytest.mark.parametrize("text", TEXTS)
def test_cleaning_undoes_what_is_not_trained_against(name: str, text: str) -> None:
    for seed in range(20):
        evaded = EVASIONS[name](text, random.Random(seed))
        assert clean(evaded).text.lower() == clean(text).text.lower(), ascii(evaded)


@pytest.mark.parametrize("name", sorted(set(EVASIONS) - {"emoji"}))
@pytest.mark.parametrize("text", ["", "...", "no it is so", "1 2 3", "😀"])
def test_a_text_without_a_longer_word_stays(name: str, text: str) -> None:
    assert EVASIONS[name](text, random.Random(1)) == text


def test_training_draws_from_all_that_it_trains_against() -> None:
    text = TEXTS[0]
    known = {EVASIONS[name](text, chance) for name in EVASIONS for chance in [random.Random(1)]}
    draws = {disguise(text, random.Random(seed)) for seed in range(60)}
    assert text not in known and len(draws) > 30
    assert any("idiot" not in draw.lower() for draw in draws)
    assert not any("\u200b" in draw for draw in draws), "cleaning undoes it"
