"""Looking at a database file without changing it, also while the bot runs on it."""

import sqlite3
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.errors import StoreBusy, StoreError
from bot.store.database import BUSY_TIMEOUT_MS, MIGRATIONS, explained

SQLITE = sqlite3.sqlite_version_info
OLDEST_SQLITE = (3, 37)
"""The first with STRICT tables."""
PROBE_BYTES = 200_000
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Examination:
    """What a look at a database found. ``schema`` is 0 for a file that no Threadwatch has filled."""

    schema: int
    known_schema: int
    faults: tuple[str, ...]

    @property
    def is_newer(self) -> bool:
        return self.schema > self.known_schema


def companions(path: Path) -> tuple[Path, Path]:
    """The files that SQLite keeps beside ``path``: the write-ahead log and its index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


@contextmanager
def connected(path: Path, mode: str) -> Generator[sqlite3.Connection]:
    """A plain connection for short work beside the bot; raises ``StoreError``. ``mode`` is SQLite's."""
    with explained(path):
        uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            yield connection


def examine(path: Path) -> Examination:
    """Read every page of ``path`` and follow every reference; raises ``StoreError`` if it cannot be read."""
    with connected(path, "ro") as connection:
        return examined(connection)


def examined(connection: sqlite3.Connection) -> Examination:
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"]
    dangling = Counter((row[0], row[2]) for row in connection.execute("PRAGMA foreign_key_check"))
    faults += [f"{count} rows of {table} refer to no row of {parent}" for (table, parent), count in dangling.items()]
    return Examination(schema, len(list(MIGRATIONS.glob("[0-9]*.sql"))), tuple(faults[:SHOWN]))


def probe_write(path: Path) -> None:
    """Write to ``path`` and take it back; raises ``StoreError`` if that cannot be done.

    A rolled-back transaction as such touches no file, so this one is too big for its cache: SQLite has to spill it.
    """
    with connected(path, "rw") as connection:
        connection.execute("PRAGMA cache_size = 4")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE write_probe (content)")
        connection.execute("INSERT INTO write_probe VALUES (zeroblob(?))", (PROBE_BYTES,))
        connection.execute("ROLLBACK")


def in_use(path: Path) -> bool:
    """Whether another program has the database open; a damaged file is in nobody's use."""
    try:
        with connected(path, "rw") as connection:
            connection.execute("PRAGMA busy_timeout = 0")  # a running bot lets go of it at its end only
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.execute("ROLLBACK")
    except StoreBusy:
        return True
    except StoreError:
        return False
    return False
