"""`backup` and `restore`: the database copied beside the running bot, and put back when none runs."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.config import Settings
from bot.errors import StoreError
from bot.heartbeat import is_fresh, read
from bot.store.backup import back_up, restore


def make_backup(target: Path, settings: Settings, *, force: bool) -> None:
    """Copy the database to ``target``; raises ``StoreError``."""
    if not settings.database.exists():
        raise StoreError(f"There is no database at {settings.database} yet. Set THREADWATCH_DB or give --db.")
    _tell(f"{settings.database} is copied to {target}:", back_up(settings.database, target, force=force))


def restore_backup(source: Path, settings: Settings) -> None:
    """Replace the database by ``source``; raises ``StoreError`` when a bot runs on it."""
    if not source.exists():
        raise StoreError(f"There is no backup at {source}.")
    _require_no_bot(settings)
    rows, kept = restore(source, settings.database)
    _tell(f"{settings.database} is restored from {source}:", rows)
    if kept:
        _tell(f"The old one is kept as {kept}; delete it when you no longer need it.", {})


def _require_no_bot(settings: Settings) -> None:
    """A fresh heartbeat tells that a bot runs, even one that has not opened its database yet."""
    if settings.heartbeat is None:
        return
    try:
        beat = read(settings.heartbeat)
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{settings.heartbeat} cannot be read, so a bot may run. Delete it if none does.") from error
    if is_fresh(beat):
        raise StoreError(f"A bot is running (process {beat.pid}). Stop it, then restore again.")


def _tell(headline: str, rows: Mapping[str, int]) -> None:
    out = Console(highlight=False)
    out.print(Text(headline), soft_wrap=True)
    for table, count in rows.items():
        out.print(Text(f"{count:>9,}  {table}"), soft_wrap=True)
