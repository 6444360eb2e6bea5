"""A classifier that hangs, or dies in a way of its own, stops nothing but the post it hung on."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from typing_extensions import override

from bot.app import Services, running
from bot.clock import system_clock
from bot.config import Settings
from bot.domain import Place, Post, Source
from bot.errors import ScoringFailed, ThreadwatchError
from bot.health import Health
from bot.login import run_bot
from bot.supervision import REPLACEMENTS, SupervisedClassifier
from models.batcher import Batcher
from models.classifier import Classifier, ClassifierInput, Prediction
from tests.support.keyword import KeywordClassifier
from tests.support.world import rows

HANG, PANIC = "hang here", "panic here"


class Panic(BaseException):
    """As compiled libraries raise it."""


class Fragile(KeywordClassifier):
    @override
    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        if any(HANG in post.text for post in inputs):
            hung: Batcher[str, str] = Batcher("hangs", lambda _: [str(threading.Event().wait())], len, 1)
            await asyncio.wrap_future(hung.ask(["post"]))
        if any(PANIC in post.text for post in inputs):
            raise Panic
        return await super().predict(inputs)


def supervised() -> tuple[SupervisedClassifier, list[Classifier]]:
    return supervised_with_health()[:2]


def supervised_with_health(deadline: float = 0.1) -> tuple[SupervisedClassifier, list[Classifier], Health]:
    loaded: list[Classifier] = [Fragile()]
    health = Health(system_clock)

    async def load() -> Classifier:
        loaded.append(Fragile())
        return loaded[-1]

    return SupervisedClassifier(loaded[0], load, health, deadline), loaded, health


async def test_a_classifier_that_hangs_is_replaced_and_the_next_post_is_scored() -> None:
    classifier, loaded = supervised()
    with pytest.raises(ScoringFailed, match=r"no answer within 0\.1 s"):
        await classifier.predict([ClassifierInput(HANG)])
    assert len(loaded) == 2
    (prediction,) = await classifier.predict([ClassifierInput("You idiot.")])
    assert max(prediction.scores.values()) > 0.5


async def test_callers_that_wait_for_the_same_hanging_classifier_load_one_new() -> None:
    classifier, loaded = supervised()
    results = await asyncio.gather(
        *(classifier.predict([ClassifierInput(HANG)]) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, ScoringFailed) for result in results) and len(loaded) == 2


async def test_a_classifier_that_hangs_after_three_replacements_is_not_replaced_but_the_process_gives_up() -> None:
    classifier, loaded, health = supervised_with_health()
    for _ in range(REPLACEMENTS):
        with pytest.raises(ScoringFailed):
            await classifier.predict([ClassifierInput(HANG)])
    assert not health.ending.is_set()
    with pytest.raises(ScoringFailed):
        await classifier.predict([ClassifierInput(HANG)])
    assert len(loaded) == 1 + REPLACEMENTS and health.ending.is_set()
    assert "hangs for the 4th time" in str(health.last_error)


async def test_a_bot_that_gives_up_ends_and_says_why_and_what_was_not_read_stays_behind_the_cursor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def opening(settings: Settings) -> AsyncIterator[Services]:
        async with running(settings, classifier=Fragile()) as services:
            opened.set_result(services)
            yield services

    async def connected(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.login.running", opening)
    monkeypatch.setattr("bot.intake.DRAIN_SECONDS", 0.05)
    monkeypatch.setattr("bot.login.Threadwatch.start", connected)
    monkeypatch.setattr("bot.supervision.SupervisedClassifier.__init__.__defaults__", (0.3,))
    ended = asyncio.create_task(run_bot(settings, "token", ()))
    services = await opened
    services.cursors.owed_since(2, 1)
    services.cursors.born(2, None)
    posts = [Post(Source.DISCORD, str(number), "1", "ann", (HANG,), 0, place=Place(1, 2)) for number in range(10, 14)]
    for post in posts:
        services.cursors.arrived(2, int(post.external_id))
        services.intake.put(post)
    with pytest.raises(ThreadwatchError, match="hangs for the 4th time"):
        await asyncio.wait_for(ended, 10)
    assert not services.intake.working
    (cursor,) = rows(settings.database, "SELECT position FROM cursors")
    assert 10 <= cursor["position"] < 13, "the post that nobody came to read"


async def test_a_panic_is_an_ordinary_failure_for_its_caller() -> None:
    classifier, loaded = supervised()
    with pytest.raises(ScoringFailed, match="Panic"):
        await classifier.predict([ClassifierInput(PANIC)])
    assert len(loaded) == 1


@pytest.mark.parametrize("poison", [HANG, PANIC])
async def test_the_posts_beside_it_in_the_batch_are_decided(
    settings: Settings, poison: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.supervision.SupervisedClassifier.__init__.__defaults__", (0.2,))
    async with running(settings, classifier=Fragile()) as services:
        texts = ["Hello.", poison, "Good night."]
        waiting = [
            services.intake.put(Post(Source.FILE, str(number), "1", "ann", (text,), 0))
            for number, text in enumerate(texts)
        ]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(result, ScoringFailed) for result in results] == [False, True, False]
        assert services.health.last_error is not None
