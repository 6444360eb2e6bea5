"""The documents name every command and every setting, so that none is added without a word."""

import re
from collections.abc import Iterator
from pathlib import Path

import discord
import pytest
from discord import app_commands
from dotenv import dotenv_values

from bot.__main__ import EXTENSIONS
from bot.__main__ import app as command_line
from bot.app import running
from bot.client import Threadwatch
from bot.config import ENVIRONMENT, Settings
from tests.support.keyword import KeywordClassifier

ROOT = Path(__file__).parent.parent
SHELL_COMMANDS = sorted(
    command.name or command.callback.__name__ for command in command_line.registered_commands if command.callback
)


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def slash_commands(tree: app_commands.CommandTree[discord.Client]) -> Iterator[str]:
    """`/name` and `/group sub`, as a user types them."""
    for command in tree.walk_commands():
        if isinstance(command, app_commands.Command):
            yield f"/{command.qualified_name}"


@pytest.mark.parametrize("command", SHELL_COMMANDS)
def test_the_readme_names_every_command_of_the_command_line(command: str) -> None:
    assert f"python -m bot {command}" in document("README.md")


async def test_the_readme_names_every_slash_command(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services, Threadwatch(services, EXTENSIONS) as bot:
        for extension in EXTENSIONS:
            await bot.load_extension(extension)
        commands = set(slash_commands(bot.tree))
    assert {"/setup", "/status", "/threshold set"} <= commands
    readme = document("README.md")
    assert {command for command in commands if f"`{command}" not in readme} == set()


@pytest.mark.parametrize("setting", ENVIRONMENT)
def test_the_example_file_explains_every_setting(setting: str) -> None:
    lines = document(".env.example").splitlines()
    (number,) = [number for number, line in enumerate(lines) if line.lstrip("#").startswith(f"{setting}=")]
    assert lines[number - 1].startswith("# "), "a sentence stands above it"


def test_the_example_file_holds_no_setting_that_is_none_and_no_secret() -> None:
    lines = [line.lstrip("#") for line in document(".env.example").splitlines() if "=" in line and "# " not in line]
    assert {line.split("=")[0] for line in lines} == set(ENVIRONMENT)
    assert dotenv_values(ROOT / ".env.example") == {"DISCORD_TOKEN": ""}


def test_the_readme_leads_to_the_settings() -> None:
    assert ".env.example" in document("README.md")


@pytest.mark.parametrize("target", ["demo", "test", "check", "run"])
def test_every_make_target_exists_and_is_named(target: str) -> None:
    assert f"\n{target}:" in document("Makefile")
    assert f"make {target}" in document("README.md") + document("CONTRIBUTING.md")


def test_files_that_the_readme_points_at_exist() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document("README.md"))
    assert [target for target in targets if not (ROOT / target).exists()] == []
