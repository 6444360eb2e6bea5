"""The one way of a post, in batches: what is known, what thresholds hold where, what flags rest on, what may fail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from typing_extensions import override

from bot.domain import Origin, Place, Post, Source
from bot.errors import ScoringFailed
from bot.pipeline import Pipeline
from bot.store import Store
from models.classifier import ClassifierInput, Prediction, Span
from models.labels import Axis, Label
from tests.support.keyword import KeywordClassifier
from tests.support.store_uses import Recorder
from tests.support.world import rows, until

GUILD, CHANNEL, MODERATOR = 1, 20, 7


class Explained(KeywordClassifier):
    """The first call scores a batch, each later one explains a post: it waits for ``together`` of those, then answers.

    ``fails``: what explaining a post with this text raises, before the others are answered.
    """

    def __init__(self, together: int = 1, fails: dict[str, Exception] | None = None) -> None:
        super().__init__()
        self.fails = fails or {}
        self.together = together
        self.calls = self.running = 0
        self.all_here = asyncio.Event()

    @override
    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        self.calls += 1
        if self.calls > 1:
            self.running += 1
            try:
                await self._explain(inputs[0].text)
            finally:
                self.running -= 1
        return await super().predict(inputs)

    async def _explain(self, text: str) -> None:
        if self.running == self.together:
            self.all_here.set()
        if text in self.fails:
            raise self.fails[text]
        await self.all_here.wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, clock=lambda: 1_000) as store:
        yield store


def post(number: int, text: str = "Hello.", channel_id: int = CHANNEL, guild_id: int = GUILD) -> Post:
    place = Place(guild_id, channel_id, 300)
    return Post(Source.DISCORD, str(number), "5", "alice", (text,), 0, place=place)


async def test_a_batch_of_known_new_and_repeated_posts_is_decided_in_order_and_scored_once(
    path: Path, store: Store
) -> None:
    classifier = KeywordClassifier()
    pipeline = Pipeline(classifier, store)
    await pipeline.process([post(1)], open_reviews=True)
    batch = [post(2), post(1), post(2), post(1, "Edited.")]
    processed = await pipeline.process(batch, open_reviews=True, cursors={300: 2})
    assert [result.is_new for result in processed] == [True, False, False, True]
    assert [result.decision.post for result in processed] == batch
    assert [seen.text for seen in classifier.seen] == ["Hello.", "Hello.", "Edited."]
    assert len(rows(path, "SELECT * FROM decisions")) == 3
    assert rows(path, "SELECT position FROM cursors") == [{"position": 2}]


async def test_no_posts_are_a_batch_too(path: Path, store: Store) -> None:
    classifier = KeywordClassifier()
    assert await Pipeline(classifier, store).process([], open_reviews=True, cursors={300: 5}) == []
    assert rows(path, "SELECT position FROM cursors") == [{"position": 5}] and classifier.seen == []


async def test_every_post_of_a_batch_meets_the_thresholds_of_its_own_place(store: Store) -> None:
    await store.thresholds.set(GUILD, None, Axis.INFLAMMATORY, 0.05, MODERATOR)
    await store.thresholds.set(GUILD, CHANNEL, Axis.INFLAMMATORY, 0.6, MODERATOR)
    await store.thresholds.set(GUILD, CHANNEL, Label.THREAT, 0.7, MODERATOR)
    pipeline = Pipeline(KeywordClassifier(), store)
    batch = [
        *(post(1), post(2, channel_id=CHANNEL + 1), post(3, guild_id=GUILD + 1)),
        *(replace(post(4), source=Source.FILE, place=None), post(5)),
    ]
    decisions = await pipeline.judge(batch)
    assert [each.thresholds[Axis.INFLAMMATORY] for each in decisions] == [0.6, 0.05, 0.5, 0.5, 0.6]
    assert [each.thresholds[Label.THREAT] for each in decisions] == [0.7, 0.8, 0.8, 0.8, 0.7]
    assert [each.verdict.flags for each in decisions] == [(), (Axis.INFLAMMATORY,), (), (), ()]
    for each in batch:
        shown = await pipeline.thresholds(each.place)
        decided = decisions[int(each.external_id) - 1].thresholds
        assert {key: threshold.value for key, threshold in shown.items()} == decided
    assert (await pipeline.thresholds(post(2).place))[Axis.INFLAMMATORY].origin is Origin.CHANNEL


async def test_a_threshold_that_is_set_while_the_model_computes_counts(store: Store) -> None:
    class Slow(KeywordClassifier):
        @override
        async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
            await store.thresholds.set(GUILD, None, Axis.INFLAMMATORY, 0.05, MODERATOR)
            return await super().predict(inputs)

    (decision,) = await Pipeline(Slow(), store).judge([post(1)])
    assert decision.verdict.flagged


async def test_the_store_is_asked_and_told_as_often_for_many_posts_as_for_one(store: Store) -> None:
    recorder, counts = Recorder(), list[int]()
    recorder.listen(store)
    for batch in ([post(1)], [post(number, channel_id=CHANNEL + number % 5) for number in range(2, 100)]):
        recorder.statements.clear()
        await Pipeline(KeywordClassifier(), store).process(batch, open_reviews=True)
        counts.append(len(recorder.statements))
    assert counts[0] == counts[1] < 10


async def test_the_flagged_posts_of_a_batch_are_explained_together(store: Store) -> None:
    async with asyncio.timeout(3):
        decisions = await Pipeline(Explained(together=2), store).judge(
            [post(1, "You idiot."), post(2), post(3, "Fine words. A cabal!")]
        )
    assert [each.decisive for each in decisions] == [Span(0, 10), None, Span(12, 20)]


@pytest.mark.parametrize("error", [RuntimeError("no memory"), ScoringFailed("no answer in 60 s")])
async def test_an_explanation_that_fails_fails_the_batch_and_leaves_nothing_running(
    path: Path, store: Store, error: Exception
) -> None:
    classifier = Explained(together=4, fails={"You idiot.": error, "A cabal!": ValueError("later")})
    batch = [post(1, "I will kill it."), post(2, "You idiot."), post(3, "A cabal!"), post(4)]
    async with asyncio.timeout(3):
        with pytest.raises(ScoringFailed) as failed:
            await Pipeline(classifier, store).process(batch, open_reviews=True, cursors={300: 4})
    assert failed.value is error or failed.value.__cause__ is error
    assert classifier.calls > 1 and classifier.running == 0
    for table in ("posts", "decisions", "cursors"):
        assert rows(path, f"SELECT * FROM {table}") == []


async def test_a_batch_that_is_called_off_while_it_is_explained_leaves_nothing_running(
    path: Path, store: Store
) -> None:
    classifier = Explained(together=3)
    process = Pipeline(classifier, store).process([post(1, "You idiot."), post(2, "A cabal!")], open_reviews=True)
    task = asyncio.create_task(process)
    await until(lambda: classifier.running == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert classifier.running == 0 and rows(path, "SELECT * FROM posts") == []
