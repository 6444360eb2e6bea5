"""Fixtures: settings on a fresh database file, a world with the keyword classifier, a tiny model that is not ours."""

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bot.config import Settings
from tests.support.world import World, open_world

if TYPE_CHECKING:
    from tests.support.tiny_model import Describe

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "threadwatch.db")


@pytest_asyncio.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with open_world(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def trained_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.tiny_model import save_bert

    return save_bert(tmp_path_factory.mktemp("own") / "tiny-bert", problem_type="multi_label_classification")


@pytest.fixture
def bert(tmp_path: Path, trained_bert: Path) -> Path:
    """A copy to harm: the folder `tiny-bert` beside the TOML file."""
    return Path(copytree(trained_bert, tmp_path / "tiny-bert"))


@pytest.fixture
def describe(tmp_path: Path, bert: Path) -> "Describe":
    """Writes the TOML file, which names the folder ``bert`` unless ``head`` does otherwise."""
    from tests.support.tiny_model import write_toml

    return partial(write_toml, bert.parent)
