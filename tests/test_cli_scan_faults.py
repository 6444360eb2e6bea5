"""`scan` with bad rows, useless files, strange posts and databases in the way."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.store import database
from tests.support.cli import CommandLine

COMMENTS = [{"author": "alice", "text": "I disagree."}, {"author": "bob", "text": "Only an idiot votes for that."}]
THREAD: dict[str, Any] = {"title": "Council raises fees", "body": "It voted on Monday.", "comments": COMMENTS}
DECISIONS = "SELECT * FROM decisions"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def test_bad_rows_of_jsonl_are_told_by_line_and_do_not_stop_the_rest(cli: CommandLine) -> None:
    lines = ['{"text": "one"}', "not json", "", '{"no": "text"}', "[1]", '{"text": 5}', '{"text": "x", "author": []}']
    ended = cli("scan", cli.write("posts.jsonl", "\n".join([*lines, '{"text": "two"}'])))
    assert ended.code == 1 and len(cli.rows(DECISIONS)) == 2
    for number in (2, 4, 5, 6, 7):
        assert f"posts.jsonl, line {number}: " in ended.err
    assert "line 1:" not in ended.err and "line 3:" not in ended.err and "line 8:" not in ended.err


def test_bad_rows_of_csv_and_bad_comments_are_told_and_do_not_stop_the_rest(cli: CommandLine) -> None:
    ended = cli("scan", cli.write("posts.csv", "author,text\nalice,one\nbob\ncarol,two\n"))
    assert ended.code == 1 and "posts.csv, line 3: " in ended.err and len(cli.rows(DECISIONS)) == 2
    thread = {**THREAD, "comments": [*COMMENTS, "just text", {"author": "x"}, {"text": None}]}
    ended = cli("scan", cli.write("thread.json", thread))
    assert ended.code == 1 and "3 posts" in ended.out
    for number in (3, 4, 5):
        assert f"thread.json, comment {number} was skipped" in ended.err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.json", "", "not valid JSON"),
        ("x.jsonl", "", "holds no post"),
        ("x.csv", "", "no `text` column"),
        ("x.csv", "author,comment\na,b\n", "no `text` column"),
        ("x.csv", "text\n", "holds no post"),
        ("x.jsonl", "nonsense\nmore\n", "line 1: not JSON"),
        ("x.json", "[1, 2]", "not a thread"),
        ("x.json", '"words"', "not a thread"),
        ("x.json", '{"title": "only"}', "not a thread"),
        ("x.json", {"title": 5, "comments": []}, "must be text"),
        ("x.json", {"body": "x", "comments": {"a": 1}}, "a list"),
        ("x.json", {"comments": []}, "holds no post"),
        ("x.json", "[" * 100_000, "x.json"),
        ("x.txt", "word " * 40_000, "CSV"),
        ("x.jsonl", "Grüße".encode("utf-16"), "not UTF-8 text"),
        ("x.csv", b"text\n\xff\xfe", "not UTF-8 text"),
    ],
)
def test_a_file_of_no_use_is_refused_with_what_was_expected(
    cli: CommandLine, name: str, content: Any, told: str
) -> None:
    ended = cli("scan", cli.write(name, content))
    assert ended.code == 2 and told in ended.err and ended.out == ""
    assert not cli.database.exists(), "nothing was opened for it"


def test_a_missing_file_and_a_folder_are_refused_by_name(cli: CommandLine) -> None:
    for path in ("nowhere.json", "."):
        ended = cli("scan", path)
        assert ended.code == 2 and f"{path} cannot be read" in ended.err


WEIRD = {
    "empty": "",
    "spaces": " \n\t ",
    "emoji": "😀😀",
    "invisible": "\u200b\u200d",
    "nul": "a\x00idiot",
    "right-to-left": "\u202eidiot\u202c שלום",
    "markup": "**[x](|| ```idiot",
    "long": "All work and no play. " * 200,
    "rich markup": "[red]idiot[/] [/nothing] [bold",
    "half a pair": "idiot \ud83d",
    "odd space": "idiot, plan B\u00a0. Yes.",
    "escape": "idiot \x1b[2J\x1b]0;title\x07",
}


@pytest.mark.parametrize("text", WEIRD.values(), ids=WEIRD)
def test_any_text_gets_a_decision(cli: CommandLine, text: str) -> None:
    ended = cli("scan", cli.write("posts.jsonl", [{"author": "bob", "text": text}]))
    assert ended.code == 0 and "1 decisions recorded" in ended.out
    assert "idiot" not in text or "flag: inflammatory" in ended.out
    assert text.strip() or "nothing to read" in ended.out


@pytest.mark.parametrize("field", ["text", "author"])
def test_a_post_cannot_command_the_terminal(cli: CommandLine, field: str) -> None:
    row = {"author": "bob", "text": "idiot"} | {field: "idiot \x1b[2J\x9b2J\x07 \u202eevil"}
    ended = cli("scan", cli.write("posts.jsonl", [row]))
    assert "idiot" in ended.out
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(ended.out + ended.err)


@pytest.mark.parametrize("author", ["", "[/red]", "a" * 500, "half \ud83d", "a\x00b", 12345])
def test_any_author_gets_a_decision(cli: CommandLine, author: Any) -> None:
    ended = cli("scan", cli.write("posts.jsonl", [{"author": author, "text": "fine"}]))
    assert ended.code == 0 and len(cli.rows(DECISIONS)) == 1


def test_the_database_in_the_way_is_told_in_one_line_and_nothing_is_lost(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    file = cli.write("thread.json", THREAD)
    cli("scan", file)
    other = sqlite3.connect(cli.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    longer = cli.write("thread.json", {**THREAD, "comments": [*COMMENTS, {"author": "dave", "text": "idiot"}]})
    locked = cli("scan", longer)
    assert locked.code == 2 and "is locked by another program" in locked.err and "Traceback" not in locked.err
    other.execute("ROLLBACK")
    other.close()
    assert "1 decisions recorded, 3 were decided before" in cli("scan", longer).out


@pytest.mark.parametrize(
    ("database", "told"),
    [
        ("folder", "cannot be opened"),
        ("thread.json/x.db", "cannot be opened"),
        ("thread.json", "is not an SQLite database"),
        ("[/red]/thread.json", "[/red]/thread.json"),
        ("newer.db", "newer Threadwatch"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_with_advice(cli: CommandLine, database: str, told: str) -> None:
    file = cli.write("thread.json", THREAD)
    (cli.folder / "folder").mkdir()
    (cli.folder / "[").touch()
    newer = sqlite3.connect(cli.folder / "newer.db")
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    ended = cli("scan", file, "--db", database)
    assert ended.code == 2 and told in ended.err and ended.err.startswith("error: ")
    assert "Traceback" not in ended.err


def test_brackets_in_names_are_just_characters(cli: CommandLine) -> None:
    (cli.folder / "[").mkdir()
    chosen = cli.folder / "[red]x[" / "[/].db"
    ended = cli("scan", cli.write("[/red] bad.jsonl", '{"text": "fine"}\nbad\n'), "--db", chosen)
    assert ended.code == 1 and "[/red] bad.jsonl, line 2" in ended.err
    assert str(chosen) in ended.out and chosen.exists()


def test_a_classifier_that_fails_is_told_without_the_post_and_leaves_nothing_half(cli: CommandLine) -> None:
    cli.classifier.breaks_on = "trip"
    ended = cli("scan", cli.write("posts.jsonl", [{"text": "fine"}, {"text": "this will trip it"}]))
    assert ended.code == 2 and "the classifier failed" in ended.err
    assert "trip it" not in ended.err and cli.rows(DECISIONS) == []
