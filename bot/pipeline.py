"""The one way of a post: scores, verdict, record. The gateway, files and catch-up all enter here."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from bot.clock import Clock, system_clock
from bot.domain import Decision, Place, Post, Threshold
from bot.errors import ScoringFailed
from bot.policy import judge, resolve_thresholds
from bot.store import Store
from models.classifier import Classifier, ModelInfo, Prediction, Span
from models.explain import explain
from models.labels import ScoreKey

_Answer = TypeVar("_Answer")
_Where: TypeAlias = tuple[int, int] | None
"""A server and a channel or forum of it; None for posts from files."""


@dataclass(frozen=True, slots=True)
class Processed:
    """``is_new`` is False when this revision of the post had been decided before."""

    decision: Decision
    is_new: bool


class Pipeline:
    def __init__(self, classifier: Classifier, store: Store, clock: Clock = system_clock) -> None:
        self._classifier = classifier
        self._store = store
        self._clock = clock

    @property
    def info(self) -> ModelInfo:
        return self._classifier.info

    async def process(
        self, posts: Sequence[Post], *, open_reviews: bool, cursors: Mapping[int, int] | None = None
    ) -> list[Processed]:
        """Decide ``posts`` (in order) and write everything in one transaction.

        Raises ``ScoringFailed`` if the classifier did, ``StoreError`` if the decisions cannot be kept; in
        both cases nothing is written.
        """
        keys = [_revision(post) for post in posts]
        known = await self._store.decisions.find(posts)
        fresh = {key: post for key, post, decision in zip(keys, posts, known, strict=True) if decision is None}
        decided = dict(zip(fresh, await self._decide(list(fresh.values())), strict=True))
        processed: list[Processed] = []
        for key, decision in zip(keys, known, strict=True):
            is_new = fresh.pop(key, None) is not None  # the same revision may stand here twice
            processed.append(Processed(decision or decided[key], is_new))
        await self._store.decisions.record(
            [result.decision for result in processed], open_reviews=open_reviews, cursors=cursors
        )
        return processed

    async def judge(self, posts: Sequence[Post]) -> list[Decision]:
        """What ``process`` would decide; nothing is written. Raises ``ScoringFailed``."""
        return await self._decide(posts)

    async def thresholds(self, place: Place | None) -> dict[ScoreKey, Threshold]:
        """The thresholds in force where a post stands; posts from files meet the defaults."""
        return (await self._thresholds([place]))[_where(place)]

    async def _thresholds(self, places: Iterable[Place | None]) -> dict[_Where, dict[ScoreKey, Threshold]]:
        """``thresholds`` of many places, each channel of which is looked up once."""
        wanted = {_where(place) for place in places}
        channels = {where for where in wanted if where is not None}
        chosen = await self._store.thresholds.of_all({*channels, *((guild_id, None) for guild_id, _ in channels)})
        return {
            where: resolve_thresholds(self.info, chosen[where[0], None], chosen[where])
            if where
            else resolve_thresholds(self.info, {}, {})
            for where in wanted
        }

    async def _decide(self, posts: Sequence[Post]) -> list[Decision]:
        if not posts:
            return []
        started = time.perf_counter()
        predictions = await _asked(self._classifier.predict([post.classifier_input for post in posts]))
        latency_ms = (time.perf_counter() - started) * 1000
        thresholds = await self._thresholds(post.place for post in posts)
        in_force = {
            where: {key: threshold.value for key, threshold in found.items()} for where, found in thresholds.items()
        }
        decisions = [
            self._judge(post, prediction, in_force[_where(post.place)], latency_ms)
            for post, prediction in zip(posts, predictions, strict=True)
        ]
        return await self._explain(decisions, predictions)

    def _judge(
        self, post: Post, prediction: Prediction, in_force: Mapping[ScoreKey, float], latency_ms: float
    ) -> Decision:
        return Decision(
            post=post,
            model_version=self.info.version,
            scores=prediction.scores,
            thresholds=in_force,
            context=prediction.context,
            verdict=judge(prediction.scores, in_force, self.info),
            decided_at=self._clock(),
            latency_ms=latency_ms,
        )

    async def _explain(self, decisions: Sequence[Decision], predictions: Sequence[Prediction]) -> list[Decision]:
        """``decisions`` with what each flag rests on; asked for all at once, so that a classifier may join them."""
        flagged = [pair for pair in zip(decisions, predictions, strict=True) if pair[0].verdict.flagged]
        asked = [asyncio.create_task(self._decisive(decision, prediction)) for decision, prediction in flagged]
        try:
            spans = iter(await asyncio.gather(*asked))
        finally:
            for task in asked:
                task.cancel()
            if asked:
                await asyncio.wait(asked)
        return [
            replace(decision, decisive=next(spans)) if decision.verdict.flagged else decision for decision in decisions
        ]

    async def _decisive(self, decision: Decision, prediction: Prediction) -> Span:
        key = decision.verdict.flags[0]
        post, within = decision.post.classifier_input, prediction.spans[key]
        return (await _asked(explain(self._classifier, post, key, within, words=False))).decisive


async def _asked(answer: Awaitable[_Answer]) -> _Answer:
    """Whatever a classifier may raise comes out as ``ScoringFailed``."""
    try:
        return await answer
    except ScoringFailed:
        raise
    except Exception as error:
        raise ScoringFailed(f"the classifier failed: {type(error).__name__}") from error


def _where(place: Place | None) -> _Where:
    """What the thresholds of a place depend on."""
    return (place.guild_id, place.channel_id) if place else None


def _revision(post: Post) -> tuple[str, str, str]:
    return post.source, post.external_id, post.revision
