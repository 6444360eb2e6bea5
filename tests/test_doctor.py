"""`doctor`: what it says of a sound installation, and of each thing that is wrong with another."""

import hashlib
import json
import os
import resource
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import time

import pytest

import bot.app
from bot.app import running
from bot.cli.doctor import MIB, disk, doctor, versions
from bot.cli.finding import Level
from bot.config import Settings
from bot.errors import ConfigError
from bot.heartbeat import STALE_MS
from bot.store.check import probe_write
from models.classifier import Classifier, ModelError
from models.weights_folder import GRAPH, WEIGHTS
from tests.support.cli import CommandLine
from tests.support.doctor import Discord, Run, examiner, sound_settings
from tests.support.keyword import KeywordClassifier
from tests.test_cli_run import TOKEN


@pytest.fixture
def discord() -> Discord:
    return Discord()


@pytest.fixture
def sound(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return sound_settings(settings, tmp_path, monkeypatch)


@pytest.fixture
def run(discord: Discord, capsys: pytest.CaptureFixture[str]) -> Run:
    return examiner(discord, capsys)


async def make_database(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()):
        pass


def state(path: Path) -> tuple[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return hashlib.sha256(path.read_bytes()).hexdigest(), version


async def test_a_sound_installation_has_no_cross(sound: Settings, run: Run, discord: Discord) -> None:
    await make_database(sound)
    before = state(sound.database)
    well, out = await run(sound)
    assert well and out.count("⚠") == 1 and "⚠ heartbeat: not switched on" in out
    for told in ("settings: readable", "every page", "can be written", "MiB free", "scores a sentence", "intent is on"):
        assert told in out
    assert "accepts the token, as Threadwatch" in out and "clock: agrees" in out
    assert discord.tokens == {f"Bot {TOKEN}"}
    assert state(sound.database) == before
    assert [file.name for file in sound.database.parent.iterdir()] == ["threadwatch.db"]


async def test_it_works_beside_a_running_bot(sound: Settings, run: Run) -> None:
    async with running(sound, classifier=KeywordClassifier()):
        well, out = await run(sound)
    assert well and "database: can be written" in out


async def test_before_the_first_start_nothing_is_made(sound: Settings, run: Run) -> None:
    well, out = await run(replace(sound, database=sound.database.parent / "data" / "x.db"))
    assert well and "made at the first start" in out and list(sound.database.parent.iterdir()) == []


async def test_settings_that_cannot_be_read_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Settings:
        raise ConfigError("THREADWATCH_X: unknown")

    assert not await doctor(load, discord=None)
    assert "✗ THREADWATCH_X: unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("PRAGMA user_version = 999", "✗ database: written by a newer Threadwatch (schema 999"),
        ("PRAGMA user_version = 1", "⚠ database: schema 1 will become"),
        (
            "PRAGMA foreign_keys = OFF; INSERT INTO review_events VALUES (1, 77, 'x', NULL, NULL, 0)",
            "✗ database: damaged (1 rows of review_events refer to no row of reviews)",
        ),
    ],
    ids=["newer", "older", "dangling"],
)
async def test_what_is_wrong_with_the_database(sound: Settings, run: Run, script: str, line: str) -> None:
    await make_database(sound)
    with closing(sqlite3.connect(sound.database, isolation_level=None)) as connection:
        connection.executescript(script)
    before = state(sound.database)
    assert line in (await run(sound))[1]
    assert state(sound.database) == before, "nothing is migrated"


async def test_a_file_that_is_no_database_is_told(sound: Settings, run: Run) -> None:
    sound.database.write_text("Dear diary,\n" * 1000)
    assert "is not an SQLite database" in (await run(sound))[1]


async def test_a_database_that_is_locked_is_a_warning(
    sound: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.check.BUSY_TIMEOUT_MS", 20)
    await make_database(sound)
    with closing(sqlite3.connect(sound.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        well, out = await run(sound)
    assert well and "⚠ The database" in out and "locked by another program" in out


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A write beyond ``size`` fails, as on a full disk, for root too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_the_write_is_a_real_one(sound: Settings) -> None:
    await make_database(sound)
    probe_write(sound.database)
    with files_of_at_most(100_000), pytest.raises(Exception, match="The database"):
        probe_write(sound.database)
    probe_write(sound.database)


async def test_files_open_to_others_are_told_with_how_to_close_them(sound: Settings, run: Run) -> None:
    await make_database(sound)
    env = Path(".env")
    env.touch()
    env.chmod(0o644)
    sound.database.chmod(0o640)
    well, out = await run(sound)
    assert well and "⚠ .env is open" in out and f"chmod 600 {sound.database}" in out
    env.chmod(0o600)
    sound.database.chmod(0o600)
    assert "✓ files: closed to other users" in (await run(sound))[1]


@pytest.mark.parametrize(
    ("free", "level"), [(99, Level.BAD), (1023, Level.WARNING), (1024, Level.GOOD)], ids=["full", "low", "enough"]
)
def test_free_disk_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    usage = namedtuple("usage", "free")(free * MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    finding = disk(tmp_path / "none" / "x.db")
    assert finding.level == level and f"{free:,} MiB" in finding.text


def test_an_sqlite_that_is_too_old_is_told() -> None:
    assert versions((3, 36, 9)).level == Level.BAD and versions((3, 37, 0)).level == Level.GOOD


async def test_altered_weights_are_told(
    sound: Settings, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.doctor.load_classifier", bot.app.load_classifier)
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / GRAPH).write_bytes(b"x")
    (folder / "threadwatch.json").write_text(json.dumps({"sha256": {GRAPH: "0", WEIGHTS: "1"}, "graph_of": "1"}))
    well, out = await run(replace(sound, model=folder))
    assert not well and "✗ model:" in out and "wrong checksum" in out


@pytest.mark.parametrize("how", ["does not load", "does not score"])
async def test_a_model_that_does_not_work_is_told(
    sound: Settings, run: Run, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def load(_: Settings) -> Classifier:
        if how == "does not load":
            raise ModelError("does not load")
        return KeywordClassifier(breaks_on="council")

    monkeypatch.setattr("bot.cli.doctor.load_classifier", load)
    well, out = await run(sound)
    assert not well and "✗ model:" in out and how in out


async def test_the_heartbeat_of_a_running_bot(sound: Settings, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "beat.json"
    settings = replace(sound, heartbeat=path)
    assert "✓ heartbeat: no bot is running now" in (await run(settings))[1]
    beat = {"time": int(time() * 1000), "pid": os.getpid(), "version": "0", "connected": True, "worker": True}
    beat |= {"queue": 0, "last_decision": None, "last_error": None}
    path.touch(mode=0o600)
    path.write_text(json.dumps(beat))
    assert "✓ heartbeat: a bot is running and well" in (await run(settings))[1]
    path.write_text(json.dumps(beat | {"time": beat["time"] - STALE_MS}))
    assert "⚠ heartbeat: the last heartbeat is" in (await run(settings))[1]


def test_the_command_line_ends_with_1_when_something_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("THREADWATCH_QUEUE_SIZE", "many")
    ended = cli("doctor", "--offline")
    assert ended.code == 1 and "✗ The settings have faults" in ended.out and "THREADWATCH_QUEUE_SIZE" in ended.out
