"""`run`, `invite`, `demo` and the command line as a whole: what is told when they cannot start."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import parse_qs, urlsplit

import aiohttp
import discord
import pytest

from tests.support.cli import CommandLine

ROOT = Path(__file__).parent.parent
APPLICATION = 123456789012345678
TOKEN = base64.b64encode(str(APPLICATION).encode()).decode().rstrip("=") + ".Gabcde." + "s3cret-" * 5
REVIEW = {"read_messages", "send_messages", "send_messages_in_threads", "embed_links", "attach_files"} | {
    "read_message_history"
}
REMOVE = {"manage_messages"}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def prompt(folder: Path, arguments: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot` in a process of its own, in ``folder``."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_told(ended: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Refused in words, on stderr alone."""
    assert ended.returncode == 2 and ended.stdout == ""
    assert "Traceback" not in ended.stderr and "s3cret" not in ended.stderr
    for part in parts:
        assert part in ended.stderr


def link(out: str) -> tuple[str, set[str], set[str]]:
    """Application, permissions and scopes of a printed invite link."""
    parts = urlsplit(out.strip())
    assert (parts.scheme, parts.netloc) == ("https", "discord.com")
    query = parse_qs(parts.query)
    granted = {name for name, value in discord.Permissions(int(query["permissions"][0])) if value}
    return query["client_id"][0], granted, set(query["scope"][0].split())


def test_help_names_every_command(tmp_path: Path) -> None:
    ended = prompt(tmp_path, ["--help"])
    assert ended.returncode == 0 and ended.stderr == ""
    for command in ("run", "invite", "scan", "score", "demo"):
        assert f" {command} " in ended.stdout


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert_told(prompt(tmp_path, ["watch"]), "No such command 'watch'")


def test_without_a_token_run_says_how_to_get_one_and_touches_nothing(tmp_path: Path) -> None:
    ended = prompt(tmp_path, ["run"], THREADWATCH_DB=str(tmp_path / "x.db"))
    assert_told(ended, "error: DISCORD_TOKEN is not set", "https://discord.com/developers/applications", ".env")
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_token_is_refused_without_being_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKEN=s3cret-but-no-token\n", encoding="utf-8")
    assert_told(prompt(tmp_path, ["run"]), "DISCORD_TOKEN", "does not look like a bot token", "Reset Token")


def test_all_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    wrong = {"THREADWATCH_QUEUE_SIZE": "[/red]", "THREADWATCH_LOG_LEVEL": "[bold]", "THREADWATCH_DATABASE": "x"}
    assert_told(prompt(tmp_path, ["run"], **wrong), *wrong, "[/red]", "[bold]")


@pytest.mark.parametrize("command", ["run", "invite", "scan", "score", "demo"])
def test_every_command_explains_itself(cli: CommandLine, command: str) -> None:
    ended = cli(command, "--help")
    assert ended.code == 0 and f"{command} " in ended.out and len(ended.out.split()) > 15


@pytest.mark.parametrize(
    "arguments", [["scan"], ["score", "one"], ["invite", "--client-id", "me"], ["demo", "--port", "x"]]
)
def test_wrong_arguments_are_refused(cli: CommandLine, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert ended.code == 2 and ended.out == "" and "Usage" in ended.err


def test_the_invite_link_asks_for_the_least_that_is_needed(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    ended = cli("invite")
    assert ended.code == 0 and ended.err == "" and "s3cret" not in ended.out
    assert link(ended.out) == (str(APPLICATION), REVIEW, {"bot", "applications.commands"})
    assert "permissions=274878024704" in ended.out


def test_the_invite_link_can_ask_for_what_removing_needs(cli: CommandLine) -> None:
    ended = cli("invite", "--client-id", "42", "--may-remove")
    assert link(ended.out) == ("42", REVIEW | REMOVE, {"bot", "applications.commands"})


def test_an_invite_link_needs_a_token_or_an_id(cli: CommandLine) -> None:
    ended = cli("invite")
    assert ended.code == 2 and "DISCORD_TOKEN is not set" in ended.err and ended.out == ""


def refused(status: int, *, kind: type[discord.HTTPException] = discord.HTTPException) -> discord.HTTPException:
    return kind(MagicMock(status=status, reason="No"), "no")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (discord.LoginFailure("Improper token has been passed."), ["refused the token", "Reset Token"]),
        (discord.PrivilegedIntentsRequired(None), ["Message Content", "Privileged Gateway Intents", "applications"]),
        (refused(403, kind=discord.Forbidden), ["Discord", "403"]),
        (refused(503, kind=discord.DiscordServerError), ["Discord", "503"]),
        (aiohttp.ClientConnectionError("Cannot connect to host discord.com:443"), ["Discord", "network"]),
        (discord.GatewayNotFound(), ["Discord"]),
    ],
    ids=["token", "intents", "403", "503", "no network", "no gateway"],
)
def test_a_login_that_fails_is_told_in_words(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, error: Exception, told: list[str]
) -> None:
    async def start(_: Any, __: str, **___: Any) -> None:
        raise error

    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setattr("bot.client.Threadwatch.start", start)
    ended = cli("run")
    assert ended.code == 2 and ended.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in ended.err and "s3cret" not in ended.err
    for part in told:
        assert part in ended.err.splitlines()[-1]


def test_run_ends_well_when_it_is_told_to_stop(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_: Any, __: str, **___: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setattr("bot.client.Threadwatch.start", start)
    assert cli("run").code == 0
    assert not Path(f"{cli.database}-wal").exists(), "the database was closed"


def test_missing_weights_are_told_with_where_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("text\nfine\n", encoding="utf-8")
    places = {"THREADWATCH_MODEL": str(tmp_path / "[/none]"), "THREADWATCH_DB": str(tmp_path / "x.db")}
    ended = prompt(tmp_path, ["scan", "posts.csv"], **places)
    assert_told(ended, f"There is no model at {tmp_path}/[/none]", "git checkout", "THREADWATCH_MODEL")


def test_the_demo_without_its_packages_says_how_to_get_them(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simcord", None)
    for name in [name for name in sys.modules if name.startswith("bot.demo.")]:
        monkeypatch.delitem(sys.modules, name)
    ended = cli("demo")
    assert ended.code == 2 and "pip install -e '.[demo]'" in ended.err and "Traceback" not in ended.err
