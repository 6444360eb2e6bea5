"""Rare orders of events that once lost a card, a verdict or a post."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import aiohttp
import discord
import pytest

from bot.app import running
from bot.config import Settings
from bot.domain import Place, Post, Source
from models.classifier import ClassifierInput, Prediction
from tests.support.keyword import KeywordClassifier
from tests.support.world import HeldClassifier, World, open_world, refusal, text_of


async def test_words_that_no_verdict_covers_come_back_for_review_with_an_edit(world: World) -> None:
    await world.set_up()
    post = await world.bob.send(world.chat, "I will kill you.")
    await world.bob.edit(post, "You idiot.")
    assert (await world.mod.click(await world.card(), label="False alarm")).acknowledged
    await world.bob.edit(post, "I will kill you.")
    first, second = await world.cards()
    assert "False alarm" in text_of(first) and "kill" in text_of(second)
    assert [row["outcome"] for row in await world.rows("SELECT outcome FROM reviews")] == ["false_alarm", None]


async def test_a_card_that_met_a_broken_connection_is_posted_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()

    async def broken(*_: object, **__: object) -> None:
        raise aiohttp.ClientConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(discord.TextChannel, "send", broken)
        await world.bob.send(world.chat, "You idiot.")
    assert await world.cards() == []
    await world.env.advance_time(61)
    assert "You idiot" in text_of(await world.card())


async def test_an_edit_that_cannot_be_scored_shows_on_the_card(settings: Settings) -> None:
    async with open_world(settings, KeywordClassifier(breaks_on="kaput")) as world:
        await world.set_up()
        post = await world.bob.send(world.chat, "You idiot.")
        await world.bob.edit(post, "kaput")
        assert "the new one could not be scored" in text_of(await world.card())
        await world.bob.edit(post, "You idiot.")
        assert "edited" not in text_of(await world.card())


async def test_a_deletion_waits_for_the_posts_before_it_only(settings: Settings) -> None:
    class Slow(KeywordClassifier):
        async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
            await asyncio.sleep(0.02)
            return await super().predict(inputs)

    async with running(settings, classifier=Slow()) as services:
        services.intake.put(_post(1))
        drained = asyncio.create_task(services.intake.drain())
        for number in range(2, 12):
            services.intake.put(_post(number))
            await asyncio.sleep(0.01)
        assert drained.done()


async def test_an_edit_given_up_while_it_waits_for_room_holds_up_nobody(settings: Settings) -> None:
    held = HeldClassifier()
    async with running(replace(settings, queue_size=1), classifier=held) as services:
        services.intake.put(_post(1))
        await held.reached.wait()
        services.intake.put(_post(2))
        waiting = asyncio.create_task(services.intake.put_when_room(_post(3)))
        await asyncio.sleep(0)
        waiting.cancel()
        held.release.set()
        await asyncio.wait_for(services.intake.drain(), 2)


async def test_a_watched_channel_is_refused_as_review_channel(world: World) -> None:
    await world.set_up(review_channel_id=None)
    await world.services.store.servers.watch(world.guild.id, [world.review.id], world.chief.id)
    said = refusal(world, await world.chief.slash(world.review, "setup", review_channel=world.review))
    assert "your own discussions" in said
    assert await world.rows("SELECT review_channel_id AS id FROM guilds") == [{"id": None}]


async def test_debugging_does_not_log_what_people_write(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    from bot.__main__ import start_logging

    before = {name: logging.getLogger(name).level for name in ("", "aiosqlite", "discord")}
    try:
        start_logging("DEBUG")
        async with open_world(settings) as world:
            await world.set_up()
            await world.bob.send(world.chat, "You idiot, MARKER.")
            await world.card()
        assert "MARKER" not in caplog.text
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _post(number: int) -> Post:
    return Post(Source.DISCORD, str(number), "7", "bob", (f"post {number}",), 0, place=Place(1, 2))
