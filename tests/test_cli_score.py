"""`score`: the model's scores for every row of a JSONL file."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from models.classifier import ClassifierInput, ModelError, Prediction
from models.labels import Axis
from tests.support.cli import CommandLine
from tests.support.keyword import KeywordClassifier

KEYS = [
    *("inflammatory", "misinformation", "insult", "identity_attack", "threat"),
    *("conspiracy", "unsupported_claim", "propaganda", "checkworthy"),
]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def scored(cli: CommandLine, content: Any, code: int = 0) -> list[dict[str, Any]]:
    target = cli.folder / "out.jsonl"
    ended = cli("score", cli.write("in.jsonl", content), target)
    assert ended.code == code, ended.err
    assert ended.out == ""
    return [json.loads(line) for line in target.read_bytes().decode().split("\n") if line]


def test_every_row_gets_scores_and_thresholds_under_the_same_keys(cli: CommandLine) -> None:
    calm, angry = scored(cli, [{"text": "Fine."}, {"text": "You idiot."}])
    assert list(calm["scores"]) == list(calm["thresholds"]) == list(angry["scores"]) == KEYS
    assert angry["scores"]["inflammatory"] == angry["scores"]["insult"] == 0.9
    assert calm["scores"]["inflammatory"] == angry["scores"]["misinformation"] == 0.1
    assert calm["thresholds"]["inflammatory"] == 0.5 and calm["thresholds"]["insult"] == 0.8


def test_order_and_all_other_keys_are_kept_over_many_batches(cli: CommandLine) -> None:
    rows = [{"n": n, "text": "idiot" * (n % 2), "deep": {"é": [None, 1.5, "ü"]}, "label": True} for n in range(600)]
    result = scored(cli, rows)
    assert [{key: row[key] for key in ("n", "text", "deep", "label")} for row in result] == rows
    assert [row["scores"]["insult"] > 0.5 for row in result] == [n % 2 == 1 for n in range(600)]


def test_title_and_replied_to_post_reach_the_model(cli: CommandLine) -> None:
    scored(cli, [{"text": "Yes.", "title": "T", "reply_to": "R?"}, {"text": "No.", "title": "", "reply_to": None}])
    assert isinstance(cli.classifier, KeywordClassifier)
    assert cli.classifier.seen == [ClassifierInput("Yes.", "T", "R?"), ClassifierInput("No.")]


def test_a_post_with_nothing_to_read_scores_zero(cli: CommandLine) -> None:
    for row in scored(cli, [{"text": ""}, {"text": "\u200b \n"}]):
        assert row["scores"] == dict.fromkeys(KEYS, 0)


def test_bad_rows_are_told_by_line_and_do_not_stop_the_rest(cli: CommandLine) -> None:
    lines = ['{"text": "one", "n": 1}', "", "{bad", '{"text": null}', '"text"', '{"text": "two", "title": 1.5}']
    target = cli.folder / "out.jsonl"
    ended = cli("score", cli.write("in.jsonl", "\r\n".join([*lines, '{"text": "three", "n": 3}'])), target)
    assert ended.code == 1
    for number in (3, 4, 5, 6):
        assert f"in.jsonl, line {number}: " in ended.err
    assert "2 rows scored, 4 could not be read." in ended.err
    assert [json.loads(line)["n"] for line in target.read_text().splitlines()] == [1, 3]


@pytest.mark.parametrize("text", ["a\u2028b\u0085c", "nul \x00", "half \ud83d", "😀" * 500, "[/red]"])
def test_any_text_comes_out_as_it_went_in(cli: CommandLine, text: str) -> None:
    (row, after) = scored(cli, [{"text": text, "other": text}, {"text": "after"}])
    assert row["text"] == row["other"] == text and after["text"] == "after"


def test_a_file_can_be_scored_in_place_and_again(cli: CommandLine) -> None:
    file = cli.write("in.jsonl", [{"text": "idiot", "scores": "old"}])
    for _ in range(2):
        assert cli("score", file, file).code == 0
        (row,) = [json.loads(line) for line in file.read_text().splitlines()]
        assert row["scores"]["insult"] == 0.9


def test_nothing_is_recorded(cli: CommandLine) -> None:
    scored(cli, [{"text": "idiot"}])
    assert not cli.database.exists()


def test_explain_prints_and_adds_what_the_clearest_score_rests_on(cli: CommandLine) -> None:
    text = "It rains. You 🤡 are an **idi\u200bot**, an idiot."
    target = cli.folder / "out.jsonl"
    ended = cli("score", "--explain", cli.write("in.jsonl", [{"text": text}, {"text": "\u200b"}]), target)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "inflammatory 0.90 (threshold 0.50)",
        "  0.10  It rains.",
        "> 0.90  You 🤡 are an **idi\ufffdot**, an idiot.",
        "        0.10 without “idi\ufffdot idiot”",
        "",
        "nothing to read",
        "",
    ]
    told, nothing = [json.loads(line)["explanation"] for line in target.read_text().splitlines()]
    assert nothing is None
    assert told["key"] == "inflammatory" and told["decisive"] == {"start": 10, "end": len(text), "text": text[10:]}
    assert [(sentence["text"], sentence["score"]) for sentence in told["sentences"]] == [
        ("It rains.", 0.1),
        (text[10:], 0.9),
    ]
    (word,) = told["words"]
    assert word["score_without"] == 0.1
    assert [place["text"] for place in word["places"]] == ["idi\u200bot", "idiot"]
    assert all(text[place["start"] : place["end"]] == place["text"] for place in word["places"])
    assert told["rows"] < 15


def test_explain_takes_the_highest_axis_of_a_post_that_is_not_flagged(cli: CommandLine) -> None:
    ended = cli("score", cli.write("in.jsonl", [{"text": "It rains. " * 2}]), "out.jsonl", "--explain")
    first, *rest = ended.out.splitlines()
    assert first == "inflammatory 0.10 (threshold 0.50)"
    assert [line for line in rest if "without" in line] == []


class NoAxis(KeywordClassifier):
    """Only a label of this one ever flags."""

    def _predict(self, post: ClassifierInput) -> Prediction:
        prediction = super()._predict(post)
        return replace(prediction, scores={**prediction.scores, **dict.fromkeys(Axis, 0.1)})


def test_explain_takes_the_flag_that_stands_furthest_over_its_threshold(cli: CommandLine) -> None:
    cli.classifier = NoAxis()
    ended = cli("score", cli.write("in.jsonl", [{"text": "I kill you."}]), "out.jsonl", "--explain")
    assert ended.out.splitlines()[0] == "threat 0.90 (threshold 0.80)"
    assert "0.10 without “kill”" in ended.out


class OneAxis(KeywordClassifier):
    """Like a model of one's own that has no label for the first axis."""

    def _predict(self, post: ClassifierInput) -> Prediction:
        prediction = super()._predict(post)
        return replace(prediction, scores={Axis.MISINFORMATION: prediction.scores[Axis.MISINFORMATION]})


def test_explain_needs_no_score_on_every_axis(cli: CommandLine) -> None:
    cli.classifier = OneAxis()
    ended = cli("score", cli.write("in.jsonl", [{"text": "It rains."}]), "out.jsonl", "--explain")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == "misinformation 0.10 (threshold 0.50)"


def test_a_repeated_word_is_named_once(cli: CommandLine) -> None:
    ended = cli("score", cli.write("in.jsonl", [{"text": "Idiot, idiot!"}]), "out.jsonl", "--explain")
    assert "0.10 without “Idiot” (2 times)" in ended.out


def test_an_explanation_that_breaks_says_so_and_leaves_the_old_result(cli: CommandLine) -> None:
    cli.classifier = BreaksLate()
    target = cli.write("out.jsonl", "old")
    ended = cli("score", "--explain", cli.write("in.jsonl", [{"text": "idiot"}]), target)
    assert ended.code == 2 and "the classifier failed" in ended.err and "Traceback" not in ended.err
    assert target.read_text() == "old"


def test_an_empty_file_gives_an_empty_file(cli: CommandLine) -> None:
    assert scored(cli, "\n") == []


@pytest.mark.parametrize(
    ("source", "told"),
    [("nowhere.jsonl", "nowhere.jsonl cannot be read"), (".", "cannot be read"), ("utf16.jsonl", "not UTF-8 text")],
)
def test_a_file_that_cannot_be_read_is_refused_and_the_old_result_stays(
    cli: CommandLine, source: str, told: str
) -> None:
    cli.write("utf16.jsonl", '{"text": "x"}'.encode("utf-16"))
    target = cli.write("out.jsonl", "old")
    ended = cli("score", source, target)
    assert ended.code == 2 and told in ended.err
    assert target.read_text() == "old"


@pytest.mark.parametrize("target", ["no/such/folder/out.jsonl", "folder", "in.jsonl/out"])
def test_a_result_that_cannot_be_written_is_told_by_name_and_leaves_nothing_behind(
    cli: CommandLine, target: str
) -> None:
    (cli.folder / "folder").mkdir()
    ended = cli("score", cli.write("in.jsonl", [{"text": "x"}]), target)
    assert ended.code == 2 and f"{target} cannot be written" in ended.err
    assert sorted(path.name for path in cli.folder.iterdir()) == ["folder", "in.jsonl"]


class BreaksLate(KeywordClassifier):
    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        if self.seen:
            raise RuntimeError("out of memory")
        return await super().predict(inputs)


def test_a_run_that_breaks_in_the_middle_says_so_and_leaves_the_old_result(cli: CommandLine) -> None:
    cli.classifier = BreaksLate()
    target = cli.write("out.jsonl", "old")
    ended = cli("score", cli.write("in.jsonl", [{"text": "x"}] * 600), target)
    assert ended.code == 2 and "the classifier failed" in ended.err and "Traceback" not in ended.err
    assert target.read_text() == "old"
    assert sorted(path.name for path in cli.folder.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_missing_weights_are_told_before_anything_is_written(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load(_: Settings) -> KeywordClassifier:
        raise ModelError("There is no model at [/red]")

    monkeypatch.setattr("bot.cli.score.load_classifier", load)
    ended = cli("score", cli.write("in.jsonl", [{"text": "x"}]), "out.jsonl")
    assert ended.code == 2 and "There is no model at [/red]" in ended.err
    assert not (cli.folder / "out.jsonl").exists()
