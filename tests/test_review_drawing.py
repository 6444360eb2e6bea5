"""One card that cannot be drawn, or that Discord refuses, holds up no other."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import discord
import pytest

from bot.config import Settings
from bot.domain import Review
from tests.support.world import World, open_world, text_of
from tests.test_review_faults import status


async def test_a_card_that_cannot_be_drawn_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    publisher = sys.modules["cogs.review.publisher"]
    draw = publisher.picture

    def trip(bot: Any, reviews: Sequence[Review]) -> Any:
        if any(review.evidence and "cabal" in review.evidence.text for review in reviews):
            raise KeyError("a defect")
        return draw(bot, reviews)

    first = await world.alice.send(world.chat, "You idiot.")
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "picture", trip)
        await world.bob.send(world.chat, "It is the cabal, idiot.")
        await world.alice.edit(first, "The cabal, you idiot.")
        assert not any("cabal" in text_of(message) for message in await world.cards())
        await world.forum_post(world.chief, "Budget vote", "What an idiot.")
        assert "What an idiot" in text_of((await world.cards())[-1])
        assert "could not be drawn" in await status(world)
    await world.env.advance_time(61)
    assert sorted("cabal" in text_of(message) for message in await world.cards()) == [False, True, True]


async def test_cards_that_discord_refuses_for_good_take_no_room_from_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = discord.abc.Messageable.send

    async def refuse_bad(self: Any, content: Any = None, *, view: Any = None, **kwargs: Any) -> Any:
        if view and any("Bad" in getattr(item, "content", "") for item in view.walk_children()):
            raise discord.HTTPException(Mock(status=400), "Invalid Form Body")
        return await send(self, content, view=view, **kwargs)

    async with open_world(replace(settings, cards_per_minute=2)) as world:
        await world.set_up()
        with monkeypatch.context() as patch:
            patch.setattr(discord.abc.Messageable, "send", refuse_bad)
            for kind in ("Bad", "Good"):
                for number in range(4):
                    member = world.member(f"{kind} {number}")
                    await world.forum_post(member, f"{kind} thread {number}", f"{kind} idiot number {number}.")
            await world.env.advance_time(61)
            assert good_and_bad(await world.cards()) == (4, 0)
        await world.env.advance_time(61)
        await world.env.advance_time(61)
        assert good_and_bad(await world.cards()) == (4, 4)


def good_and_bad(cards: Sequence[discord.Message]) -> tuple[int, int]:
    said = [text_of(card) for card in cards]
    return sum("Good idiot" in text for text in said), sum("Bad idiot" in text for text in said)


async def test_a_card_deleted_while_others_are_drawn_holds_up_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    posts = [await member.send(world.chat, "You idiot.") for member in (world.alice, world.bob)]
    first, _ = await world.cards()
    cards, behind = world.services.store.cards, world.services.store.cards.behind

    async def lose_one(*args: Any, **kwargs: Any) -> Any:
        found = await behind(*args, **kwargs)
        await cards.lost(first.id)
        return found

    async with world.services.store.cards._database.transaction() as connection:
        await connection.execute("UPDATE reviews SET version = version + 1")
    monkeypatch.setattr(cards, "behind", lose_one)
    await world.bob.edit(posts[1], "I am sorry.")
    assert any("edited meanwhile" in text_of(card) for card in await world.cards())
