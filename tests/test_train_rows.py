"""What one row of a labelled set teaches: of which scores, how strongly, in which words."""

from pathlib import Path

import pytest

from models.labels import Axis, Label
from models.train.dataset import Example, fingerprint, load_examples, tidy
from models.train.recipe import Recipe
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS
from tests.support.datasets import data

RECIPE = Recipe(seed=1, share=1.0)


@pytest.fixture(autouse=True)
def no_own_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.train.dataset.corpus", lambda: iter(()))


def only(tmp_path: Path, name: str, **columns: str) -> Example:
    """The example that one row of the set ``name`` becomes."""
    row = {"text": "A post about the budget", "split": "train", "context": "r/town", **columns}
    return load_examples(data(tmp_path, {name: [row]}), RECIPE)[0]


def strict(example: Example) -> dict[str, float]:
    return {key: value for key, value in example.targets.items() if key not in example.weak}


def test_a_zero_of_a_hate_set_is_no_zero_of_the_axis_nor_of_insult_and_threat(tmp_path: Path) -> None:
    assert strict(only(tmp_path, "dynahate", inflammatory="0")) == {Label.IDENTITY_ATTACK: 0.0}


def test_a_hit_of_a_hate_set_is_a_hit_of_the_axis_and_says_nothing_of_insult_and_threat(tmp_path: Path) -> None:
    example = only(tmp_path, "dynahate", inflammatory="1")
    assert strict(example) == {Label.IDENTITY_ATTACK: 1.0, Axis.INFLAMMATORY: 1.0}
    assert not {Label.INSULT, Label.THREAT} & set(example.targets)


def test_an_insult_set_says_nothing_of_the_axis_when_it_says_no(tmp_path: Path) -> None:
    assert strict(only(tmp_path, "kaggle_insults_impermium", inflammatory="0")) == {Label.INSULT: 0.0}


def test_a_civil_row_of_a_toxicity_set_is_a_zero_of_all_that_was_asked(tmp_path: Path) -> None:
    assert strict(only(tmp_path, "civil_comments_spans", inflammatory="0")) == dict.fromkeys(INFLAMMATORY_KEYS, 0.0)


def test_a_toxic_row_counts_for_its_sublabels_and_masks_those_it_was_not_asked_for(tmp_path: Path) -> None:
    example = only(tmp_path, "civil_comments_spans", inflammatory="0.8", sublabels="Toxicity;Insult")
    assert strict(example) == {Axis.INFLAMMATORY: 0.8, Label.INSULT: 1.0, Label.THREAT: 0.0}
    assert Label.IDENTITY_ATTACK not in example.targets


def test_an_unannotated_row_of_a_toxicity_set_teaches_nothing_of_its_axis(tmp_path: Path) -> None:
    assert not set(INFLAMMATORY_KEYS) & set(only(tmp_path, "jigsaw_wiki_small", inflammatory="").targets)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("davidson", {"label": "offensive_language", "inflammatory": "1"}),
        ("trac1_en", {"label": "CAG", "inflammatory": "1"}),
        ("olid", {"lang": "de", "inflammatory": "1"}),
        ("founta_hateful_rottger", {"inflammatory": ""}),
        ("olid", {"text": " \n ", "inflammatory": "1"}),
    ],
)
def test_rows_that_teach_the_wrong_thing_are_dropped(tmp_path: Path, name: str, columns: dict[str, str]) -> None:
    folder = data(tmp_path, {name: [{"text": "A post", "split": "train", **columns}]})
    assert load_examples(folder, RECIPE) == []


def test_posts_of_one_domain_are_weak_negatives_of_the_other(tmp_path: Path) -> None:
    rude = only(tmp_path, "civil_comments_spans", inflammatory="1")
    assert {key: rude.targets[key] for key in rude.weak} == dict.fromkeys(
        [*MISINFORMATION_KEYS, Label.CHECKWORTHY], 0.0
    )
    assert {rude.weights[key] for key in rude.weak} == {RECIPE.weak_weight}


@pytest.mark.parametrize("answer", ["0", "1"])
def test_what_a_conspiracy_set_was_not_asked_for_counts_little(tmp_path: Path, answer: str) -> None:
    example = only(tmp_path, "psycomark_reddit", misinfo=answer)
    assert strict(example) == dict.fromkeys([Axis.MISINFORMATION, Label.CONSPIRACY], float(answer))
    assumed = {key: value for key, value in example.targets.items() if key not in strict(example)}
    assert set(assumed) >= set(INFLAMMATORY_KEYS) and set(assumed.values()) == {0.0}


def test_unlabelled_posts_are_weak_negatives_only(tmp_path: Path) -> None:
    example = only(tmp_path, "iac_4forums_unlabelled_sample")
    assert strict(example) == {} and set(example.targets.values()) == {0.0}


def test_a_check_worthy_claim_is_no_misinformation(tmp_path: Path) -> None:
    example = only(tmp_path, "clef2024_debates_en", misinfo="1")
    assert strict(example) == {Label.CHECKWORTHY: 1.0}


def test_texts_that_differ_in_an_emoji_are_not_the_same() -> None:
    assert fingerprint("You are a 🐍!") != fingerprint("You are a 🌹!")
    assert fingerprint("You are a 🐍!") == fingerprint("you are a... 🐍")


def test_the_parent_post_is_context_and_a_subreddit_is_not(tmp_path: Path) -> None:
    assert only(tmp_path, "wiki_context_toxicity", inflammatory="0", context="Why?").input.reply_to == "Why?"
    assert only(tmp_path, "psycomark_reddit", misinfo="0").input.reply_to is None


@pytest.mark.parametrize(
    ("collected", "read"),
    [
        ("@USER said &quot;no&quot; URL", '@user said "no" link'),
        ("@someone and mail me@x.org", "@user and mail me@x.org"),
        ("oneNEWLINE_TOKENtwoTAB_TOKENthree", "one\ntwo three"),
        ("HTTPURL [USER] <url>", "link @user link"),
    ],
)
def test_what_collectors_did_to_a_text_is_undone(collected: str, read: str) -> None:
    assert tidy(collected) == read
