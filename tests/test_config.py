"""Settings from the environment and `.env`: faults together, secrets never shown."""

import base64
from pathlib import Path

import pytest

from bot.config import ENVIRONMENT, Settings, application_id, load_settings
from bot.errors import ConfigError
from models.classifier import Runtime

APPLICATION = 123456789012345678
TOKEN = base64.b64encode(str(APPLICATION).encode()).decode().rstrip("=") + ".Gabcde." + "s3cret-" * 5
NO_FILE = Path("no-such-folder/.env")


def load(**environment: str) -> Settings:
    return load_settings(NO_FILE, environment)


def fault(**environment: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(**environment)
    return str(raised.value)


def test_without_anything_set_the_defaults_hold() -> None:
    settings = load()
    assert settings == Settings()
    assert settings.database.is_absolute() and settings.model.is_absolute()


def test_every_setting_can_be_set(tmp_path: Path) -> None:
    given = {
        "DISCORD_TOKEN": TOKEN,
        "THREADWATCH_DB": str(tmp_path / "x.db"),
        "THREADWATCH_MODEL": "~/weights",
        "THREADWATCH_RUNTIME": "Torch",
        "THREADWATCH_CARDS_PER_MINUTE": "60",
        "THREADWATCH_RETENTION_DAYS": " 1 ",
        "THREADWATCH_QUEUE_SIZE": "10",
        "THREADWATCH_CATCHUP_DAYS": "30",
        "THREADWATCH_RECONCILE_HOURS": "0",
        "THREADWATCH_LOG_LEVEL": "debug",
        "THREADWATCH_HEARTBEAT": str(tmp_path / "beat.json"),
    }
    assert set(given) == set(ENVIRONMENT)
    expected = Settings(
        *(TOKEN, tmp_path / "x.db", Path.home() / "weights", Runtime.TORCH),
        *(60, 1, 10, 30, 0, "DEBUG", tmp_path / "beat.json"),
    )
    assert load_settings(NO_FILE, given) == expected


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("THREADWATCH_LOG_LEVEL=ERROR\nTHREADWATCH_QUEUE_SIZE=20\n", encoding="utf-8")
    settings = load_settings(file, {"THREADWATCH_LOG_LEVEL": "DEBUG"})
    assert (settings.log_level, settings.queue_size) == ("DEBUG", 20)


@pytest.mark.parametrize("empty", ["", "   "])
def test_a_setting_left_empty_is_one_left_out(empty: str) -> None:
    assert load(DISCORD_TOKEN=empty, THREADWATCH_DB=empty, THREADWATCH_QUEUE_SIZE=empty) == Settings()


def test_all_faults_are_told_at_once_and_by_name() -> None:
    said = fault(
        DISCORD_TOKEN="nonsense",
        THREADWATCH_CARDS_PER_MINUTE="0",
        THREADWATCH_RETENTION_DAYS="-1",
        THREADWATCH_QUEUE_SIZE="many",
        THREADWATCH_LOG_LEVEL="LOUD",
        THREADWATCH_TOKEN="x",
    )
    lines = said.splitlines()[1:]
    assert len(lines) == 6
    for name in ("DISCORD_TOKEN", "CARDS_PER_MINUTE", "RETENTION_DAYS", "QUEUE_SIZE", "LOG_LEVEL", "THREADWATCH_TOKEN"):
        assert sum(name in line.split(":")[0] for line in lines) == 1, name


def test_an_unknown_setting_is_named_with_the_known_ones_and_not_its_value() -> None:
    said = fault(THREADWATCH_DATABASE="my-secret-place")
    assert "THREADWATCH_DATABASE: unknown" in said and "THREADWATCH_DB" in said
    assert "my-secret-place" not in said


def test_other_programs_settings_are_none_of_our_business() -> None:
    assert load(PATH="/bin", DISCORD_OTHER="x", threadwatch_db="y") == Settings()


@pytest.mark.parametrize("value", ["61", "0", "-3", "2.5", "1e1", "ten", "9" * 20, "٣٣٣"])
def test_a_number_out_of_range_is_refused_with_the_range(value: str) -> None:
    assert "from 1 to 60" in fault(THREADWATCH_CARDS_PER_MINUTE=value)


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "Bot " + TOKEN,
        TOKEN + "!",
        TOKEN.replace(".", ""),
        "x" * 24 + TOKEN[TOKEN.index(".") :],
        base64.b64encode(b"not a number at all").decode().rstrip("=") + TOKEN[TOKEN.index(".") :],
        "é" * 24 + TOKEN[TOKEN.index(".") :],
        '"' + TOKEN,
    ],
)
def test_a_malformed_token_is_refused_with_how_to_get_one_and_without_showing_it(token: str) -> None:
    said = fault(DISCORD_TOKEN=token)
    assert "https://discord.com/developers/applications" in said and "Reset Token" in said
    assert token not in said and TOKEN not in said and "s3cret" not in said


def test_a_missing_token_is_told_with_how_to_get_one() -> None:
    with pytest.raises(ConfigError, match=r"DISCORD_TOKEN is not set.*discord\.com/developers.*Reset Token"):
        load().require_token()


def test_the_token_is_not_in_what_is_printed_of_the_settings() -> None:
    settings = load(DISCORD_TOKEN=TOKEN)
    assert settings.require_token() == TOKEN
    assert "s3cret" not in repr(settings) and "s3cret" not in str(settings)


def test_the_token_names_the_application() -> None:
    assert application_id(TOKEN) == APPLICATION


def test_quotes_spaces_and_comments_in_the_file_are_no_part_of_a_setting(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f'# ours\nexport DISCORD_TOKEN = "{TOKEN}"\nTHREADWATCH_LOG_LEVEL=INFO # usual\n', encoding="utf-8")
    settings = load_settings(file, {})
    assert settings.token == TOKEN and settings.log_level == "INFO"


def test_a_file_that_is_not_text_is_a_fault_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("DISCORD_TOKEN=abc\n".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"\.env"):
        load_settings(file, {})


def test_the_shipped_example_is_a_working_file() -> None:
    assert load_settings(Path(__file__).parent.parent / ".env.example", {}) == Settings()
