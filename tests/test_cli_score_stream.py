"""`score` of long files: read, scored and written a batch at a time."""

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.cli.score import BATCH
from models.classifier import ClassifierInput, Prediction
from tests.support.cli import CommandLine
from tests.support.keyword import KeywordClassifier

WIDTH, COUNT = 4_000, 16 * BATCH


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


class Measuring(KeywordClassifier):
    """Keeps nothing, and notes how much memory was in use each time that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.in_use: list[int] = []

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        self.in_use.append(tracemalloc.get_traced_memory()[0])
        predictions = await super().predict([ClassifierInput(post.text[:10]) for post in inputs])
        self.seen.clear()
        return predictions


def test_of_a_long_file_only_a_few_rows_are_held_at_once(cli: CommandLine) -> None:
    cli("score", cli.write("short.jsonl", [{"text": "fine"}]), "out.jsonl")  # all that is imported late is there now
    cli.classifier = measuring = Measuring()
    with (cli.folder / "in.jsonl").open("w") as file:
        file.writelines(f'{{"text": "fine", "n": {number}, "fill": "{"x" * WIDTH}"}}\n' for number in range(COUNT))
    tracemalloc.start()
    try:
        ended = cli("score", "in.jsonl", "out.jsonl")
    finally:
        tracemalloc.stop()
    assert f"{COUNT} rows scored, 0 could not be read." in ended.err
    batch = BATCH * WIDTH
    assert batch < min(measuring.in_use) <= max(measuring.in_use) < 3 * batch < COUNT * WIDTH / 4
    with (cli.folder / "out.jsonl").open() as file:
        assert [json.loads(line)["n"] for line in file] == list(range(COUNT))


def test_a_byte_that_is_not_utf_8_deep_in_the_file_is_told_by_line_and_leaves_the_old_result(cli: CommandLine) -> None:
    target = cli.write("out.jsonl", "old")
    ended = cli("score", cli.write("in.jsonl", b'{"text": "fine"}\n' * 2 * BATCH + b"\xff"), target)
    assert ended.code == 2 and f"in.jsonl is not UTF-8 text (line {2 * BATCH + 1}, " in ended.err
    assert target.read_text() == "old"
    assert sorted(path.name for path in cli.folder.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_of_many_bad_rows_the_first_are_told_and_all_are_counted(cli: CommandLine) -> None:
    ended = cli("score", cli.write("in.jsonl", '{"text": "fine"}\n' + "bad\n" * 70), "out.jsonl")
    assert ended.code == 1 and "1 rows scored, 70 could not be read." in ended.err
    assert "in.jsonl, line 51: " in ended.err and "line 52: " not in ended.err
    assert "in.jsonl: 20 more could not be read" in ended.err


def test_a_file_of_bad_rows_only_is_refused_with_the_first_of_them(cli: CommandLine) -> None:
    ended = cli("score", cli.write("in.jsonl", "bad\n" * 70), "out.jsonl")
    assert ended.code == 2 and "holds no row" in ended.err
    assert "line 3: " in ended.err and "line 4: " not in ended.err
    assert not (cli.folder / "out.jsonl").exists()


def test_the_left_over_of_another_run_is_not_overwritten_while_it_is_read(cli: CommandLine) -> None:
    left_over = cli.write("out.jsonl.part", [{"text": "fine"}])
    ended = cli("score", left_over, "out.jsonl")
    assert ended.code == 2 and "Give one of them another name" in ended.err
    assert left_over.read_text() == '{"text": "fine"}\n'
