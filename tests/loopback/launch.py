"""`python -m tests.loopback.launch --port P`: `python -m bot run`, but with the loopback Discord on port P."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

import bot.app
from bot.__main__ import main as bot_main
from models.classifier import Classifier
from tests.support.keyword import KeywordClassifier


def point_discord_at(port: int, patch: Callable[[object, str, object], None] = setattr) -> None:
    """discord.py takes the address of a resumed session from READY, all others from these two."""
    patch(Route, "BASE", f"http://127.0.0.1:{port}/api/v10")
    patch(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(f"ws://127.0.0.1:{port}/gateway/"))


def lose_patience_after(seconds: float) -> None:
    """discord.py leaves a silent gateway after a minute; tests have less time. Its pauses at connecting stay."""
    opened = DiscordWebSocket.from_client.__func__

    async def from_client(cls: type[DiscordWebSocket], *args: Any, **kwargs: Any) -> DiscordWebSocket:
        connected = await opened(cls, *args, **kwargs)
        connected._max_heartbeat_timeout = seconds
        return connected

    DiscordWebSocket.from_client = classmethod(from_client)


async def _keyword(_: Path) -> Classifier:
    return KeywordClassifier()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", choices=["keyword", "weights"], default="keyword")
    parser.add_argument("--silence", type=float, help="seconds after which a silent gateway is left")
    options = parser.parse_args()
    point_discord_at(options.port)
    if options.silence:
        lose_patience_after(options.silence)
    if options.model == "keyword":
        bot.app.load_classifier = _keyword
    sys.argv = ["threadwatch", "run"]
    bot_main()


if __name__ == "__main__":
    main()
