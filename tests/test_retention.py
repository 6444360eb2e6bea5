"""Words of flagged posts are kept for a set number of days, then deleted; what was decided stays."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bot.config import Settings
from tests.support.world import World, answer, assert_nobody_pinged, buttons_of, open_world, text_of

DAY = 24 * 3600
HOUR = 3600


@pytest_asyncio.fixture
async def short(settings: Settings) -> AsyncIterator[World]:
    """A server that keeps words for two days."""
    async with open_world(replace(settings, retention_days=2)) as opened:
        yield opened


async def days_pass(world: World, days: float) -> None:
    """As if the words had been kept for so long; letting the hourly sweep run for days takes seconds each."""
    async with world.services.store.reviews._database.transaction() as connection:
        await connection.execute("UPDATE evidence SET stored_at = stored_at - ?", (days * DAY * 1000,))
    await world.env.advance_time(HOUR + 1)


async def words(world: World) -> list[str]:
    return [row["text"] for row in await world.rows("SELECT text FROM evidence ORDER BY decision_id")]


def dump(world: World) -> str:
    with closing(sqlite3.connect(world.settings.database)) as connection:
        return "\n".join(connection.iterdump())


async def kept(world: World) -> list[dict[str, Any]]:
    return await world.rows(
        "SELECT d.id, d.scores, d.flagged, d.decided_at, r.outcome, r.resolved_by "
        "FROM decisions d JOIN reviews r ON r.decision_id = d.id"
    )


async def test_words_go_after_the_set_days_and_not_before(short: World) -> None:
    await short.flagged_card()
    await days_pass(short, 1)
    await short.env.advance_time(DAY - 3 * HOUR)
    assert len(await words(short)) == 1 and "idiot" in text_of(await short.card())
    await short.env.advance_time(4 * HOUR)
    assert await words(short) == []
    card = text_of(await short.card())
    assert "no longer kept" in card
    assert not any(word in card for word in ("idiot", "mayor", "Budget", "Alice"))
    assert_nobody_pinged(short)


async def test_nothing_of_a_swept_post_is_left_in_the_database(short: World) -> None:
    await short.flagged_card()
    assert "mayor" in dump(short) and "Budget" in dump(short)
    await days_pass(short, 3)
    assert "mayor" not in dump(short) and "Budget" not in dump(short)


async def test_decisions_and_verdicts_stay(short: World) -> None:
    assert (await short.mod.click(await short.flagged_card(), label="Flag was right")).acknowledged
    before = await kept(short)
    await days_pass(short, 3)
    assert await words(short) == []
    assert await kept(short) == before
    card = text_of(await short.card())
    assert "The flag was right" in card and "0.90 (threshold 0.50)" in card and "idiot" not in card


async def test_an_open_review_can_still_be_resolved_when_its_words_are_gone(short: World) -> None:
    await short.flagged_card()
    await days_pass(short, 3)
    card = await short.card()
    assert buttons_of(card)["Go to post"]["url"]
    assert (await short.mod.click(card, label="False alarm")).acknowledged
    assert "False alarm" in text_of(await short.card())


async def test_newer_words_stay_when_older_ones_go(short: World) -> None:
    await short.set_up()
    await short.alice.send(short.chat, "You idiot.")
    await days_pass(short, 1.5)
    await short.bob.send(short.chat, "It is the cabal.")
    await days_pass(short, 1)
    assert await words(short) == ["It is the cabal."]
    first, second = await short.cards()
    assert "no longer kept" in text_of(first) and "cabal" in text_of(second)


async def test_a_sweep_brings_no_card_back_that_was_resolved_and_deleted(short: World) -> None:
    assert (await short.mod.click(await short.flagged_card(), label="False alarm")).acknowledged
    await short.mod.delete(await short.card())
    await days_pass(short, 3)
    assert await words(short) == []
    assert await short.cards() == []
    assert "0 wait for a card" in answer(await short.mod.slash(short.chat, "status"))


async def test_words_that_grew_old_while_the_bot_was_away_go_when_it_starts(short: World) -> None:
    await short.flagged_card()
    await short.env.shutdown()
    short.env.bot = type(short.env.bot)(short.services, short.env.bot._extension_names)
    async with short.services.store.reviews._database.transaction() as connection:
        await connection.execute("UPDATE evidence SET stored_at = 0")
    await short.env.start()
    assert await words(short) == []
    assert "idiot" not in text_of(await short.card())


@pytest.mark.parametrize("status_code", [403, 500])
async def test_a_card_that_could_not_be_redacted_is_redacted_later(short: World, status_code: int) -> None:
    await short.flagged_card()
    short.env.inject_error("PATCH", f"/channels/{short.review.id}/messages/*", status=status_code)
    await days_pass(short, 3)
    assert await words(short) == []
    await short.env.advance_time(HOUR)
    assert "idiot" not in text_of(await short.card())


async def test_a_sweep_that_fails_is_told_and_made_up_for(short: World) -> None:
    await short.flagged_card()
    await days_pass(short, 2 - 1 / 24)
    async with short.locked_database():
        await short.env.advance_time(2 * HOUR)
        assert len(await words(short)) == 1
    said = answer(await short.mod.slash(short.chat, "status"))
    assert "retention sweep failed" in said and "locked" in said
    await short.env.advance_time(2 * HOUR)
    assert await words(short) == []
