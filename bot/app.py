"""Composition root: the one place that knows concrete classes. Opens everything, logs in nowhere."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock, system_clock
from bot.config import Settings
from bot.cursors import CursorTracker
from bot.health import Health
from bot.intake import Intake
from bot.pipeline import Pipeline
from bot.store import Store
from bot.supervision import SupervisedClassifier
from models.classifier import Classifier, ModelInfo


@dataclass(frozen=True, slots=True)
class Services:
    """What the cogs, the command line and the tests work with."""

    settings: Settings
    store: Store
    pipeline: Pipeline
    intake: Intake
    cursors: CursorTracker
    health: Health
    clock: Clock

    @property
    def model(self) -> ModelInfo:
        return self.pipeline.info


async def load_classifier(path: Path) -> Classifier:
    """The classifier in a weights folder of ours, or the one that a TOML file describes; raises ``ModelError``.

    Importing torch takes seconds, so only here.
    """

    def load() -> Classifier:
        if path.suffix == ".toml":
            from models.foreign import load_foreign

            return load_foreign(path)
        from models.transformer import TransformerClassifier

        return TransformerClassifier.load(path)

    return await asyncio.to_thread(load)


@asynccontextmanager
async def running(
    settings: Settings, *, classifier: Classifier | None = None, clock: Clock = system_clock
) -> AsyncGenerator[Services]:
    """Open the store, load the model, start the workers. Raises ``StoreError`` and ``ModelError``."""
    async with Store.open(settings.database, clock=clock) as store:
        health = Health(clock)

        async def load() -> Classifier:
            return classifier or await load_classifier(settings.model)

        pipeline = Pipeline(SupervisedClassifier(await load(), load, health), store, clock)
        cursors = CursorTracker(await store.decisions.cursors())
        async with Intake(pipeline, store, cursors, health, settings.queue_size) as intake:
            yield Services(settings, store, pipeline, intake, cursors, health, clock)
