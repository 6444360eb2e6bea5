"""A database that another program has locked for a while: everything waits, nothing is lost or done twice."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from bot import patience
from bot.app import Services, running
from bot.config import Settings
from bot.domain import Card, Place, Post, Review, Source
from bot.errors import ScoringFailed
from bot.store import database
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, open_world, rows, text_of, until


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite and the bot wait for a locked database in milliseconds."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 10)
    monkeypatch.setattr(patience, "RETRY_SECONDS", (0.02,))


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Another program writes to the database, for as long as this lasts."""
    with closing(sqlite3.connect(settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def _complains(services: Services) -> bool:
    return "locked by another program" in str(services.health.last_error)


def _say(world: World, *texts: str) -> list[int]:
    """Alice posts without waiting for the bot; returns the messages' ids."""
    create = world.env.backend.create_message
    return [create(world.chat.id, world.alice.id, text).id for text in texts]


def _post(number: int, text: str) -> Post:
    place = Place(guild_id=1, channel_id=2)
    return Post(Source.DISCORD, str(number), "7", "alice", (text,), created_at=0, place=place)


@pytest.mark.usefixtures("impatient")
async def test_posts_that_meet_a_locked_database_are_written_when_it_is_free(settings: Settings) -> None:
    async with open_world(settings) as world:
        await world.set_up()
        with _locked(settings):
            posted = _say(world, "Hello.", "You idiot.")
            await until(lambda: _complains(world.services))
            posted += _say(world, "A cabal.")
            await asyncio.sleep(0.05)
            assert await world.decisions() == []
        await world.env.settle()
        assert [int(decision["external_id"]) for decision in await world.decisions()] == posted
        (cursor,) = await world.rows("SELECT * FROM cursors")
        assert cursor["position"] == posted[-1] and len(await world.cards()) == 2


@pytest.mark.usefixtures("impatient")
async def test_a_failed_post_that_meets_a_locked_database_takes_no_other_post_with_it(settings: Settings) -> None:
    async with running(settings, classifier=KeywordClassifier(breaks_on="glitch")) as services:
        with _locked(settings):
            failed, beside = [
                services.intake.put(_post(number, text)) for number, text in ((1, "A glitch."), (2, "Hi."))
            ]
            await until(lambda: _complains(services))
            assert not failed.done() and not beside.done()
        assert (await asyncio.wait_for(beside, 3)).is_new
        with pytest.raises(ScoringFailed):
            await failed
    marked = rows(settings.database, "SELECT external_id FROM posts WHERE failure IS NOT NULL")
    assert marked == [{"external_id": "1"}]


@pytest.mark.usefixtures("impatient")
async def test_a_card_that_was_posted_while_the_database_was_locked_is_not_posted_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(settings) as world:
        await world.set_up()
        cards, path = world.services.store.cards, f"/channels/{world.review.id}/messages"
        remember, locks = cards.posted, list[sqlite3.Connection]()

        async def locked_meanwhile(reviews: Sequence[Review], card: Card) -> None:
            if not locks:
                locks.append(sqlite3.connect(settings.database, isolation_level=None))
                locks[0].execute("BEGIN IMMEDIATE")
                asyncio.get_running_loop().call_later(0.1, locks[0].close)
            await remember(reviews, card)

        monkeypatch.setattr(cards, "posted", locked_meanwhile)
        await world.alice.send(world.chat, "You idiot.")
        await world.bob.send(world.chat, "A cabal.")
        posted = [entry.json for entry in world.env.http_requests if (entry.method, entry.path) == ("POST", path)]
        assert len(posted) == len(await world.cards()) == 2
        assert all(request["enforce_nonce"] for request in posted)
        assert await world.rows("SELECT id FROM reviews WHERE card_message_id IS NULL") == []


@pytest.mark.usefixtures("impatient")
async def test_a_deletion_that_meets_a_locked_database_is_noted_when_it_is_free(settings: Settings) -> None:
    async with open_world(settings) as world:
        await world.set_up()
        message = await world.alice.send(world.chat, "You idiot.")
        with _locked(settings):
            world.env.backend.delete_message(world.chat.id, message.id)
            await until(lambda: _complains(world.services))
        await world.env.settle()
        assert "deleted meanwhile" in text_of(await world.card())


@pytest.mark.usefixtures("impatient")
async def test_the_deletion_of_a_channel_that_meets_a_locked_database_is_noted_when_it_is_free(
    settings: Settings,
) -> None:
    async with open_world(settings) as world:
        await world.set_up()
        await world.alice.send(world.chat, "You idiot.")
        with _locked(settings):
            world.env.backend.delete_channel(world.chat.id)
            await until(lambda: _complains(world.services))
        await world.env.settle()
        assert "deleted meanwhile" in text_of(await world.card())
        assert world.chat.id not in await world.services.store.servers.watched(world.guild.id)
