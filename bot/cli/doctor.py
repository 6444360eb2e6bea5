"""`doctor`: everything the bot needs, looked at without changing anything, also while it runs."""

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.app import load_classifier
from bot.cli.ask_discord import ask_discord
from bot.cli.finding import Finding, Level, bad, good, warning
from bot.config import Settings
from bot.errors import ConfigError, StoreBusy, StoreError
from bot.heartbeat import unhealthy
from bot.store.check import OLDEST_SQLITE, SQLITE, companions, examine, probe_write
from models.classifier import ClassifierInput, ModelError, Runtime
from models.loading import chosen_runtime, unused_gpu

ENV_FILE = Path(".env")
MIB = 1024 * 1024
DISK_WARNING, DISK_BAD = 1024 * MIB, 100 * MIB
RUNTIMES = {Runtime.ONNX: "ONNX Runtime, on the processor", Runtime.TORCH: "PyTorch, on the GPU if it can use one"}
STYLES = {Level.GOOD: "green", Level.WARNING: "yellow", Level.BAD: "bold red"}


async def doctor(load: Callable[[], Settings], *, discord: str | None) -> bool:
    """Print a line for each check; returns whether all is well enough to run. ``discord``: its API's address."""
    out = Console(highlight=False)
    worst: set[Level] = set()
    async for finding in _findings(load, discord):
        worst.add(finding.level)
        out.print(Text.assemble((finding.level.value, STYLES[finding.level]), " ", finding.text), soft_wrap=True)
    return Level.BAD not in worst


async def _findings(load: Callable[[], Settings], discord: str | None) -> AsyncGenerator[Finding]:
    yield versions(SQLITE)
    try:
        settings = load()
    except ConfigError as error:
        yield bad(f"{error}\nThe rest is checked when the settings are right.")
        return
    yield good("settings: readable")
    for finding in (*_database(settings.database), disk(settings.database), *_modes(settings)):
        yield finding
    async for finding in _model(settings):
        yield finding
    async for finding in _discord(settings.token, discord):
        yield finding
    yield _heartbeat(settings.heartbeat)


def versions(sqlite: tuple[int, ...]) -> Finding:
    text = f"Python {sys.version.split()[0]}, SQLite {'.'.join(map(str, sqlite))}"
    if sqlite < OLDEST_SQLITE:
        return bad(f"{text}: SQLite must be 3.37 or newer. Use a newer Python or system.")
    return good(text)


def _database(path: Path) -> Generator[Finding]:
    if not path.exists():
        yield _place(path)
        return
    try:
        found = examine(path)
        if found.is_newer:
            yield bad(
                f"database: written by a newer Threadwatch (schema {found.schema}, this one knows "
                f"{found.known_schema}). Update Threadwatch, or point THREADWATCH_DB at another file."
            )
        elif found.schema < found.known_schema:
            yield warning(
                f"database: schema {found.schema} will become {found.known_schema} at the next start. Back it up first."
            )
        else:
            yield good(f"database: {path}, schema {found.schema}")
        for fault in found.faults:
            yield bad(f"database: damaged ({fault}). Restore it from a backup.")
        if not found.faults:
            yield good("database: every page and every reference is whole")
        probe_write(path)
        yield good("database: can be written")
    except StoreBusy as error:
        yield warning(str(error))
    except StoreError as error:
        yield bad(str(error))


def _place(path: Path) -> Finding:
    folder = _existing(path)
    if os.access(folder, os.W_OK | os.X_OK):
        return good(f"database: none at {path} yet; it is made at the first start")
    return bad(f"database: none at {path}, and {folder} cannot be written. Give the bot's user write access there.")


def _existing(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def disk(path: Path) -> Finding:
    free = shutil.disk_usage(_existing(path)).free
    text = f"disk: {free // MIB:,} MiB free at {path.absolute().parent}"
    if free < DISK_BAD:
        return bad(f"{text}. Free some space now: decisions will soon not be written.")
    if free < DISK_WARNING:
        return warning(f"{text}. Free some space.")
    return good(text)


def _modes(settings: Settings) -> Generator[Finding]:
    files = [ENV_FILE, settings.database, *companions(settings.database)]
    if settings.heartbeat:
        files.append(settings.heartbeat)
    loose = [file for file in files if file.exists() and file.stat().st_mode & 0o077]
    for file in loose:
        yield warning(f"{file} is open to other users of this machine: chmod 600 {file}")
    if not loose:
        yield good("files: closed to other users")


async def _model(settings: Settings) -> AsyncGenerator[Finding]:
    try:
        classifier = await load_classifier(settings)
    except ModelError as error:
        yield bad(f"model: {error}")
        return
    yield _runtime(settings)
    if settings.model.suffix != ".toml":  # a model that is not ours has no checksums of ours
        yield good("model: its files are the released ones")
    try:
        (prediction,) = await classifier.predict([ClassifierInput("The council votes on the budget today.")])
    except Exception as error:  # whatever a network may raise
        yield bad(f"model: loads but does not score ({type(error).__name__}: {error}). Install the packages anew.")
        return
    if prediction.scores:
        yield good(f"model: {classifier.info.version} scores a sentence")
    else:
        yield bad(f"model: {classifier.info.version} gives a plain sentence no score. Use the released weights.")


def _runtime(settings: Settings) -> Finding:
    text = f"model: computed by {RUNTIMES[chosen_runtime(settings.model, settings.runtime)]}"
    if reason := unused_gpu(settings.model, settings.runtime):
        return warning(f"{text}. There is a GPU, but {reason}; or set THREADWATCH_RUNTIME=onnx.")
    return good(text)


async def _discord(token: str | None, address: str | None) -> AsyncGenerator[Finding]:
    try:
        known = Settings(token=token).require_token()
    except ConfigError as error:
        yield bad(str(error))
        return
    yield good("token: set, and of the right shape")
    if address is None:
        yield warning("Discord is not asked (--offline): token, intent and clock are not checked")
        return
    async for finding in ask_discord(known, address):
        yield finding


def _heartbeat(path: Path | None) -> Finding:
    if path is None:
        return warning("heartbeat: not switched on, so nobody sees whether the bot hangs. Set THREADWATCH_HEARTBEAT.")
    if not path.exists():
        return good("heartbeat: no bot is running now")
    fault = unhealthy(path)
    return warning(f"heartbeat: {fault}. Look at its log.") if fault else good("heartbeat: a bot is running and well")
