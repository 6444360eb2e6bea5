"""Composition root: the one place that knows concrete classes. Opens everything, logs in nowhere."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

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


async def load_classifier(settings: Settings) -> Classifier:
    """The classifier that the settings name; raises ``ModelError``. Imports and files take seconds, so in a thread."""

    def load() -> Classifier:
        from models import loading

        return loading.load_classifier(settings.model, settings.runtime)

    return await asyncio.to_thread(load)


@asynccontextmanager
async def running(
    settings: Settings, *, classifier: Classifier | None = None, clock: Clock = system_clock
) -> AsyncGenerator[Services]:
    """Open the store, load the model, start the workers. Raises ``StoreError`` and ``ModelError``."""
    async with Store.open(settings.database, clock=clock) as store:
        health = Health(clock)

        async def load() -> Classifier:
            return classifier or await load_classifier(settings)

        pipeline = Pipeline(SupervisedClassifier(await load(), load, health), store, clock)
        cursors = CursorTracker(await store.decisions.cursors())
        async with Intake(pipeline, store, cursors, health, settings.queue_size) as intake:
            yield Services(settings, store, pipeline, intake, cursors, health, clock)
