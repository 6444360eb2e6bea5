"""The command line, used as at a prompt."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.config import ENVIRONMENT, Settings
from models.classifier import Classifier
from tests.support.keyword import KeywordClassifier
from tests.support.world import rows


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote to its two streams."""

    code: int
    out: str
    err: str


class CommandLine:
    """`python -m bot …` in this process, in an empty folder, with the keyword classifier for a model."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.database = folder / "threadwatch.db"
        self.classifier = KeywordClassifier()
        self._patch = patch
        self._capture = capture
        for name in [*ENVIRONMENT, "FORCE_COLOR"]:
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "200")
        patch.setenv("THREADWATCH_DB", str(self.database))
        patch.chdir(folder)

        async def load(_: Settings) -> Classifier:
            return self.classifier

        patch.setattr("bot.app.load_classifier", load)
        patch.setattr("bot.cli.score.load_classifier", load)

    def write(self, name: str, content: Any) -> Path:
        """A file: bytes and strings as they are, a list as JSONL, anything else as JSON."""
        path = self.folder / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        path.write_bytes(content)
        return path

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Ended:
        self._patch.setattr("sys.argv", ["threadwatch", *map(str, arguments)])
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, *self._capture.readouterr())

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self.database, sql)
