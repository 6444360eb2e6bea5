"""The real bot as a process, and the troubles that the loopback Discord makes for it."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.loopback.bot_process import APPLICATION, TOKEN, BotProcess
from tests.loopback.faults import Fault
from tests.loopback.interactions import EPHEMERAL, text_of, walk
from tests.loopback.interactions_api import DEFER_UPDATE
from tests.loopback.model import Message
from tests.loopback.permissions import TALK, VIEW_CHANNEL
from tests.loopback.server import Loopback, serving
from tests.loopback.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(loop_scope="module", scope="module")
POST_CARD = r"^POST /channels/\d+/messages$"


@shared
async def loopback() -> AsyncIterator[Loopback]:
    """One for all tests here; nothing of it may be left running when it is closed."""
    async with serving(APPLICATION, TOKEN, heartbeat_ms=500) as opened:
        yield opened
    assert asyncio.all_tasks() == {asyncio.current_task()}


@shared
async def town(loopback: Loopback) -> Town:
    return Town(loopback.world)


@shared
async def process(
    loopback: Loopback, town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BotProcess]:
    """Started once, because that takes seconds."""
    folder = tmp_path_factory.mktemp("bot")
    started = BotProcess(loopback, folder, "--silence", "2", THREADWATCH_CARDS_PER_MINUTE="60")
    await town.set_up(started.database)
    yield started
    await started.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(process: BotProcess) -> AsyncIterator[BotProcess]:
    """Running and connected, whatever the test before did to it."""
    if not process.running:
        await process.start()
    await process.until(lambda: process.discord.gateway.ready, "a bot that is connected")
    yield process
    process.discord.rest_faults.clear()


def posted(loopback: Loopback) -> int:
    """How many messages the bot has tried to post so far."""
    return sum(asked.startswith("POST /channels/") for asked, _ in loopback.rest.answered)


async def test_a_live_post_that_is_flagged_gets_one_card(bot: BotProcess, town: Town) -> None:
    town.world.forum_post(town.forum, town.alice, "Budget vote", "A fine plan for the harbour.")
    town.flagged("You are an idiot and a fool.")
    card = await town.card("idiot and a fool")
    assert card.author.id == APPLICATION and "Question time" in text_of(card)
    assert len(town.cards("idiot and a fool")) == 1 and not town.cards("harbour")


async def test_what_a_broken_connection_missed_comes_by_resuming(
    bot: BotProcess, loopback: Loopback, town: Town
) -> None:
    identified, resumed = loopback.gateway.identified, loopback.gateway.resumed
    loopback.gateway_faults.drop()
    town.flagged("What an idiot to drop the line")
    await bot.until(lambda: loopback.gateway.resumed > resumed, "a resumed session")
    await town.card("drop the line")
    assert loopback.gateway.identified == identified


async def test_a_reconnect_that_discord_asks_for_loses_nothing(bot: BotProcess, loopback: Loopback, town: Town) -> None:
    identified, resumed = loopback.gateway.identified, loopback.gateway.resumed
    await loopback.gateway_faults.ask_to_reconnect()
    town.flagged("What an idiot to ask for that")
    await bot.until(lambda: loopback.gateway.resumed > resumed, "a resumed session")
    await town.card("ask for that")
    assert loopback.gateway.identified == identified


async def test_a_connection_that_fell_silent_is_replaced(bot: BotProcess, loopback: Loopback, town: Town) -> None:
    resumed = loopback.gateway.resumed
    loopback.gateway_faults.zombify()
    town.flagged("What an idiot to walk undead")
    await bot.until(lambda: loopback.gateway.resumed > resumed, "a resumed session")
    await town.card("walk undead")


async def test_after_an_invalid_session_the_bot_identifies_anew(
    bot: BotProcess, loopback: Loopback, town: Town
) -> None:
    identified = loopback.gateway.identified
    loopback.gateway_faults.refuse_next_resume()
    loopback.gateway_faults.drop()
    await bot.until(lambda: loopback.gateway.identified > identified and loopback.gateway.ready, "a new session")
    town.flagged("What an idiot to forget the session")
    await town.card("forget the session")


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.INTERNAL_ERROR, Fault.BAD_GATEWAY])
async def test_a_card_that_discord_put_off_comes_once(
    bot: BotProcess, loopback: Loopback, town: Town, fault: Fault
) -> None:
    loopback.rest_faults.next(fault, route=POST_CARD)
    quoted = f"idiot of fault {fault.name.lower().replace('_', ' ')}"
    town.flagged(quoted)
    await town.card(quoted)
    assert loopback.rest_faults.happened[-1][0] is fault
    await one_card_each(bot, town, quoted)


@pytest.mark.parametrize(
    "fault",
    [Fault.RATE_LIMITED_BARE, Fault.BANNED, Fault.UNAVAILABLE, Fault.HANG, Fault.RESET_BEFORE, Fault.RESET_AFTER],
)
async def test_a_card_that_was_given_up_comes_once_with_the_next(
    bot: BotProcess, loopback: Loopback, town: Town, fault: Fault
) -> None:
    """After `RESET_AFTER` it stands already, and only its nonce keeps it from being posted twice."""
    loopback.rest_faults.hang_seconds = 0.1
    loopback.rest_faults.next(fault, route=POST_CARD)
    before = posted(loopback)
    quoted = f"idiot given up {fault.name.lower().replace('_', ' ')}"
    post = town.flagged(quoted)
    await bot.until(lambda: posted(loopback) > before, f"an attempt to post a card that meets {fault}")
    assert len(town.cards(quoted)) == (fault is Fault.RESET_AFTER)
    await one_card_each(bot, town, quoted)
    town.world.edit(post, "All is well again.")
    await bot.until(lambda: "has been edited" in text_of(town.cards(quoted)[0]), "a bot that knows which card is its")
    assert len(town.cards(quoted)) == 1


async def one_card_each(bot: BotProcess, town: Town, quoted: str) -> None:
    """Another flagged post gets its card, and by then the one that quotes ``quoted`` stands exactly once."""
    town.flagged(f"What an idiot to come after {quoted[9:]}")
    await town.card(f"come after {quoted[9:]}")
    await bot.until(lambda: town.cards(quoted), f"a card that quotes {quoted}")
    assert len(town.cards(quoted)) == 1


async def test_a_bot_that_was_killed_goes_on_when_it_is_started_again(bot: BotProcess, town: Town) -> None:
    await bot.kill()
    town.world.post(town.chat, town.alice, "Nobody is awake.")
    await bot.start()
    town.flagged("Who is the idiot that killed it")
    await town.card("that killed it")


async def test_a_hidden_channel_sends_nothing_until_it_is_shown(bot: BotProcess, town: Town) -> None:
    town.world.post(town.hidden, town.alice, "The idiot behind the curtain")
    town.flagged("The idiot before the curtain")
    await town.card("before the curtain")
    assert not town.cards("behind the curtain")
    town.world.set_overwrite(town.hidden, town.world.me(town.guild), allow=TALK)
    town.world.post(town.hidden, town.alice, "The idiot on the stage")
    await town.card("on the stage")
    town.world.set_overwrite(town.hidden, town.world.me(town.guild), deny=VIEW_CHANNEL)


async def test_edits_and_deletions_reach_the_bot(bot: BotProcess, town: Town) -> None:
    posts = [town.flagged(f"The idiot of episode {number}") for number in range(4)]
    cards = [await town.card(f"episode {number}") for number in range(4)]
    thread = town.guild.threads[posts[3].channel_id]
    town.world.edit(posts[0], "The hero of the episode")
    await bot.until(lambda: "has been edited" in text_of(cards[0]), "a card that tells of an edit")
    town.world.rename(thread, "New hat")
    await bot.until(lambda: "Thread: New hat" in text_of(cards[3]), "a card with the new title")
    town.world.archive(thread)
    town.world.post(thread, town.bob, "Only an idiot opens this again")
    assert not thread.archived and await town.card("opens this again")
    town.world.delete(posts[0])
    town.world.bulk_delete(posts[1:2])
    town.world.delete_thread(thread)
    gone = [cards[0], cards[1], cards[3]]
    await bot.until(
        lambda: all("has been deleted" in text_of(card) for card in gone), "three cards that tell of a deletion"
    )
    assert "has been deleted" not in text_of(cards[2])


async def test_a_button_and_a_command_are_answered(bot: BotProcess, loopback: Loopback, town: Town) -> None:
    town.flagged("An idiot to press the button for")
    card = await town.card("press the button")
    pressed = loopback.interactions.click(card, button_of(card, "review:confirm:"), town.mod)
    assert (await pressed.acknowledged())["type"] == DEFER_UPDATE
    await bot.until(lambda: f"says <@{town.mod.id}>" in text_of(card), "a card that says who resolved it")
    typed = loopback.interactions.slash("status", town.mod, town.chat)
    answer = await typed.acknowledged()
    assert answer["data"]["flags"] & EPHEMERAL and "**Watched:**" in answer["data"]["content"]
    refused = loopback.interactions.slash("status", town.bob, town.chat)
    assert await refused.replied("This is for reviewers")


async def test_sigterm_ends_the_bot_in_time(bot: BotProcess) -> None:
    assert await bot.stop(signal.SIGTERM) == 0
    assert "stopping" in bot.written and not bot.database.with_name("threadwatch.db-wal").exists()


def button_of(card: Message, prefix: str) -> str:
    """The custom_id of the one button of ``card`` that begins so."""
    ids = [each.get("custom_id", "") for each in walk(card.extra["components"])]
    (only,) = [id_ for id_ in ids if id_.startswith(prefix)]
    return only
