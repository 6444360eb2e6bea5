"""Our own corpus: how it is read, and that the shipped files hold what its card says."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from models.labels import Axis, Label
from models.train.corpus import FOLDER, LABELS, CorpusPost, corpus

FILES = sorted(FOLDER.glob("*.jsonl"))
ROW: dict[str, object] = {
    "id": "town-1",
    "scenario": "town",
    "split": "train",
    "phenomenon": "insult",
    "pair": 1,
    "title": "Budget passed",
    "text": "You are a fool.",
    "labels": ["insult"],
}


def written(folder: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "town.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def post(folder: Path, **changes: object) -> CorpusPost:
    (found,) = corpus(written(folder, {**ROW, **changes}))
    return found


def test_a_row_becomes_a_post_in_its_context(tmp_path: Path) -> None:
    found = post(tmp_path, reply_to="Well done!", needs_title=True)
    assert (found.input.text, found.input.title, found.input.reply_to) == (
        "You are a fool.",
        "Budget passed",
        "Well done!",
    )
    assert (found.pair, found.needs_title, found.labels) == ("town/1", True, {Label.INSULT})
    plain = post(tmp_path)
    assert (plain.input.reply_to, plain.needs_title, plain.unsure) == (None, False, frozenset())


def test_every_label_the_readers_agreed_on_is_a_target(tmp_path: Path) -> None:
    targets = post(tmp_path).targets
    assert set(targets) == {*LABELS, *Axis} and Label.CHECKWORTHY not in targets
    assert {key for key, value in targets.items() if value == 1.0} == {Label.INSULT, Axis.INFLAMMATORY}
    assert set(targets.values()) == {0.0, 1.0}
    assert list(targets) == [*LABELS, *Axis], "the same order in every process: checkpoints are named by it"


def test_a_label_that_only_one_reader_gave_is_masked_but_its_axis_counts(tmp_path: Path) -> None:
    targets = post(tmp_path, labels=[], unsure=["conspiracy"]).targets
    assert Label.CONSPIRACY not in targets
    assert targets[Axis.MISINFORMATION] == 1.0 and targets[Axis.INFLAMMATORY] == 0.0


def test_a_post_without_labels_is_a_zero_of_both_axes(tmp_path: Path) -> None:
    targets = post(tmp_path, labels=[]).targets
    assert targets == dict.fromkeys((*LABELS, *Axis), 0.0)


@pytest.mark.parametrize(
    "row",
    [
        "{not json",
        {key: value for key, value in ROW.items() if key != "text"},
        {**ROW, "labels": ["rude"]},
        {**ROW, "labels": "insult"},
        "",
        "[]",
    ],
    ids=["no json", "no text", "unknown label", "labels not a list", "empty line", "no object"],
)
def test_a_malformed_line_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(ValueError, match=r"^town\.jsonl:2: "):
        list(corpus(written(tmp_path, ROW, row, ROW)))


def test_a_line_separator_inside_a_post_does_not_end_its_line(tmp_path: Path) -> None:
    row = json.dumps({**ROW, "text": "one\u2028two\x85three"}, ensure_ascii=False)
    (found,) = corpus(written(tmp_path, row))
    assert found.input.text == "one\u2028two\x85three"


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**ROW, "id": name}), encoding="utf-8")
    assert [found.id for found in corpus(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_row_can_be_read_and_says_something(path: Path, tmp_path: Path) -> None:
    (tmp_path / path.name).write_bytes(path.read_bytes())
    posts = list(corpus(tmp_path))
    assert posts
    for found in posts:
        assert found.input.text.strip() and (found.input.title or "").strip(), found.id
        assert found.split in ("train", "dev", "test"), found.id
        assert found.phenomenon and not found.labels & found.unsure, found.id
        assert found.labels | found.unsure <= set(LABELS), found.id


def test_there_are_at_least_two_thousand_posts() -> None:
    assert len(list(corpus())) >= 2_000


def test_ids_are_unique() -> None:
    assert {name: n for name, n in Counter(found.id for found in corpus()).items() if n > 1} == {}


def test_no_post_is_there_twice_in_the_same_context() -> None:
    assert [found for found, n in Counter(found.input for found in corpus()).items() if n > 1] == []


def test_a_scenario_stands_in_one_split_only() -> None:
    splits: dict[str, set[str]] = defaultdict(set)
    for found in corpus():
        splits[found.scenario].add(found.split)
    assert {scenario: where for scenario, where in splits.items() if len(where) > 1} == {}


def test_about_a_fifth_of_the_posts_is_for_testing() -> None:
    splits = Counter(found.split for found in corpus())
    assert set(splits) == {"train", "dev", "test"}
    assert 0.18 <= splits["test"] / splits.total() <= 0.25


@pytest.mark.parametrize("label", sorted(LABELS))
def test_each_label_has_enough_posts_to_learn_from(label: Label) -> None:
    assert sum(found.split == "train" and label in found.labels for found in corpus()) >= 30
