"""`scan`: a thread from a file, decided once, shown as a table."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import CommandLine

THREAD: dict[str, Any] = {
    "title": "Council raises fees",
    "body": "The council voted on Monday.",
    "comments": [
        {"author": "alice", "text": "I disagree with this, and I will say so."},
        {"author": "bob", "text": "Only an idiot votes for that."},
        {"author": "carol", "text": "The cabal decides everything."},
    ],
}
COMMENTS = list(THREAD["comments"])
CSV = 'author,text\nalice,"Fine, by me"\nbob,"You\nidiot"\n'
DECISIONS = "SELECT d.*, p.author_id FROM decisions AS d JOIN posts AS p ON p.id = d.post_id ORDER BY d.id"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def line_of(out: str, author: str) -> str:
    (line,) = [line for line in out.splitlines() if f" {author} " in line]
    return line


def test_a_thread_is_shown_with_author_excerpt_scores_label_and_verdict(cli: CommandLine) -> None:
    ended = cli("scan", cli.write("thread.json", THREAD))
    assert ended.code == 0 and ended.err.strip() == ""
    for column in ("author", "excerpt", "inflammatory", "misinformation", "strongest label", "verdict"):
        assert column in ended.out
    bob, carol, alice = (line_of(ended.out, name) for name in ("bob", "carol", "alice"))
    for part in ("Only an idiot votes", "0.90", "0.10", "insult 0.90", "flag: inflammatory"):
        assert part in bob
    assert "flag: misinformation" in carol and "conspiracy 0.90" in carol
    assert "pass" in alice and "Council raises fees" in line_of(ended.out, "(article)")
    assert "4 posts, 2 flagged. 4 decisions recorded." in ended.out and str(cli.database) in ended.out


def test_the_decisions_stand_in_the_database_with_the_context_they_were_made_in(cli: CommandLine) -> None:
    cli("scan", cli.write("thread.json", THREAD))
    decided = cli.rows(DECISIONS)
    assert [row["author_id"] for row in decided] == ["(article)", "alice", "bob", "carol"]
    assert [row["flagged"] for row in decided] == [0, 0, 1, 1]
    assert [json.loads(row["context"]) for row in decided] == [[], ["title"], ["title"], ["title"]]
    assert {row["model_version"] for row in decided} == {"keyword-1"}
    assert cli.rows("SELECT * FROM reviews") == [], "a file opens no reviews"


def test_the_database_can_be_chosen(cli: CommandLine) -> None:
    chosen = cli.folder / "new" / "other.db"
    assert str(chosen) in cli("scan", cli.write("thread.json", THREAD), "--db", chosen).out
    assert chosen.exists() and not cli.database.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thread.json", THREAD),
        ("posts.jsonl", COMMENTS),
        ("posts.csv", CSV),
        ("posts.jsonl", [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]),
        ("same.jsonl", [{"author": "a", "text": "again"}] * 3),
    ],
    ids=["json", "jsonl", "csv", "ids", "same words"],
)
def test_a_second_run_records_nothing_twice_and_says_so(cli: CommandLine, name: str, content: Any) -> None:
    file = cli.write(name, content)
    assert cli("scan", file).code == 0
    before = cli.rows(DECISIONS)
    again = cli("scan", file)
    assert again.code == 0 and "nothing was recorded twice" in again.out
    assert cli.rows(DECISIONS) == before and len(before) >= 2
    assert len(cli.rows("SELECT * FROM evidence")) == sum(row["flagged"] for row in before)


def test_an_edited_file_records_only_the_new_comment(cli: CommandLine) -> None:
    cli("scan", cli.write("thread.json", THREAD))
    longer = {**THREAD, "comments": [{"author": "dave", "text": "First!"}, *COMMENTS]}
    ended = cli("scan", cli.write("thread.json", longer))
    assert "1 decisions recorded, 4 were decided before" in ended.out
    assert [row["author_id"] for row in cli.rows(DECISIONS)][4:] == ["dave"]


def test_a_row_that_stands_twice_under_one_id_is_counted_once(cli: CommandLine) -> None:
    ended = cli("scan", cli.write("posts.jsonl", [{"id": 7, "text": "the same"}] * 2))
    assert len(cli.rows(DECISIONS)) == 1
    assert "2 decisions recorded" not in ended.out


@pytest.mark.parametrize("content", [THREAD, COMMENTS, CSV], ids=["json", "jsonl", "csv"])
def test_standard_input_is_read_in_any_form(cli: CommandLine, content: Any) -> None:
    ended = cli("scan", "-", stdin=cli.write("piped", content).read_bytes())
    assert ended.code == 0 and "insult" in line_of(ended.out, "bob")


def test_reply_and_title_of_a_row_are_its_context(cli: CommandLine) -> None:
    cli("scan", cli.write("posts.jsonl", [{"text": "Yes.", "title": "A title", "reply_to": "Is it so?"}]))
    assert json.loads(cli.rows(DECISIONS)[0]["context"]) == ["reply_to", "title"]


def test_a_file_with_a_byte_order_mark_is_read(cli: CommandLine) -> None:
    assert cli("scan", cli.write("posts.csv", ("\ufeff" + CSV).encode())).code == 0
    assert cli("scan", cli.write("thread.json", b"\xef\xbb\xbf" + json.dumps(THREAD).encode())).code == 0


def test_of_a_long_file_the_flagged_posts_are_shown(cli: CommandLine) -> None:
    rows = [{"author": f"user{number}", "text": f"Number {number} is fine."} for number in range(250)]
    ended = cli("scan", cli.write("posts.jsonl", [*rows, {"author": "bob", "text": "idiot"}]))
    assert "insult" in line_of(ended.out, "bob") and "user7" not in ended.out
    assert "251 posts, 1 flagged. 251 decisions recorded." in ended.out
