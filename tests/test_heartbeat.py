"""The heartbeat file and `health`: what a supervisor sees of a bot that runs, hangs, fails or is gone."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot import heartbeat
from bot.app import Services, running
from bot.config import Settings
from bot.domain import Place, Post, Source
from bot.heartbeat import beating, unhealthy
from bot.login import is_connected
from tests.support.cli import CommandLine
from tests.support.keyword import KeywordClassifier
from tests.support.world import until
from tests.test_cli_run import TOKEN

POST = Post(Source.DISCORD, "1", "7", "alice", ("You idiot.",), created_at=0, place=Place(guild_id=1, channel_id=2))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.01)
    return tmp_path / "heartbeat.json"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@asynccontextmanager
async def alive(settings: Settings, path: Path, *, connected: bool = True) -> AsyncIterator[Services]:
    async with (
        running(settings, classifier=KeywordClassifier()) as services,
        beating(path, services, lambda: connected),
    ):
        yield services


def said(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


async def test_a_running_bot_beats_and_leaves_nothing_behind(settings: Settings, path: Path) -> None:
    async with alive(settings, path) as services:
        await until(path.exists)
        first = said(path)
        assert first["pid"] == os.getpid() and first["connected"] and first["worker"] and first["queue"] == 0
        assert first["last_decision"] is None and first["last_error"] is None
        assert unhealthy(path) is None
        decision = (await services.intake.put(POST)).decision
        services.health.note_error("something")
        await until(lambda: said(path)["last_error"] is not None)
        await until(lambda: (said(path)["last_decision"] or 0) >= decision.decided_at)
        assert said(path)["time"] >= first["time"]
        assert "idiot" not in path.read_text() and "alice" not in path.read_text()
    assert list(path.parent.glob("*heartbeat*")) == []


async def test_it_is_closed_to_others_whatever_the_umask_and_an_older_file_was(settings: Settings, path: Path) -> None:
    path.with_name(".heartbeat.json.part").touch(mode=0o666)
    before = os.umask(0)
    try:
        async with alive(settings, path):
            await until(path.exists)
            assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


async def test_a_loop_that_hangs_does_not_beat(settings: Settings, path: Path) -> None:
    async with alive(settings, path):
        await until(path.exists)
        before = said(path)
        time.sleep(0.2)  # noqa: ASYNC251  # this is the hanging
        assert said(path) == before
    later = before["time"] + heartbeat.STALE_MS + 1000
    path.write_text(json.dumps(before), encoding="utf-8")
    assert "46 s old: the bot hangs" in str(unhealthy(path, lambda: later))
    assert unhealthy(path, lambda: later - 2000) is None


async def test_a_dead_worker_and_a_lost_connection_are_told(settings: Settings, path: Path) -> None:
    async with alive(settings, path) as services:
        assert services.intake._worker is not None
        await until(path.exists)
        services.intake._worker.cancel()
        await until(lambda: not said(path)["worker"])
        assert "worker is dead" in str(unhealthy(path))
    async with alive(settings, path, connected=False):
        await until(path.exists)
        assert "not connected" in str(unhealthy(path))


async def test_systemd_hears_of_a_bot_that_works_and_of_no_other(
    settings: Settings, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with alive(settings, path) as services:
            await until(path.exists)
            assert systemd.recv(100) == b"WATCHDOG=1"
            assert services.intake._worker is not None
            services.intake._worker.cancel()
            await until(lambda: not said(path)["worker"])
            with contextlib.suppress(BlockingIOError):
                while systemd.recv(100):
                    pass
            await asyncio.sleep(0.05)
            with pytest.raises(BlockingIOError):
                systemd.recv(100)


async def test_a_beat_that_fails_is_noted_once_and_tried_again(settings: Settings, path: Path) -> None:
    path = path.parent / "later" / path.name
    async with alive(settings, path) as services:
        await until(lambda: services.health.last_error is not None)
        noted = services.health.last_error
        assert noted is not None and str(path) in noted[1]
        await asyncio.sleep(0.05)
        assert services.health.last_error is noted, "once in a row"
        path.parent.mkdir()
        await until(path.exists)
        assert said(path)["last_error"] == noted[0]


def test_run_beats_while_it_runs(cli: CommandLine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    async def start(_: Any, __: str) -> None:
        await until(path.exists)
        seen.append(said(path))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("THREADWATCH_HEARTBEAT", str(path))
    monkeypatch.setattr("bot.client.Threadwatch.start", start)
    assert cli("run").code == 0
    assert seen[0]["connected"] is False and seen[0]["worker"] is True
    assert not path.exists()


@pytest.mark.parametrize(
    ("ready", "is_open", "latency", "connected"),
    [
        (True, True, 0.1, True),
        (False, True, 0.1, False),
        (True, False, 0.1, False),
        (True, None, float("nan"), False),
        (True, True, float("inf"), False),
    ],
    ids=["well", "not ready", "lost", "never", "no answer yet"],
)
def test_connected_means_that_the_gateway_delivers(
    ready: bool, is_open: bool | None, latency: float, connected: bool
) -> None:
    shards = {} if is_open is None else {0: SimpleNamespace(is_closed=lambda: not is_open, latency=latency)}
    bot: Any = SimpleNamespace(is_ready=lambda: ready, shards=shards, away=list)
    assert is_connected(bot) is connected


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"time": "now"}', "\x00"])
def test_health_calls_a_file_that_is_none_unhealthy(
    cli: CommandLine, path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("THREADWATCH_HEARTBEAT", str(path))
    path.write_text(written, encoding="utf-8")
    ended = cli("health")
    assert ended.code == 1 and "cannot be read" in ended.out


async def test_health_ends_with_what_the_supervisor_wants(
    settings: Settings, cli: CommandLine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alive(replace(settings, heartbeat=path), path):
        await until(path.exists)
        written = path.read_bytes()
    assert cli("health").code == 2, "not switched on"
    monkeypatch.setenv("THREADWATCH_HEARTBEAT", str(path))
    gone = cli("health")
    assert gone.code == 1 and "no bot is running" in gone.out
    path.write_bytes(written)
    assert cli("health").code == 0
