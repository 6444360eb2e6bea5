"""From the labelled sets to training examples: what may be learnt from which row, and what never."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Axis, Label
from models.train.corpus import CorpusPost
from models.train.dataset import CORPUS, DataError, Example, fingerprint, load_examples, summary, tidy
from models.train.recipe import Recipe
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS, SOURCES
from tests.support.datasets import data

RECIPE = Recipe(seed=1, share=1.0)


@pytest.fixture(autouse=True)
def own_posts(monkeypatch: pytest.MonkeyPatch) -> list[CorpusPost]:
    """Our corpus in these tests: empty unless the test puts posts in."""
    posts: list[CorpusPost] = []
    monkeypatch.setattr("models.train.dataset.corpus", lambda: iter(posts))
    return posts


def own(text: str, split: str = "train", **changes: object) -> CorpusPost:
    fields = {"phenomenon": "insult", "needs_title": False, "labels": {Label.INSULT}, "unsure": set[Label]()} | changes
    post = ClassifierInput(text, "A title")
    return CorpusPost(id=text, scenario="town", split=split, pair="town/1", input=post, **fields)


def numbered(count: int, text: str = "Post number {} about the budget", **columns: str) -> list[dict[str, str]]:
    return [{"text": text.format(number), **columns} for number in range(count)]


def of(examples: list[Example], name: str) -> list[Example]:
    return [example for example in examples if example.source == name]


def texts(examples: list[Example]) -> set[str]:
    return {example.input.text for example in examples}


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


def test_no_example_teaches_a_score_without_a_weight(tmp_path: Path) -> None:
    rows = {source.name: numbered(3, source.name + " {}", inflammatory="1", misinfo="1") for source in SOURCES}
    for example in load_examples(data(tmp_path, rows), RECIPE):
        assert set(example.targets) == set(example.weights) <= set(SCORE_KEYS)
        assert all(0 <= value <= 1 for value in example.targets.values())
        assert all(0 < weight <= 1 for weight in example.weights.values())


def test_nothing_of_a_test_split_or_test_set_is_trained_or_tuned_on(tmp_path: Path) -> None:
    rows = {
        "dynahate": [
            *numbered(30, "Post {}", inflammatory="1", split="train"),
            {"text": "Published for testing", "inflammatory": "1", "split": "test"},
            {"text": "SECRET one!", "inflammatory": "1", "split": "train"},
        ],
        "olid": [
            {"text": "published FOR testing...", "inflammatory": "0", "split": "train"},
            {"text": "Secret two", "inflammatory": "0", "split": "dev"},
        ],
        "test_hidden": [{"text": "secret ONE"}, {"text": "  secret, two"}],
    }
    assert texts(load_examples(data(tmp_path, rows), RECIPE)) == {f"Post {number}" for number in range(30)}


def test_a_text_in_several_sets_is_learnt_once(tmp_path: Path) -> None:
    rows = {
        "civil_comments_spans": [{"text": "The same words.", "inflammatory": "0"}],
        "dynahate": [{"text": "the SAME words", "inflammatory": "1"}] * 2,
        "olid": [{"text": "@USER the same words", "inflammatory": "1"}],
    }
    sources = Counter(example.source for example in load_examples(data(tmp_path, rows), RECIPE))
    assert sources == {"civil_comments_spans": 1, "olid": 1}


def test_texts_that_differ_in_an_emoji_are_not_the_same() -> None:
    assert fingerprint("You are a 🐍!") != fingerprint("You are a 🌹!")
    assert fingerprint("You are a 🐍!") == fingerprint("you are a... 🐍")


def test_the_same_recipe_gives_the_same_examples_and_another_seed_another_order(tmp_path: Path) -> None:
    rows = {
        name: numbered(200, name + " {}", inflammatory="0", misinfo="0") for name in ("cad", "coaid_titles", "olid")
    }
    folder = data(tmp_path, rows)
    first = load_examples(folder, RECIPE)
    assert load_examples(folder, RECIPE) == first
    other = load_examples(folder, replace(RECIPE, seed=2))
    assert other != first and texts(other) == texts(first)


def test_a_share_draws_that_part_of_every_set(tmp_path: Path) -> None:
    folder = data(tmp_path, {"jigsaw_wiki_small": numbered(900, inflammatory="0")})
    whole, part = (load_examples(folder, replace(RECIPE, share=share)) for share in (1.0, 0.1))
    train = [example for example in part if example.split == "train"]
    assert len(train) == 100 and texts(train) < texts(whole)
    assert [e for e in part if e.split == "dev"] != [], "the development rows stay"


def test_our_own_posts_come_with_what_their_readers_said_and_not_those_for_testing(
    tmp_path: Path, own_posts: list[CorpusPost]
) -> None:
    own_posts += [
        own("You fool"),
        own("Sure", labels=set(), unsure={Label.THREAT}),
        own("He is back", "dev"),
        own("Hidden", "test"),
    ]
    rows = {"olid": [{"text": text, "inflammatory": "0"} for text in ("you FOOL", "hidden!", "Other")]}
    examples = load_examples(data(tmp_path, rows), RECIPE)
    mine = of(examples, CORPUS)
    assert [(e.input.text, e.split) for e in mine] == [("You fool", "train"), ("Sure", "train"), ("He is back", "dev")]
    assert mine[0].targets[Label.INSULT] == mine[0].targets[Axis.INFLAMMATORY] == 1.0
    assert Label.THREAT not in mine[1].targets and Label.CHECKWORTHY not in mine[0].targets
    assert all(set(e.weights) == set(e.targets) and set(e.weights.values()) == {1.0} and not e.weak for e in mine)
    assert texts(of(examples, "olid")) == {"Other"}, "a text of ours is in no other set"


def test_a_post_that_means_something_else_alone_is_marked(tmp_path: Path, own_posts: list[CorpusPost]) -> None:
    reply = replace(own("Reply"), input=ClassifierInput("Reply", "A title", "What it answers"))
    own_posts += [own("Plain"), own("Titled", needs_title=True), reply]
    marked = {e.input.text: e.needs_context for e in load_examples(data(tmp_path, {}), RECIPE)}
    assert marked == {"Plain": False, "Titled": True, "Reply": True}


def test_development_rows_are_never_trained_on_and_reddit_is_held_out_by_subreddit(tmp_path: Path) -> None:
    rows = {
        "olid": numbered(300, "Olid {}", inflammatory="0", split="dev") + numbered(300, "More {}", inflammatory="1"),
        "psycomark_reddit": [
            {"text": f"Reddit {n}", "misinfo": str(n % 2), "context": f"r/{n % 40}"} for n in range(400)
        ],
    }
    examples = load_examples(data(tmp_path, rows), RECIPE)
    train, dev = (texts([e for e in examples if e.split == split]) for split in ("train", "dev"))
    assert not train & dev and {f"Olid {number}" for number in range(300)} <= dev
    where = {row["text"]: row["context"] for row in rows["psycomark_reddit"]}
    held_out, trained = ({where[text] for text in side if text in where} for side in (dev, train))
    assert held_out and trained and not held_out & trained


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


def test_the_summary_counts_what_each_score_saw(tmp_path: Path) -> None:
    rows = [*numbered(5, "Hit {}", inflammatory="1"), *numbered(7, "Miss {}", inflammatory="0")]
    examples = load_examples(data(tmp_path, {"jigsaw_wiki_small": rows}), RECIPE)
    table = {tuple(line.split()[:2]): [int(n) for n in line.split()[2:]] for line in summary(examples).splitlines()[1:]}
    train, dev = table["inflammatory", "train"], table["inflammatory", "dev"]
    assert [a + b for a, b in zip(train, dev, strict=True)] == [5, 7, 0]
    assert sum(table["misinformation", "train"] + table["misinformation", "dev"]) == 12


def test_a_missing_set_is_told_by_name(tmp_path: Path) -> None:
    folder = data(tmp_path, {})
    (folder / "cad.csv.gz").unlink()
    with pytest.raises(DataError, match=r"cad\.csv\.gz is missing: point --data at"):
        load_examples(folder, RECIPE)
