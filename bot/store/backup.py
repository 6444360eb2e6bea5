"""Copying a database beside a running bot, and putting a copy in its place."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.errors import StoreError
from bot.store.check import companions, connected, examined, in_use
from bot.store.database import explained

PAGES = 256
PAUSE_SECONDS = 0.005
"""After so many pages the disk belongs to the bot for so long."""


def back_up(database: Path, target: Path, *, force: bool = False) -> dict[str, int]:
    """Copy ``database`` to ``target``, which appears only when the copy is proved; returns the rows of each table.

    Raises ``StoreError``, also when ``target`` exists and ``force`` is not given.
    """
    if target.exists():
        if any(file.exists() and target.samefile(file) for file in (database, *companions(database))):
            raise StoreError(f"{target} is the database itself. Give the backup another name.")
        if not force:
            raise StoreError(f"{target} exists already. Give another name, or --force to replace it.")
        if any(file.exists() for file in companions(target)):
            raise StoreError(f"{target} is open in another program. Give the backup another name.")
    with _copied(database, target) as copy:
        rows = _verify(copy, database)
        _replace(copy, target)
    return rows


def restore(backup: Path, database: Path) -> tuple[dict[str, int], Path | None]:
    """Put ``backup`` in the place of ``database``; returns its rows, and where the old database is kept.

    Raises ``StoreError`` and changes nothing if the backup is no good, or if a program uses the database.
    """
    if database.exists() and backup.exists() and backup.samefile(database):
        raise StoreError(f"{backup} is the database itself. Name a backup.")
    with explained(database):
        database.parent.mkdir(parents=True, exist_ok=True)
    with _copied(backup, database) as copy:
        rows = _verify(copy, backup)
        _keep_owner(copy, database)
        if database.exists() and in_use(database):
            raise StoreError(f"{database} is in use. Stop the bot (and Litestream, if you run it), then restore again.")
        with explained(database):
            kept = _set_aside(database)
        _replace(copy, database)
    return rows, kept


@contextmanager
def _copied(source: Path, target: Path) -> Generator[Path]:
    """A private copy of ``source`` in ``target``'s folder, gone afterwards unless it was renamed."""
    with explained(target):
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600, whatever the umask
        os.close(handle)
    copy = Path(name)
    try:
        _copy(source, copy, target)
        yield copy
    finally:
        for file in (copy, *companions(copy)):
            file.unlink(missing_ok=True)


def _copy(source: Path, copy: Path, target: Path) -> None:
    with connected(source, "ro") as reading:
        # An open read blocks nobody and keeps one state in sight: else every write of the bot would start anew.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with explained(target), closing(sqlite3.connect(copy, isolation_level=None)) as writing:
            reading.backup(writing, pages=PAGES, progress=_pause)
            writing.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself


def _pause(*_: int) -> None:
    time.sleep(PAUSE_SECONDS)  # SQLite's own `sleep` is for a locked source only


def _verify(copy: Path, source: Path) -> dict[str, int]:
    """The rows of each table; raises ``StoreError`` unless ``copy`` is a whole database of ours."""
    with connected(copy, "ro") as connection, explained(source):
        found = examined(connection)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        if "decisions" not in names or not found.schema:
            raise StoreError(f"{source} is not a database of Threadwatch.")
        if found.is_newer:
            raise StoreError(f"{source} was written by a newer Threadwatch (schema {found.schema}). Update first.")
        if found.faults:
            raise StoreError(f"{source} is damaged; nothing was replaced: {'; '.join(found.faults)}")
        return {name: _count(connection, name) for name in sorted(names) if not name.startswith("sqlite_")}


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


def _keep_owner(copy: Path, database: Path) -> None:
    """Restored by root, the database must still belong to the bot's user."""
    if os.geteuid() == 0:
        owner = (database if database.exists() else database.parent).stat()
        os.chown(copy, owner.st_uid, owner.st_gid)


def _set_aside(database: Path) -> Path | None:
    """Rename the database with its log, which may hold what the file does not; the index is made anew.

    A log without its database would be taken for one of the restored file's, and spoil it.
    """
    kept = database.with_name(f"{database.name}.before-restore-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    if kept.exists():
        raise StoreError(f"{kept} exists already. Try again in a second.")
    log, index = companions(database)
    index.unlink(missing_ok=True)
    old = [(log, companions(kept)[0]), (database, kept)]
    moved = [place for file, place in old if file.exists() and file.replace(place)]
    return moved[-1] if moved else None


def _replace(copy: Path, target: Path) -> None:
    """Rename for good: both the content and the name are on the disk when this returns."""
    with explained(target):
        _sync(copy)
        copy.replace(target)
        _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
