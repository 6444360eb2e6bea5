"""`doctor` asks Discord: what it says of each answer, of none, and without a token."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cli.ask_discord import MESSAGE_CONTENT, clock
from bot.cli.doctor import doctor
from bot.cli.finding import Level
from bot.config import Settings
from tests.support.doctor import Discord, Run, examiner, sound_settings


@pytest.fixture
def discord() -> Discord:
    return Discord()


@pytest.fixture
def sound(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return sound_settings(settings, tmp_path, monkeypatch)


@pytest.fixture
def run(discord: Discord, capsys: pytest.CaptureFixture[str]) -> Run:
    return examiner(discord, capsys)


async def test_offline_asks_nobody(sound: Settings, run: Run, discord: Discord) -> None:
    well, out = await run(sound, online=False)
    assert well and "⚠ Discord is not asked" in out and discord.tokens == set()


async def test_no_network_is_a_warning(sound: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await doctor(lambda: sound, discord="http://127.0.0.1:9")
    assert "⚠ Discord cannot be reached" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"status": 401}, "✗ Discord refused the token"),
        ({"status": 503}, "⚠ token: not known, Discord answered HTTP 503"),
        ({"flags": 0}, "✗ The Message Content intent is off"),
        ({"flags": 1 << 18}, "✓ the Message Content intent is on"),
        ({"flags": ~MESSAGE_CONTENT & 0xFFFFFF}, "✗ The Message Content intent is off"),
        ({"behind": 20}, "⚠ clock: 20 s ahead"),
        ({"behind": -3600}, "✗ clock: 3600 s behind"),
    ],
)
async def test_what_discord_answers(
    sound: Settings, run: Run, discord: Discord, change: dict[str, Any], line: str
) -> None:
    for name, value in change.items():
        setattr(discord, name, value)
    out = (await run(sound))[1]
    assert line in out.replace("19 s", "20 s").replace("3601 s", "3600 s")


def test_a_missing_date_is_a_warning() -> None:
    assert clock({}, 0).level == clock({"Date": "soon"}, 0).level == Level.WARNING


async def test_a_missing_token_is_told_with_how_to_get_one(sound: Settings, run: Run, discord: Discord) -> None:
    well, out = await run(replace(sound, token=None))
    assert not well and "✗ DISCORD_TOKEN is not set" in out and "Reset Token" in out and not discord.tokens
