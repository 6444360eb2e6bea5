"""Cards and lines that the records do not know, or that are gone: after downtime, a new session, a restored backup."""

import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.app import running
from bot.config import Settings
from bot.errors import StoreBusy
from tests.support.floods import ONE_BY_ONE, slowly
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, open_world, text_of
from tests.test_review_faults import another_channel, open_reviews, review_posts, set_review_channel, status

OLDER = "older than my records"


def behind_the_bots_back(world: World) -> pytest.MonkeyPatch:
    """Until it is undone, the bot hears of nothing that happens."""
    patch = pytest.MonkeyPatch()
    patch.setattr(world.env.backend, "emit", lambda *_, **__: None)
    return patch


async def new_session(world: World) -> None:
    with world.env._bot_scope():
        world.env.bot.dispatch("shard_ready", 0)
    await world.env.settle()


@pytest.mark.parametrize("begin", [new_session, World.restart], ids=["new session", "restart"])
async def test_an_open_card_deleted_while_the_bot_heard_of_nothing_is_posted_again(
    world: World, begin: Callable[[World], Awaitable[None]]
) -> None:
    card = await world.flagged_card()
    await world.bob.send(world.chat, "What an idiot.")
    away = behind_the_bots_back(world)
    world.env.backend.delete_message(world.review.id, card.id)
    away.undo()
    assert len(await world.cards()) == 1
    await begin(world)
    stays, again = await world.cards()
    assert "What an idiot" in text_of(stays) and "idiot, mayor" in text_of(again)
    assert (await world.mod.click(again, label="Flag was right")).acknowledged
    await begin(world)
    assert len(await world.cards()) == len(review_posts(world)) - 1 == 2, "nothing is posted for nothing"


async def test_open_cards_of_a_channel_deleted_while_the_bot_was_away_come_in_the_next_one(world: World) -> None:
    await world.flagged_card()
    away = behind_the_bots_back(world)
    world.env.backend.delete_channel(world.review.id)
    away.undo()
    await world.restart()
    assert "1 wait for a card" in await status(world)
    second = another_channel(world)
    await set_review_channel(world, second)
    (card,) = second.history()
    assert "idiot" in text_of(card)


async def test_old_cards_are_looked_for_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    for number in range(5):
        await world.forum_post(world.member(f"member {number}"), f"Thread {number}", f"Idiot number {number}.")
    away = behind_the_bots_back(world)
    for card in (await world.cards())[:4]:
        world.env.backend.delete_message(world.review.id, card.id)
    away.undo()
    await world.env.advance_time(61)
    monkeypatch.setattr(sys.modules["cogs.review.inspection"], "FETCHES", 3)
    world.env.http_requests.clear()
    await new_session(world)
    assert len(asked_for(world)) == 3 and len(await world.cards()) == 4
    await world.env.advance_time(11)
    assert len(asked_for(world)) == 4 and len(await world.cards()) == 5
    await world.env.advance_time(61)
    assert len(asked_for(world)) == 4, "what was seen in the channel is not asked for"


def asked_for(world: World) -> list[str]:
    """The single cards that Discord was asked for."""
    path = f"/channels/{world.review.id}/messages/"
    return [each.path for each in world.env.http_requests if each.method == "GET" and each.path.startswith(path)]


@pytest.mark.parametrize(("code", "times"), [(403, 1), (500, 2)])
async def test_a_card_that_cannot_be_looked_for_is_not_posted_twice(world: World, code: int, times: int) -> None:
    await world.flagged_card()
    second = another_channel(world)
    await set_review_channel(world, second)
    world.env.inject_error("GET", f"/channels/{world.review.id}/messages/*", status=code, code=50001, times=None)
    world.env.http_requests.clear()
    await new_session(world)
    await world.env.advance_time(61)
    assert len(asked_for(world)) == times, "a 403 is not tried again, nor anything at once"
    assert list(second.history()) == [] and len(await world.cards()) == 1


async def test_a_restored_database_lets_no_old_card_judge_another_post(world: World, tmp_path: Path) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "Hello.")
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(world.settings.database)) as connection:
        connection.execute(f"VACUUM INTO '{backup}'")
    await slowly(world.chat, world.bob, *["You idiot."] * 4)
    single, _, fold = await world.cards()
    removal = await world.mod.click(single, label="Remove post")
    page = await world.mod.click(fold, label=ONE_BY_ONE)
    await world.env.advance_time(3600)
    away = behind_the_bots_back(world)
    for row in await world.rows("SELECT external_id FROM posts ORDER BY id LIMIT -1 OFFSET 1"):
        world.env.backend.delete_message(world.chat.id, int(row["external_id"]))
    away.undo()
    restored = replace(world.settings, database=backup)
    async with running(restored, classifier=KeywordClassifier(), clock=world.services.clock) as services:
        world.settings = restored
        await world.restart(services)
        for number in range(4):
            await world.forum_post(world.member(f"member {number}"), f"Thread {number}", "Kill them, you idiot.")
        for label in ("Flag was right", "False alarm", "Remove post"):
            assert OLDER in answer(await world.mod.click(single, label=label))
        assert OLDER in answer(await world.mod.click(fold, label=ONE_BY_ONE))
        assert OLDER in answer(await world.mod.click(removal.response, label="Yes, remove the post"))
        assert OLDER in answer(await world.mod.click(page.response, label="False alarm"))
        assert [row["outcome"] for row in await world.rows("SELECT outcome FROM reviews")] == [None] * 4
        assert (await world.mod.click((await world.cards())[-1], label="Flag was right")).acknowledged
        assert await open_reviews(world) == 3
        await world.env.shutdown()


async def test_a_line_whose_posting_could_not_be_noted_goes_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(replace(settings, cards_per_minute=1)) as world:
        await world.set_up()

        async def busy(*_: Any) -> None:
            raise StoreBusy("The database is locked.")

        with monkeypatch.context() as patch:
            patch.setattr(world.services.store.cards, "save_notice", busy)
            for number in range(3):
                await world.forum_post(world.member(f"member {number}"), f"Thread {number}", "You idiot.")
        assert [line for line in map(text_of, await world.cards()) if line.startswith("⏳")]
        await world.restart()
        assert len([line for line in map(text_of, await world.cards()) if line.startswith("⏳")]) == 1
        for _ in range(3):
            await world.env.advance_time(61)
        assert ["idiot" in text_of(message) for message in await world.cards()] == [True] * 3
