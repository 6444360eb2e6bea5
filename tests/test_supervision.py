"""A classifier that hangs, or dies in a way of its own, stops nothing but the post it hung on."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest
from typing_extensions import override

from bot.app import running
from bot.clock import system_clock
from bot.config import Settings
from bot.domain import Post, Source
from bot.errors import ScoringFailed
from bot.health import Health
from bot.supervision import SupervisedClassifier
from models.classifier import Classifier, ClassifierInput, Prediction
from models.worker import OneThread
from tests.support.keyword import KeywordClassifier

HANG, PANIC = "hang here", "panic here"


class Panic(BaseException):
    """As compiled libraries raise it."""


class Fragile(KeywordClassifier):
    @override
    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        if any(HANG in post.text for post in inputs):
            await asyncio.get_running_loop().run_in_executor(OneThread("hangs"), threading.Event().wait)
        if any(PANIC in post.text for post in inputs):
            raise Panic
        return await super().predict(inputs)


def supervised(deadline: float = 0.1) -> tuple[SupervisedClassifier, list[Classifier]]:
    loaded: list[Classifier] = [Fragile()]

    async def load() -> Classifier:
        loaded.append(Fragile())
        return loaded[-1]

    return SupervisedClassifier(loaded[0], load, Health(system_clock), deadline), loaded


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


def test_a_thread_that_hangs_does_not_keep_the_program_from_ending() -> None:
    script = "import threading; from models.worker import OneThread; OneThread('x').submit(threading.Event().wait)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_jobs_run_one_after_another_and_tell_their_errors() -> None:
    worker = OneThread("test")
    jobs = [worker.submit(divmod, 7, number) for number in (2, 0, 7)]
    assert jobs[0].result(5) == (3, 1) and isinstance(jobs[1].exception(5), ZeroDivisionError)
    assert jobs[2].result(5) == (1, 0)


def test_the_thread_ends_with_its_executor() -> None:
    worker = OneThread("short-lived")
    worker.submit(int).result(5)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "short-lived")
    del worker
    thread.join(5)
    assert not thread.is_alive()
