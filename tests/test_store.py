"""The database: created and migrated, whole transactions only, clear errors when it cannot be used."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain import ServerSettings
from bot.errors import StoreBusy, StoreError
from bot.store import Store, database
from bot.store.database import MIGRATIONS, Database, open_database
from tests.support.world import rows

GUILD = 1
TABLES = {
    *("guilds", "watched_channels", "thresholds", "threshold_changes", "posts", "decisions", "evidence"),
    *("reviews", "review_events", "cursors", "unchecked", "heat_alerts"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def opened(path: Path) -> AsyncIterator[Database]:
    async with open_database(path) as opened:
        yield opened


async def open_and_close(path: Path, mode: str = "rwc") -> None:
    async with Store.open(path, mode=mode):
        pass


async def write_something(path: Path, mode: str = "rwc") -> None:
    async with Store.open(path, mode=mode) as store:
        await store.servers.save(ServerSettings(GUILD))


async def test_an_empty_database_is_migrated_to_the_latest_schema(path: Path) -> None:
    await open_and_close(path / ".." / "new" / "folder" / "x.db")
    file = path.parent / "new" / "folder" / "x.db"
    assert rows(file, "PRAGMA user_version") == [{"user_version": len(list(MIGRATIONS.glob("*.sql")))}]
    assert {row["name"] for row in rows(file, "SELECT name FROM sqlite_schema WHERE type = 'table'")} == TABLES
    assert rows(file, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


async def test_every_table_is_strict(path: Path) -> None:
    await open_and_close(path)
    lax = [row["name"] for row in rows(path, "PRAGMA table_list") if row["type"] == "table" and not row["strict"]]
    assert [name for name in lax if not name.startswith("sqlite_")] == []


async def test_opening_again_changes_nothing_and_keeps_what_is_there(path: Path) -> None:
    await write_something(path)
    before = rows(path, "SELECT sql FROM sqlite_schema")
    async with Store.open(path) as store:
        assert await store.servers.get(GUILD) == ServerSettings(GUILD)
    assert rows(path, "SELECT sql FROM sqlite_schema") == before


async def test_two_programs_may_open_a_new_database_at_once(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(write_something(path))
    await asyncio.sleep(0.1)
    lines = "".join(file.read_text(encoding="utf-8") for file in sorted(MIGRATIONS.glob("*.sql"))).splitlines()
    script = "\n".join(line.split("--")[0].rstrip() for line in lines)
    for statement in script.replace("BEGIN IMMEDIATE;", "").replace("COMMIT;", "").split(";\n"):
        other.execute(statement)
    other.execute("COMMIT")
    other.close()
    await task
    assert len(rows(path, "SELECT * FROM guilds")) == 1


async def test_only_its_owner_may_read_the_database(path: Path) -> None:
    async with Store.open(path) as store:
        await store.servers.save(ServerSettings(GUILD))
        for file in path.parent.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file.name


@pytest.mark.parametrize("name", ["a b.db", "what?.db", "100%23.db", "a#b.db", "ü😀.db", "[/red].db"])
async def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    await write_something(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 0


async def test_a_failed_transaction_leaves_nothing_behind(opened: Database) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        async with opened.transaction() as connection:
            await connection.execute("INSERT INTO cursors VALUES (1, 2, 3)")
            raise RuntimeError("in the middle")
    assert await opened.fetch_all("SELECT * FROM cursors") == []


async def test_an_interrupted_transaction_leaves_nothing_behind_and_the_next_one_works(opened: Database) -> None:
    async def half() -> None:
        async with opened.transaction() as connection:
            await connection.execute("INSERT INTO cursors VALUES (1, 2, 3)")
            await asyncio.Event().wait()

    task = asyncio.create_task(half())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with opened.transaction() as connection:
        await connection.execute("INSERT INTO cursors VALUES (4, 5, 6)")
    assert [row["channel_id"] for row in await opened.fetch_all("SELECT * FROM cursors")] == [4]


async def test_a_writer_that_gives_up_waiting_for_its_turn_does_not_block_the_next(
    path: Path, opened: Database
) -> None:
    async def write(channel_id: int) -> None:
        async with opened.transaction() as connection:
            await connection.execute("INSERT INTO cursors VALUES (?, 0, 0)", (channel_id,))

    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(write(1))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other.execute("ROLLBACK")
    other.close()
    await write(2)
    assert [row["channel_id"] for row in await opened.fetch_all("SELECT * FROM cursors")] == [2]


async def test_writers_at_the_same_time_take_turns(opened: Database) -> None:
    async def write(number: int) -> None:
        async with opened.transaction() as connection:
            await connection.execute("INSERT INTO cursors VALUES (?, 0, 0)", (number,))
            await asyncio.sleep(0)
            await connection.execute("UPDATE cursors SET position = ? WHERE channel_id = ?", (number, number))

    await asyncio.gather(*(write(number) for number in range(1, 11)))
    assert len(await opened.fetch_all("SELECT * FROM cursors WHERE position = channel_id")) == 10


async def test_a_row_that_belongs_to_nothing_is_refused(opened: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        async with opened.transaction() as connection:
            await connection.execute("INSERT INTO watched_channels VALUES (1, 99, 3, 4)")


async def test_a_read_only_database_can_be_read_and_says_that_it_cannot_be_written(path: Path) -> None:
    await write_something(path)
    async with Store.open(path, mode="ro") as store:
        assert await store.servers.get(GUILD) == ServerSettings(GUILD)
        with pytest.raises(StoreError, match=r"is read-only\. Give the bot's user write access"):
            await store.servers.save(ServerSettings(GUILD + 1))


async def test_a_locked_database_says_so_and_works_once_it_is_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    async with Store.open(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy, match="is locked by another program"):
            await store.servers.save(ServerSettings(GUILD))
        other.execute("ROLLBACK")
        other.close()
        await store.servers.save(ServerSettings(GUILD))


async def test_a_full_disk_says_so_and_nothing_half_is_written(opened: Database) -> None:
    async with opened.transaction() as connection:
        (pages,) = await connection.execute_fetchall("PRAGMA page_count")
        await connection.execute(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(StoreBusy, match="the disk is full"):
        async with opened.transaction() as connection:
            for number in range(1_000):
                await connection.execute("INSERT INTO cursors VALUES (?, ?, ?)", (number, 2**60, 2**60))
    assert await opened.fetch_all("SELECT * FROM cursors") == []


async def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match=r"newer Threadwatch \(schema 999.*Update Threadwatch"):
        await open_and_close(path)
    assert rows(path, "SELECT * FROM sqlite_schema") == []


async def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("My diary. " * 500, encoding="utf-8")
    with pytest.raises(StoreError, match="is not an SQLite database"):
        await open_and_close(path)
    assert path.read_text(encoding="utf-8").startswith("My diary.")


async def test_a_path_that_cannot_be_a_database_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for impossible in (tmp_path, tmp_path / "file" / "x.db"):
        with pytest.raises(StoreError, match=rf"{impossible} cannot be opened"):
            await open_and_close(impossible)


async def test_a_damaged_database_says_so(path: Path) -> None:
    await write_something(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        await write_something(path)
