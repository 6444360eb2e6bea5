"""`scan` of long files: read, decided and recorded a batch at a time, and told how far it came."""

import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.cli.scan import BATCH, ROWS
from bot.domain import Post
from models.classifier import ClassifierInput, Prediction
from tests.support.cli import CommandLine
from tests.support.keyword import KeywordClassifier

DECISIONS = "SELECT * FROM decisions"
IDS = "SELECT external_id FROM posts ORDER BY id"
GOOD = [{"text": f"Number {number} is fine."} for number in range(3 * BATCH)]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def jsonl(rows: Sequence[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Counting(KeywordClassifier):
    """Keeps nothing, and counts how many posts are alive and how many bytes of standard input are read by then."""

    def __init__(self) -> None:
        super().__init__()
        self.decided = 0
        self.most_alive = 0
        self.most_read_ahead = 0

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        self.most_read_ahead = max(self.most_read_ahead, sys.stdin.buffer.tell() - self.decided)
        self.decided += len(inputs) * len(Counting.row(0))
        if self.decided // len(Counting.row(0)) % (20 * BATCH) == 0:
            self.most_alive = max(self.most_alive, sum(isinstance(thing, Post) for thing in gc.get_objects()))
        predictions = await super().predict(inputs)
        self.seen.clear()
        return predictions

    @staticmethod
    def row(number: int) -> bytes:
        said = "is an idiot" if number % 3 == 0 else "is friendly"
        return jsonl([{"text": f"Number {number:6} {said}."}])


def test_of_a_long_file_only_a_few_posts_are_held_at_once(cli: CommandLine) -> None:
    cli.classifier = counting = Counting()
    ended = cli("scan", "-", stdin=b"".join(map(Counting.row, range(20_000))))
    assert "20000 posts, 6667 flagged. 20000 decisions recorded." in ended.out
    assert BATCH <= counting.most_alive <= 2 * ROWS + 3 * BATCH
    assert counting.most_read_ahead <= (BATCH + 1) * len(Counting.row(0))


def test_of_a_long_file_with_many_flags_the_first_are_shown(cli: CommandLine) -> None:
    rows = [{"author": f"user{number}", "text": "idiot"} for number in range(ROWS + 50)]
    ended = cli("scan", cli.write("posts.jsonl", rows))
    assert f" user{ROWS - 1} " in ended.out and f" user{ROWS} " not in ended.out
    assert f"The first {ROWS} of {ROWS + 50} flagged posts of {ROWS + 50}" in ended.out


def test_ids_are_the_same_in_every_version_because_databases_hold_them(cli: CommandLine) -> None:
    again = {"author": "alice", "text": "again"}
    odd = {"title": "T", "author": "é", "reply_to": "r", "text": "half \ud83d"}
    cli("scan", cli.write("posts.jsonl", [again, again, {"id": 7, "text": "x"}, odd]))
    cli("scan", cli.write("t.json", {"title": "T", "body": "B", "comments": [{"author": "a", "text": "c"}]}))
    assert [row["external_id"] for row in cli.rows(IDS)] == [
        "cda579f6961e2de449a851a0e0604a36#1",
        "cda579f6961e2de449a851a0e0604a36#2",
        "posts.jsonl#7",
        "7e71de19d491baeddb5e9f4e281cde91#1",
        "352563c5db222079b8a86016b45022fe#1",
        "6c9b8b8016318e2da6bcae83340c7f5f#1",
    ]


def test_a_byte_that_is_not_utf_8_is_told_by_line_and_what_came_before_is_recorded(cli: CommandLine) -> None:
    lines = [json.dumps(row).encode() for row in GOOD]
    whole = b"\n".join([*lines, b'{"text": "caf\xe9"}'])
    ended = cli("scan", cli.write("posts.jsonl", whole))
    place = f"line {len(GOOD) + 1}, byte {whole.index(0xE9)}"
    assert ended.code == 2 and f"posts.jsonl is not UTF-8 text ({place})" in ended.err
    assert f"Stopped after {len(GOOD)} posts. Those are recorded" in ended.err
    assert len(cli.rows(DECISIONS)) == len(GOOD)
    mended = cli("scan", cli.write("posts.jsonl", b"\n".join([*lines, '{"text": "café"}'.encode()])))
    assert f"1 decisions recorded, {len(GOOD)} were decided before" in mended.out


def test_a_classifier_that_fails_in_the_middle_is_told_with_how_far_it_came(cli: CommandLine) -> None:
    cli.classifier.breaks_on = "trip"
    ended = cli("scan", cli.write("posts.jsonl", [*GOOD[:BATCH], {"text": "this will trip it"}]))
    assert ended.code == 2 and "the classifier failed" in ended.err
    assert f"Stopped after {BATCH} posts. Those are recorded" in ended.err
    assert len(cli.rows(DECISIONS)) == BATCH


def test_of_many_bad_rows_the_first_are_told_and_all_are_counted(cli: CommandLine) -> None:
    ended = cli("scan", cli.write("posts.jsonl", "bad\n" * 70 + '{"text": "fine"}'))
    assert ended.code == 1 and len(cli.rows(DECISIONS)) == 1
    assert "posts.jsonl, line 50: " in ended.err and "line 51: " not in ended.err
    assert "posts.jsonl: 20 more could not be read" in ended.err


THREAD = {"title": "Fees", "comments": [{"author": "bob", "text": "idiot"}, {"author": "eve", "text": "fine"}]}
ROW, OTHER = '{"author": "bob", "text": "idiot"}', '{"author": "eve", "text": "fine"}'


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        (json.dumps(THREAD), 0),
        (json.dumps(THREAD, indent=2), 0),
        ("\n \n" + json.dumps(THREAD, indent=2) + "\n\n", 0),
        (f"{ROW}\n{OTHER}", 0),
        (f"\r\n\n{ROW}\r\n{OTHER}\r\n", 0),
        (f'{{"text": "cut\n{ROW}\n{OTHER}', 1),
        ("author,text\nbob,idiot\neve,fine", 0),
        ("author,text\r\nbob,idiot\r\neve,fine\r\n", 0),
        ("author,text\rbob,idiot\reve,fine\r", 0),
        ('author,text\nbob,"idiot\n\n!"\neve,fine', 0),
        ('"text","author"\nidiot,bob\nfine,eve', 0),
    ],
    ids=[
        "json",
        "indented",
        "blank first",
        "jsonl",
        "crlf",
        "first cut",
        *("csv", "crlf csv", "mac", "long", "quoted"),
    ],
)
@pytest.mark.parametrize("name", ["-", "posts", "posts.txt"])
def test_what_a_file_is_shows_where_its_name_does_not_tell(
    cli: CommandLine, content: str, faults: int, name: str
) -> None:
    cli.write("posts" if name == "-" else name, content)
    ended = cli("scan", name, stdin=content.encode())
    assert ended.code == min(faults, 1) and ended.err.count("not JSON") == faults
    rows = cli.rows("SELECT p.author_id, d.flagged FROM decisions AS d JOIN posts AS p ON p.id = d.post_id")
    decided = [(row["author_id"], row["flagged"]) for row in rows if row["author_id"] != "(article)"]
    assert decided == [("bob", 1), ("eve", 0)]


def test_lines_are_counted_from_the_first_even_if_that_is_blank(cli: CommandLine) -> None:
    ended = cli("scan", "-", stdin=b'\n\n{"text": "fine"}\nbad\n')
    assert ended.code == 1 and "line 4: not JSON" in ended.err


def test_lines_that_are_a_thread_each_are_refused_rather_than_read_in_part(cli: CommandLine) -> None:
    ended = cli("scan", cli.write("threads.jsonl", [THREAD, THREAD]))
    assert ended.code == 2 and "holds no post" in ended.err
