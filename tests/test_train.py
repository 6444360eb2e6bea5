"""From the labelled sets to training examples: which rows are learnt from, which held out, and which never read."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from models.classifier import ClassifierInput
from models.labels import SCORE_KEYS, Axis, Label
from models.train.corpus import CorpusPost
from models.train.dataset import CORPUS, DataError, Example, load_examples, summary
from models.train.recipe import Recipe
from models.train.sources import SOURCES
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


def test_the_same_recipe_gives_the_same_examples_and_another_seed_another_order(tmp_path: Path) -> None:
    rows = {
        name: numbered(200, name + " {}", inflammatory="0", misinfo="0") for name in ("cad", "coaid_titles", "olid")
    }
    folder = data(tmp_path, rows)
    first = load_examples(folder, RECIPE)
    assert load_examples(folder, RECIPE) == first
    other = load_examples(folder, replace(RECIPE, seed=2))
    assert other != first and texts(other) == texts(first)


def test_threats_and_small_sets_are_shown_more_often_as_their_annotators_say(tmp_path: Path) -> None:
    rows = {
        "edos": [{"text": "I will hurt you", "inflammatory": "1", "sublabels": "threat"}, {"text": "Calm"}],
        "psycomark_reddit": [{"text": f"Reddit {n}", "misinfo": "1", "context": f"r/{n}"} for n in range(40)],
    }
    examples = load_examples(data(tmp_path, rows), replace(RECIPE, rare_repeat=4))
    assert {e.input.text: e.repeat for e in of(examples, "edos")} == {"I will hurt you": 4, "Calm": 1}
    (repeat,) = (source.repeat for source in SOURCES if source.name == "psycomark_reddit")
    assert {e.repeat for e in of(examples, "psycomark_reddit")} == {repeat} != {1}


def test_another_seed_leaves_the_development_rows_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.train.dataset.DEV_ROWS", 5)
    folder = data(tmp_path, {"cad": numbered(400, inflammatory="0"), "coaid_titles": numbered(300, "coaid {}")})
    first, other = (
        [e for e in load_examples(folder, replace(RECIPE, seed=seed)) if e.split == "dev"] for seed in (1, 2)
    )
    assert first == other and len(first) == 10


def test_a_share_draws_that_part_of_every_set(tmp_path: Path) -> None:
    folder = data(tmp_path, {"jigsaw_wiki_small": numbered(900, inflammatory="0")})
    whole, part = (load_examples(folder, replace(RECIPE, share=share)) for share in (1.0, 0.1))
    train = [example for example in part if example.split == "train"]
    assert len(train) == 100 and texts(train) < texts(whole)
    assert [e for e in part if e.split == "dev"] != [], "the development rows stay"


def test_sets_on_facts_are_drawn_more_often_where_a_pass_says_so_and_only_those_annotated_for_them(
    tmp_path: Path,
) -> None:
    rows = numbered(3_000, misinfo="1")
    civil, tweets = numbered(20_000, "Forum post {}", misinfo="0"), numbered(9_000, "Tweet {}", inflammatory="1")
    folder = data(tmp_path, {"covid_rumor": rows, "forum_verifiability": civil, "olid": tweets})
    once, twice = (
        Counter(e.source for e in load_examples(folder, replace(RECIPE, share=0.4, facts=facts)) if e.split == "train")
        for facts in (1.0, 2.0)
    )
    assert once["covid_rumor"] == 1_000 and twice["covid_rumor"] == 2_000
    assert once["forum_verifiability"] == twice["forum_verifiability"] == 3_200
    assert once["olid"] == twice["olid"] == 5_200


def test_our_own_posts_come_with_what_their_readers_said_and_not_those_for_testing(
    tmp_path: Path, own_posts: list[CorpusPost]
) -> None:
    own_posts += [
        own("You fool"),
        own("Sure", labels=set(), unsure={Label.THREAT}),
        own("He is back", "dev"),
        own("Hidden", "test"),
        own("Known joke"),
        own("Known joke", "dev"),
    ]
    rows = {
        "olid": [{"text": text, "inflammatory": "0"} for text in ("you FOOL", "hidden!", "Other")],
        "test_jokes": [{"text": "KNOWN joke!", "inflammatory": "0"}],
    }
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


def test_the_summary_counts_what_each_score_saw(tmp_path: Path) -> None:
    rows = [*numbered(5, "Hit {}", inflammatory="1"), *numbered(7, "Miss {}", inflammatory="0")]
    examples = load_examples(data(tmp_path, {"jigsaw_wiki_small": rows}), RECIPE)
    table = {tuple(line.split()[:2]): [int(n) for n in line.split()[2:]] for line in summary(examples).splitlines()[1:]}
    assert table["inflammatory", "train"] == [5, 7, 0]
    assert table["misinformation", "train"] == [0, 0, 12]
    held = [replace(example, split="dev") for example in examples[:4]]
    assert ("inflammatory", "dev") not in table
    assert len(summary([*examples, *held]).splitlines()) == 1 + 2 * len(SCORE_KEYS)


def test_a_missing_set_is_told_by_name(tmp_path: Path) -> None:
    folder = data(tmp_path, {})
    (folder / "cad.csv.gz").unlink()
    with pytest.raises(DataError, match=r"cad\.csv\.gz is missing: point --data at"):
        load_examples(folder, RECIPE)
