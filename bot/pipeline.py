"""The one way of a post: scores, verdict, record. The gateway, files and catch-up all enter here."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.clock import Clock, system_clock
from bot.domain import Decision, Place, Post, Threshold
from bot.errors import ScoringFailed
from bot.policy import judge, resolve_thresholds
from bot.store import Store
from models.classifier import Classifier, ModelInfo, Prediction
from models.explain import explain
from models.labels import ScoreKey


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
        known = [await self._store.decisions.find(post) for post in posts]
        fresh = {_revision(post): post for post, decision in zip(posts, known, strict=True) if decision is None}
        decided = dict(zip(fresh, await self._decide(list(fresh.values())), strict=True))
        processed: list[Processed] = []
        for post, decision in zip(posts, known, strict=True):
            is_new = fresh.pop(_revision(post), None) is not None  # the same revision may stand here twice
            processed.append(Processed(decision or decided[_revision(post)], is_new))
        await self._store.decisions.record(
            [result.decision for result in processed], open_reviews=open_reviews, cursors=cursors
        )
        return processed

    async def judge(self, posts: Sequence[Post]) -> list[Decision]:
        """What ``process`` would decide; nothing is written. Raises ``ScoringFailed``."""
        return await self._decide(posts)

    async def thresholds(self, place: Place | None) -> dict[ScoreKey, Threshold]:
        """The thresholds in force where a post stands; posts from files meet the defaults."""
        if place is None:
            return resolve_thresholds(self.info, {}, {})
        server = await self._store.thresholds.of(place.guild_id, None)
        channel = await self._store.thresholds.of(place.guild_id, place.channel_id)
        return resolve_thresholds(self.info, server, channel)

    async def _decide(self, posts: Sequence[Post]) -> list[Decision]:
        if not posts:
            return []
        started = time.perf_counter()
        try:
            predictions = await self._classifier.predict([post.classifier_input for post in posts])
        except ScoringFailed:
            raise
        except Exception as error:
            raise ScoringFailed(f"the classifier failed: {type(error).__name__}") from error
        latency_ms = (time.perf_counter() - started) * 1000
        return [
            await self._judge(post, prediction, latency_ms) for post, prediction in zip(posts, predictions, strict=True)
        ]

    async def _judge(self, post: Post, prediction: Prediction, latency_ms: float) -> Decision:
        in_force = {key: threshold.value for key, threshold in (await self.thresholds(post.place)).items()}
        verdict = judge(prediction.scores, in_force, self.info)
        decision = Decision(
            post=post,
            model_version=self.info.version,
            scores=prediction.scores,
            thresholds=in_force,
            context=prediction.context,
            verdict=verdict,
            decided_at=self._clock(),
            latency_ms=latency_ms,
        )
        if not verdict.flagged:
            return decision
        key = verdict.flags[0]
        try:
            why = await explain(self._classifier, post.classifier_input, key, prediction.spans[key], words=False)
        except ScoringFailed:
            raise
        except Exception as error:
            raise ScoringFailed(f"the classifier failed: {type(error).__name__}") from error
        return replace(decision, decisive=why.decisive)


def _revision(post: Post) -> tuple[str, str, str]:
    return post.source, post.external_id, post.revision
