"""Connections, transactions and migrations."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from bot.errors import StoreBusy, StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 5_000

Row = sqlite3.Row
Value = int | float | str | None


def values(rows: Iterable[Sequence[Value]]) -> tuple[str, list[Value]]:
    """A `VALUES` clause for ``rows``, of which there must be some, and the parameters that go with it.

    Not JSON: SQLite would cut its texts at a zero character.
    """
    listed = list(rows)
    marks = ", ".join(f"({', '.join('?' * len(row))})" for row in listed)
    return f"VALUES {marks}", [value for row in listed for value in row]


class Database:
    """One writing connection, guarded by a lock around `BEGIN IMMEDIATE`, and one that only reads."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[aiosqlite.Connection]:
        """Everything inside is written, or nothing. Raises ``StoreError``, ``StoreBusy`` if it may pass."""
        async with self._lock:
            with explained(self.path):
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.execute("COMMIT")
                except BaseException:
                    # Queued behind a statement whose caller was cancelled, which runs all the same.
                    await self._writer.rollback()
                    raise

    async def fetch_all(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        with explained(self.path):
            return list(await self._reader.execute_fetchall(sql, values))

    async def fetch_one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None


@asynccontextmanager
async def open_database(path: Path, *, mode: str = "rwc") -> AsyncGenerator[Database]:
    """Open ``path``, created and migrated if need be; raises ``StoreError`` that says what to do.

    ``mode`` is SQLite's: `rwc` makes a missing file, `ro` refuses to write.
    """
    with explained(path):
        if mode == "rwc":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
    async with _connect(path, mode) as writer:
        with explained(path):
            await migrate(path, writer)
        async with _connect(path, "ro") as reader:
            yield Database(path, writer, reader)


@asynccontextmanager
async def _connect(path: Path, mode: str) -> AsyncGenerator[aiosqlite.Connection]:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    with explained(path):
        connection = await aiosqlite.connect(uri, uri=True, isolation_level=None)
    try:
        with explained(path):
            connection.row_factory = sqlite3.Row
            await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            await connection.execute("PRAGMA foreign_keys = ON")
            if mode != "ro":
                await connection.execute("PRAGMA journal_mode = WAL")
                await connection.execute("PRAGMA synchronous = FULL")  # a power cut takes back no verdict
        yield connection
    finally:
        await connection.close()


async def migrate(path: Path, connection: aiosqlite.Connection, folder: Path = MIGRATIONS) -> None:
    """Bring the schema up to date; each script is one transaction that also sets `user_version`."""
    scripts = sorted(folder.glob("[0-9]*.sql"))
    current = await _schema_version(connection)
    if current > len(scripts):
        raise StoreError(
            f"{path} was written by a newer Threadwatch (schema {current}, this one knows {len(scripts)}). "
            "Update Threadwatch, or point THREADWATCH_DB at another file."
        )
    for number, script in enumerate(scripts[current:], start=current + 1):
        try:
            await connection.executescript(script.read_text(encoding="utf-8"))
        except sqlite3.OperationalError:
            await connection.rollback()
            if await _schema_version(connection) < number:  # else another program migrated meanwhile
                raise


async def _schema_version(connection: aiosqlite.Connection) -> int:
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


_ADVICE = {
    "SQLITE_BUSY": "is locked by another program. Is a second bot or a backup running on it?",
    "SQLITE_LOCKED": "is locked by another program. Is a second bot or a backup running on it?",
    "SQLITE_FULL": "cannot grow: the disk is full. Free some space.",
    "SQLITE_READONLY": "is read-only. Give the bot's user write access to the file and its folder.",
    "SQLITE_CANTOPEN": "cannot be opened. Check that the folder exists and that the bot's user may write there.",
    "SQLITE_NOTADB": "is not an SQLite database. Point THREADWATCH_DB at another file.",
    "SQLITE_CORRUPT": "is damaged. Restore it from a backup.",
}
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn SQLite's errors into ours, with advice."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a defect of ours, not of the file: let it be seen as it is
    except sqlite3.Error as error:
        name = str(getattr(error, "sqlite_errorname", ""))
        for code, advice in _ADVICE.items():
            if name.startswith(code):
                kind = StoreBusy if code in _PASSING else StoreError
                raise kind(f"The database {path} {advice}") from error
        raise StoreError(f"The database {path} failed: {error}") from error
    except PermissionError as error:
        raise StoreError(f"The database {path} {_ADVICE['SQLITE_CANTOPEN']}") from error
    except OSError as error:
        raise StoreError(f"The database {path} cannot be opened: {error.strerror}") from error
