"""A sound installation for `doctor` to examine, and a Discord for it to ask."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.doctor import doctor
from bot.config import Settings
from models.classifier import Classifier
from tests.support.keyword import KeywordClassifier
from tests.test_cli_run import TOKEN

Run = Callable[..., Awaitable[tuple[bool, str]]]
GOOD_FLAGS = 1 << 19


class Discord:
    """Answers as Discord's API does."""

    def __init__(self) -> None:
        self.flags = GOOD_FLAGS
        self.status = 200
        self.behind = 0.0
        self.tokens: set[str | None] = set()

    async def __call__(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers.get("Authorization"))
        date = formatdate(time() - self.behind, usegmt=True)
        content = {"username": "Threadwatch"} if request.path == "/users/@me" else {"flags": self.flags}
        return web.json_response(content, status=self.status, headers={"Date": date})


def sound_settings(settings: Settings, folder: Path, patch: pytest.MonkeyPatch) -> Settings:
    """Settings with which the bot could run in ``folder``; the model is no folder of ours."""
    patch.chdir(folder)

    async def load(_: Settings) -> Classifier:
        return KeywordClassifier()

    patch.setattr("bot.cli.doctor.load_classifier", load)
    return replace(settings, token=TOKEN, model=folder / "own.toml")


def examiner(discord: Discord, capture: pytest.CaptureFixture[str]) -> Run:
    """Runs `doctor` on settings: whether all is well, and what it wrote."""

    async def examine(settings: Settings, *, online: bool = True) -> tuple[bool, str]:
        app = web.Application()
        app.router.add_get("/users/@me", discord)
        app.router.add_get("/oauth2/applications/@me", discord)
        async with TestServer(app) as server:
            well = await doctor(lambda: settings, discord=str(server.make_url("")).rstrip("/") if online else None)
        out = capture.readouterr().out
        assert "s3cret" not in out
        assert well == ("✗" not in out), out
        return well, out

    return examine
