"""A deadline for the classifier: one post that makes it hang must not stop the reading of all others.

A classifier that hangs is left behind and a new one loaded, but its thread cannot be ended and keeps its memory. So
when the third new one hangs too the process gives up (``Health.give_up``): the bot ends itself with an error, and what
supervises it starts it anew. No post is lost: what was not decided lies behind the cursors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bot.errors import ScoringFailed
from bot.health import Health
from models.classifier import Classifier, ClassifierInput, ModelInfo, Prediction

DEADLINE_SECONDS = 120.0
"""For a batch. A slow machine takes some seconds for one."""
REPLACEMENTS = 3
"""Within the life of a process."""


class SupervisedClassifier:
    """Passes posts on; a classifier that hangs is left behind, and a new one loaded in its place."""

    def __init__(
        self,
        classifier: Classifier,
        load: Callable[[], Awaitable[Classifier]],
        health: Health,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self._classifier = classifier
        self._load = load
        self._health = health
        self._deadline = deadline
        self._loading = asyncio.Lock()
        self._replacements = 0

    @property
    def info(self) -> ModelInfo:
        return self._classifier.info

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        """Raises ``ScoringFailed`` after the deadline, and what the classifier raises."""
        asked = self._classifier
        try:
            async with asyncio.timeout(self._deadline):
                return await asked.predict(inputs)
        except TimeoutError as error:
            await self._replace(asked)
            raise ScoringFailed(f"the classifier gave no answer within {self._deadline:g} s") from error
        except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as panic:  # a compiled library's panic is no Exception, and would end the worker
            raise ScoringFailed(f"the classifier failed: {type(panic).__name__}") from panic

    async def _replace(self, hung: Classifier) -> None:
        """Callers that waited for the same one load one new between them, a few times in all."""
        async with self._loading:
            if self._classifier is not hung:
                return
            if self._replacements == REPLACEMENTS:
                self._health.give_up(
                    f"The classifier hangs for the {REPLACEMENTS + 1}th time. Only a new start frees its memory; "
                    "what was not read is read then. If it comes back, look at the machine's load and at the model."
                )
                return
            self._health.note_error("The classifier hangs. It is left behind and loaded anew.")
            self._classifier = await self._load()
            self._replacements += 1
