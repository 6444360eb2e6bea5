"""The queue of posts: full, with a post that cannot be scored, with a database that is busy, at the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from typing_extensions import override

from bot import intake
from bot.app import running
from bot.config import Settings
from bot.domain import Place, Post, Source
from bot.errors import IntakeFull, ScoringFailed, StoreError
from models.classifier import ClassifierInput, Prediction
from tests.support.keyword import KeywordClassifier
from tests.support.world import HeldClassifier, World, open_world, rows, text_of, until

PLACE = Place(guild_id=1, channel_id=2)


def _post(number: int, text: str = "Hello.") -> Post:
    return Post(Source.DISCORD, str(number), "7", "alice", (text,), created_at=0, place=PLACE)


def _say(world: World, *texts: str) -> list[int]:
    """Alice posts without waiting for the bot; returns the messages' ids."""
    create = world.env.backend.create_message
    return [create(world.chat.id, world.alice.id, text).id for text in texts]


async def _decided(world: World) -> set[int]:
    return {int(decision["external_id"]) for decision in await world.decisions()}


async def _cursor(world: World) -> int:
    rows = await world.rows("SELECT * FROM cursors")
    return next(row["position"] for row in rows if row["channel_id"] == world.chat.id)


@asynccontextmanager
async def _held(settings: Settings, classifier: HeldClassifier) -> AsyncIterator[World]:
    """A world whose worker holds one post, so that those that follow pile up."""
    async with open_world(settings, classifier) as world:
        await world.set_up()
        _say(world, "Good morning.")
        await until(classifier.reached.is_set)
        try:
            yield world
        finally:
            classifier.release.set()


async def test_a_full_queue_refuses_at_once(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(replace(settings, queue_size=1), classifier=classifier) as services:
        first = services.intake.put(_post(1))
        await until(classifier.reached.is_set)
        second = services.intake.put(_post(2))
        with pytest.raises(IntakeFull, match="1 posts are waiting"):
            services.intake.put(_post(3))
        classifier.release.set()
        assert (await first).is_new and (await second).is_new


async def test_a_post_that_found_the_queue_full_stays_ahead_of_the_cursor_and_is_read_later(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with _held(replace(settings, queue_size=1), classifier) as world:
        (waits,) = _say(world, "You idiot.")
        await until(lambda: len(world.services.intake) == 1)
        (left,) = _say(world, "What an idiot.")
        await until(lambda: world.services.health.last_error is not None)
        assert "left for catch-up" in str(world.services.health.last_error)
        classifier.release.set()
        await until(lambda: len(world.services.intake) == 0)
        assert left not in await _decided(world) and await _cursor(world) < left
        await world.env.settle()  # as long as it takes to read it from history
        assert {waits, left} < await _decided(world)
        (after,) = _say(world, "Good night.")
        await world.env.settle()
        assert await _cursor(world) == after


async def test_an_edit_that_finds_the_queue_full_is_decided_when_there_is_room(settings: Settings) -> None:
    """The cursor has passed an edited post, so catch-up would not find it again."""
    classifier = HeldClassifier()
    async with _held(replace(settings, queue_size=1), classifier) as world:
        classifier.release.set()
        (edited,) = _say(world, "You are late.")
        await world.env.settle()
        classifier.release.clear()
        classifier.reached.clear()
        _say(world, "Hello.")
        await until(classifier.reached.is_set)
        _say(world, "Hello again.")
        await until(lambda: len(world.services.intake) == 1)
        world.env.backend.edit_message(world.chat.id, edited, {"content": "You idiot."})
        await asyncio.sleep(0.05)
        classifier.release.set()
        await world.env.settle()
        assert "You idiot." in text_of(await world.card())


async def test_a_post_that_breaks_the_classifier_is_marked_and_the_others_of_its_batch_pass(settings: Settings) -> None:
    classifier = HeldClassifier(breaks_on="glitch")
    async with _held(settings, classifier) as world:
        before, broken, after = _say(world, "Hello.", "A glitch, you idiot.", "What an idiot.")
        await until(lambda: len(world.services.intake) == 3)
        classifier.release.set()
        await world.env.settle()
        decided = await _decided(world)
        assert {before, after} < decided and broken not in decided
        (failed,) = await world.rows("SELECT * FROM posts WHERE failure IS NOT NULL")
        assert failed["external_id"] == str(broken) and failed["current_decision_id"] is None
        assert await _cursor(world) == after
        assert "What an idiot." in text_of(await world.card())
        assert str(broken) in str(world.services.health.last_error)
        assert b"A glitch, you" not in _file(world.settings)


async def test_a_failed_post_that_is_edited_is_decided_and_no_longer_counts_as_failed(settings: Settings) -> None:
    async with open_world(settings, KeywordClassifier(breaks_on="glitch")) as world:
        await world.set_up()
        message = await world.alice.send(world.chat, "A glitch.")
        assert await world.services.store.decisions.count(world.guild.id) == (0, 0, 1)
        (cursor,) = await world.rows("SELECT * FROM cursors")
        assert cursor["position"] == message.id and cursor["updated_at"] > 0
        await world.alice.edit(message, "You idiot.")
        assert await world.services.store.decisions.count(world.guild.id) == (1, 1, 0)
        assert "You idiot." in text_of(await world.card())


async def test_a_classifier_that_fails_at_the_excerpt_only_fails_that_post(settings: Settings) -> None:
    class NoExcerpts(KeywordClassifier):
        @override
        async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
            if any(post.text == "You idiot." for post in inputs):
                raise RuntimeError("no memory")
            return await super().predict(inputs)

    async with open_world(settings, NoExcerpts()) as world:
        await world.set_up()
        await world.alice.send(world.chat, "You idiot. Really.")
        await world.alice.send(world.chat, "An idiot.")
        assert await world.services.store.decisions.count(world.guild.id) == (1, 1, 1)


def _file(settings: Settings) -> bytes:
    return b"".join(path.read_bytes() for path in settings.database.parent.glob(settings.database.name + "*"))


async def test_a_post_that_the_store_refuses_does_not_stop_the_worker_nor_its_batch(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(settings, classifier=classifier) as services:
        services.intake.put(_post(1))
        await until(classifier.reached.is_set)
        refused = services.intake.put(replace(_post(2), author_name=b"no text", parts=("You idiot.",)))
        beside = services.intake.put(_post(3))
        classifier.release.set()
        with pytest.raises((ScoringFailed, StoreError)):
            await refused
        assert (await beside).is_new
        assert (await services.intake.put(_post(4))).is_new
    failed = rows(settings.database, "SELECT external_id FROM posts WHERE failure IS NOT NULL")
    assert failed == [{"external_id": "2"}]


async def test_the_worker_survives_a_defect_and_every_waiter_hears_of_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings, classifier=KeywordClassifier()) as services:
        with monkeypatch.context() as broken:
            broken.setattr(services.pipeline, "process", None)
            waiting = [services.intake.put(_post(number)) for number in (1, 2)]
            outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 3)
        assert all(isinstance(outcome, Exception) for outcome in outcomes)
        assert services.health.last_error is not None
        assert (await asyncio.wait_for(services.intake.put(_post(3)), 3)).is_new


async def test_leaving_decides_what_waits(settings: Settings) -> None:
    classifier = HeldClassifier()
    async with running(settings, classifier=classifier) as services:
        waiting = [services.intake.put(_post(number)) for number in range(1, 101)]
        asyncio.get_running_loop().call_later(0.05, classifier.release.set)
    assert all(future.result().is_new for future in waiting)
    assert len(rows(settings.database, "SELECT id FROM decisions")) == 100


async def test_leaving_does_not_wait_for_ever_and_tells_who_waits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "DRAIN_SECONDS", 0.05)
    classifier = HeldClassifier()
    async with running(settings, classifier=classifier) as services:
        waiting = [services.intake.put(_post(number)) for number in range(1, 101)]
        await until(classifier.reached.is_set)
    assert all(future.cancelled() for future in waiting)
    assert rows(settings.database, "SELECT id FROM decisions") == []
