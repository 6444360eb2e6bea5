"""Settings from the environment and `.env`. All faults are reported at once, secrets never shown."""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from bot.errors import ConfigError
from models.classifier import Runtime

WHERE_TO_GET_ONE = (
    "Get one at https://discord.com/developers/applications: your application, then Bot, then "
    "Reset Token; put it into .env (or where your service keeps its settings) as DISCORD_TOKEN=…"
)
PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """One field a setting; `.env.example` documents each. ``token`` is kept out of the repr."""

    token: str | None = field(default=None, repr=False)
    database: Path = PROJECT_ROOT / "data" / "threadwatch.db"
    model: Path = PROJECT_ROOT / "models" / "weights"
    runtime: Runtime = Runtime.AUTO
    cards_per_minute: int = 10
    retention_days: int = 30
    queue_size: int = 1000
    catchup_days: int = 7
    reconcile_hours: int = 48
    log_level: str = "INFO"
    heartbeat: Path | None = None

    def require_token(self) -> str:
        """The bot token; raises ``ConfigError`` that says how to get one."""
        if self.token is None:
            raise ConfigError(f"DISCORD_TOKEN is not set. {WHERE_TO_GET_ONE}")
        return self.token


ENVIRONMENT = {
    "DISCORD_TOKEN": "token",
    "THREADWATCH_DB": "database",
    "THREADWATCH_MODEL": "model",
    "THREADWATCH_RUNTIME": "runtime",
    "THREADWATCH_CARDS_PER_MINUTE": "cards_per_minute",
    "THREADWATCH_RETENTION_DAYS": "retention_days",
    "THREADWATCH_QUEUE_SIZE": "queue_size",
    "THREADWATCH_CATCHUP_DAYS": "catchup_days",
    "THREADWATCH_RECONCILE_HOURS": "reconcile_hours",
    "THREADWATCH_LOG_LEVEL": "log_level",
    "THREADWATCH_HEARTBEAT": "heartbeat",
}


def load_settings(env_file: Path = Path(".env"), environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings; the process environment wins over ``env_file``. Raises ``ConfigError``."""
    try:
        written = dotenv_values(env_file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file} cannot be read as UTF-8 text ({error}). Save it as UTF-8.") from error
    given = {**written, **(os.environ if environment is None else environment)}
    faults: list[str] = []
    values: dict[str, object] = {}
    for variable, name in ENVIRONMENT.items():
        raw = (given.get(variable) or "").strip()
        if raw:
            try:
                values[name] = _PARSERS[name](raw)
            except ValueError as error:
                faults.append(f"{variable}: {error}")
    faults += [
        f"{variable}: unknown setting; known are {', '.join(ENVIRONMENT)}"
        for variable in given
        if variable.startswith("THREADWATCH_") and variable not in ENVIRONMENT
    ]
    if faults:
        raise ConfigError("The settings have faults:\n" + "\n".join(f"- {fault}" for fault in faults))
    return Settings(**values)  # pyright: ignore[reportArgumentType]  # names and types match by the tables


def application_id(token: str) -> int:
    """The bot's application id, which is the first part of its token."""
    first = token.split(".", maxsplit=1)[0]
    return int(base64.b64decode(first + "=" * (-len(first) % 4), validate=True))


def _token(raw: str) -> str:
    malformed = f"this does not look like a bot token (three parts joined by dots). {WHERE_TO_GET_ONE}"
    if not re.fullmatch(r"[\w-]{18,}\.[\w-]{5,}\.[\w-]{25,}", raw):
        raise ValueError(malformed)
    try:
        application_id(raw)
    except (ValueError, binascii.Error):
        raise ValueError(malformed) from None
    return raw


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.isdecimal() or not low <= int(raw) <= high:
            raise ValueError(f"{raw!r} is not a whole number from {low} to {high}")
        return int(raw)

    return parse


def _runtime(raw: str) -> Runtime:
    known = [runtime.value for runtime in Runtime]
    if raw.lower() not in known:
        raise ValueError(f"{raw!r} is not one of {', '.join(known)}")
    return Runtime(raw.lower())


def _log_level(raw: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if raw.upper() not in levels:
        raise ValueError(f"{raw!r} is not one of {', '.join(levels)}")
    return raw.upper()


_PARSERS: dict[str, Callable[[str], object]] = {
    "token": _token,
    "database": lambda raw: Path(raw).expanduser(),
    "model": lambda raw: Path(raw).expanduser(),
    "runtime": _runtime,
    "cards_per_minute": _whole_number(1, 60),
    "retention_days": _whole_number(1, 3650),
    "queue_size": _whole_number(10, 100_000),
    "catchup_days": _whole_number(1, 365),
    "reconcile_hours": _whole_number(0, 720),
    "log_level": _log_level,
    "heartbeat": lambda raw: Path(raw).expanduser(),
}
