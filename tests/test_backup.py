"""`backup` beside a bot that writes, and `restore`: what is kept, what is refused, who may read it."""

import asyncio
import gc
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import running
from bot.clock import system_clock
from bot.config import Settings
from bot.domain import Place, Post, Source
from bot.errors import StoreError
from bot.store import backup as copying
from bot.store.backup import back_up, restore
from bot.store.check import companions
from tests.support.cli import CommandLine
from tests.support.keyword import KeywordClassifier
from tests.support.world import open_world, rows

DECISIONS = "SELECT p.external_id FROM decisions d JOIN posts p ON p.id = d.post_id ORDER BY d.id"


def post(number: int) -> Post:
    text = "You idiot. " + "x" * 500
    return Post(Source.DISCORD, str(number), "7", "alice", (text,), created_at=0, place=Place(guild_id=1, channel_id=2))


async def write(settings: Settings, *numbers: int) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        await asyncio.gather(*[services.intake.put(post(number)) for number in numbers])
    gc.collect()  # a cursor that a cancelled task held keeps its lock until then; a process that ends leaves none


def decided(database: Path) -> list[int]:
    return [int(row["external_id"]) for row in rows(database, DECISIONS)]


def nothing_else_in(folder: Path) -> bool:
    """Beside the database and its copy, but for SQLite's own files."""
    names = {file.name for file in folder.iterdir() if not file.name.endswith(("-wal", "-shm"))}
    return names == {"threadwatch.db", "copy.db"}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


async def test_a_copy_made_while_the_bot_writes_is_whole_and_a_bot_goes_on_from_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PAGES", 1)
    target = tmp_path / "copy.db"
    async with running(settings, classifier=KeywordClassifier()) as services:
        await asyncio.gather(*[services.intake.put(post(number)) for number in range(1, 51)])
        copy = asyncio.create_task(asyncio.to_thread(back_up, settings.database, target))
        number = 50
        while not copy.done():
            number += 1
            await services.intake.put(post(number))
            await asyncio.sleep(0.001)
        counted = (await copy)["decisions"]
        assert number > 60, "the bot wrote on"
        assert services.health.last_error is None
    assert decided(target) == list(range(1, counted + 1)) and 50 <= counted < number
    assert target.read_bytes()[18:20] == b"\x01\x01", "one file, without a log"
    restored = Settings(database=tmp_path / "restored" / "threadwatch.db")
    assert restore(target, restored.database)[1] is None
    await write(restored, counted + 1)
    assert decided(restored.database) == list(range(1, counted + 2))


async def test_a_restored_bot_keeps_settings_cursors_and_reviews(settings: Settings, tmp_path: Path) -> None:
    tables = "SELECT * FROM cursors", "SELECT * FROM guilds", "SELECT * FROM reviews", "SELECT * FROM evidence"
    async with open_world(settings) as world:
        await world.flagged_card()
        back_up(settings.database, tmp_path / "copy.db")
        before = [await world.rows(sql) for sql in tables]
    assert all(before)
    await write(settings, 99)
    restore(tmp_path / "copy.db", settings.database)
    async with running(settings, classifier=KeywordClassifier()) as services:
        assert [rows(settings.database, sql) for sql in tables] == before
        assert await services.store.decisions.cursors() == {row["channel_id"]: row["position"] for row in before[0]}


@pytest.mark.usefixtures("open_umask")
async def test_everything_is_closed_to_others_whatever_the_umask(settings: Settings, tmp_path: Path) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        await services.intake.put(post(1))
        back_up(settings.database, tmp_path / "copy.db")
        live = [settings.database, *companions(settings.database)]
        assert [file.stat().st_mode & 0o777 for file in live] == [0o600] * 3
    restore(tmp_path / "copy.db", settings.database)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    await write(settings, 2)
    assert settings.database.stat().st_mode & 0o777 == 0o600


async def test_the_old_database_is_kept_with_what_only_its_log_holds(settings: Settings, tmp_path: Path) -> None:
    await write(settings, 1)
    back_up(settings.database, tmp_path / "copy.db")
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    async with running(settings, classifier=KeywordClassifier()) as services:
        await services.intake.put(post(2))
        for file in (settings.database, companions(settings.database)[0]):
            (crashed / file.name).write_bytes(file.read_bytes())
    database = crashed / settings.database.name
    kept = restore(tmp_path / "copy.db", database)[1]
    assert kept is not None and kept.name.startswith("threadwatch.db.before-restore-")
    assert decided(database) == [1] and decided(kept) == [1, 2]


async def test_a_log_without_its_database_does_not_spoil_the_restored_one(settings: Settings, tmp_path: Path) -> None:
    await write(settings, 1)
    back_up(settings.database, tmp_path / "copy.db")
    async with running(settings, classifier=KeywordClassifier()) as services:
        await services.intake.put(post(2))
        log = companions(settings.database)[0].read_bytes()
    settings.database.unlink()
    for file in companions(settings.database):
        file.write_bytes(log)
    restore(tmp_path / "copy.db", settings.database)
    assert decided(settings.database) == [1]


async def test_a_database_in_use_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        await services.intake.put(post(1))
        back_up(settings.database, tmp_path / "copy.db")
        with pytest.raises(StoreError, match="is in use"):
            restore(tmp_path / "copy.db", settings.database)
        await services.intake.put(post(2))
    assert decided(settings.database) == [1, 2]
    assert nothing_else_in(tmp_path)


def spoil(path: Path, how: str) -> None:
    if how == "no database":
        path.write_text("Dear diary,\n" * 1000)
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        match how:
            case "newer":
                connection.execute("PRAGMA user_version = 999")
            case "another program's":
                connection.executescript("PRAGMA foreign_keys = OFF; DROP TABLE decisions")
            case "dangling":
                connection.executescript("PRAGMA foreign_keys = OFF; DELETE FROM posts")
            case _:
                (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'posts'").fetchone()
    if how == "damaged":
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("no database", "not an SQLite database"),
        ("newer", "newer Threadwatch"),
        ("another program's", "not a database of Threadwatch"),
        ("dangling", "refer to no row of posts"),
        ("damaged", "damaged"),
    ],
)
async def test_a_backup_that_is_no_good_changes_nothing(
    settings: Settings, tmp_path: Path, how: str, told: str
) -> None:
    await write(settings, 1)
    back_up(settings.database, tmp_path / "copy.db")
    spoil(tmp_path / "copy.db", how)
    before = settings.database.read_bytes()
    with pytest.raises(StoreError, match=told) as raised:
        restore(tmp_path / "copy.db", settings.database)
    assert "copy.db" in str(raised.value)
    assert settings.database.read_bytes() == before
    assert nothing_else_in(tmp_path)


async def test_a_damaged_database_is_not_passed_off_as_a_backup(settings: Settings, tmp_path: Path) -> None:
    await write(settings, 1)
    back_up(settings.database, tmp_path / "copy.db")
    good = (tmp_path / "copy.db").read_bytes()
    spoil(settings.database, "damaged")
    with pytest.raises(StoreError, match="damaged"):
        back_up(settings.database, tmp_path / "copy.db", force=True)
    assert (tmp_path / "copy.db").read_bytes() == good
    restore(tmp_path / "copy.db", settings.database)
    assert decided(settings.database) == [1], "a damaged database can be replaced"


async def test_the_command_line_copies_counts_and_does_not_overwrite(settings: Settings, cli: CommandLine) -> None:
    await write(settings, 1, 2)
    made = cli("backup", "copy.db")
    assert made.code == 0 and "2  decisions" in made.out
    again = cli("backup", "copy.db")
    assert again.code == 2 and "--force" in again.err
    assert cli("backup", "copy.db", "--force").code == 0
    itself = cli("backup", settings.database, "--force")
    assert itself.code == 2 and "database itself" in itself.err
    back = cli("restore", "copy.db")
    assert back.code == 0 and "2  decisions" in back.out and "before-restore" in back.out
    for wrong in (("restore", "none.db"), ("restore", settings.database), ("backup", "no-folder/copy.db")):
        refused = cli(*wrong)
        assert refused.code == 2 and refused.err.startswith("error: "), wrong


def test_there_is_nothing_to_copy_before_the_first_start(cli: CommandLine) -> None:
    ended = cli("backup", "copy.db")
    assert ended.code == 2 and "no database" in ended.err and list(cli.folder.iterdir()) == []


@pytest.mark.parametrize(("age", "code"), [(1_000, 2), (600_000, 0)], ids=["fresh", "old"])
async def test_a_fresh_heartbeat_tells_that_a_bot_runs(
    settings: Settings, cli: CommandLine, monkeypatch: pytest.MonkeyPatch, age: int, code: int
) -> None:
    await write(settings, 1)
    assert cli("backup", "copy.db").code == 0
    beat = cli.write(
        "beat.json",
        {"time": system_clock() - age, "pid": 77, "version": "0", "connected": True, "worker": True}
        | {"queue": 0, "last_decision": None, "last_error": None},
    )
    monkeypatch.setenv("THREADWATCH_HEARTBEAT", str(beat))
    ended = cli("restore", "copy.db")
    assert ended.code == code and ("process 77" in ended.err) == (code == 2)
    beat.write_text("?")
    assert cli("restore", "copy.db").code == 2, "nobody knows"
