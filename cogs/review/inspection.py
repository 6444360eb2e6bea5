"""Do the records and the review channel agree? Cards that were deleted while nobody listened are posted again, those
that the records do not know are adopted, and lines about waiting cards that they do not know are deleted.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import discord

from bot.client import Threadwatch
from bot.domain import DISCORD_EPOCH_MS, Card
from bot.store.cards import Waiting
from cogs.review.adoption import Sight, look_through, owners
from cogs.review.channel import Channel, Unpublishable, refused, review_channel
from cogs.review.notice import message_at

LOOK = 2000
"""Waiting reviews that are looked at in one go."""
FETCHES = 20
"""Cards that Discord is asked for one by one in one go."""
FETCH_SECONDS = 10.0
UNKNOWN_CHANNEL = 10003


@dataclass(slots=True)
class Inspected:
    """What is known of one server's review channel."""

    looked: bool = False
    """Every card and line of ours in the review channel is known to the database."""
    session: int = 0
    """The session since whose beginning every deletion of a card was heard of, but for those of ``unsure``."""
    unsure: list[Card] = field(default_factory=list[Card])
    """Cards of open reviews that Discord has to be asked for."""
    asked_at: int = 0
    """When Discord was last asked (Unix ms)."""


async def inspect(bot: Threadwatch, guild_id: int, known: Inspected, session: int) -> float | None:
    """Look through the channel if need be, then ask for some cards. Returns the seconds after which to go on."""
    if not known.looked or known.session != session:
        await _look(bot, guild_id, known, session)
    now = bot.services.clock()
    if not known.unsure:
        return None
    if 0 <= now - known.asked_at < FETCH_SECONDS * 1000:
        return FETCH_SECONDS
    known.asked_at = now
    for card in known.unsure[:FETCHES]:
        if card in known.unsure:
            known.unsure = await _without(bot, card, known.unsure)
    return FETCH_SECONDS if known.unsure else None


async def _look(bot: Threadwatch, guild_id: int, known: Inspected, session: int) -> None:
    cards = bot.services.store.cards
    waiting = await cards.waiting(guild_id, LOOK)
    open_cards = await cards.with_open_reviews(guild_id) if known.session != session else []
    sight = Sight(set(), [], [])
    try:
        channel = await review_channel(bot, guild_id)
    except Unpublishable:  # said when cards are to be posted
        pass
    else:
        sight = await _sight(bot, channel, await _since(bot, channel, waiting, open_cards))
        for each, review_ids in owners(sight.cards, waiting):
            await cards.adopt(review_ids, Card(channel.id, each.message_id), each.posted_at)
        await _delete_notices(bot, guild_id, channel, sight.notices)
        known.looked = True
    if known.session != session:
        known.unsure = [card for card in open_cards if card.message_id not in sight.messages]
        known.session = session


async def _sight(bot: Threadwatch, channel: Channel, since: int) -> Sight:
    try:
        return await look_through(channel, since)
    except discord.HTTPException as error:
        refused(bot, error, f"channel {channel.id} could not be looked through for cards")
        return Sight(set(), [], [])


async def _since(bot: Threadwatch, channel: Channel, waiting: Sequence[Waiting], open_cards: Sequence[Card]) -> int:
    """When the oldest message may have been posted that is looked for (Unix ms)."""
    times = [(card.message_id >> 22) + DISCORD_EPOCH_MS for card in open_cards if card.channel_id == channel.id]
    if waiting:
        (oldest,) = await bot.services.store.cards.reviews([waiting[0].review_id])
        times.append(oldest.opened_at)
    return min(times, default=bot.services.clock())


async def _delete_notices(bot: Threadwatch, guild_id: int, channel: Channel, notices: Sequence[int]) -> None:
    notice = await bot.services.store.cards.notice(guild_id)
    for message_id in notices:
        if notice is None or notice.message_id != message_id:
            try:
                with suppress(discord.NotFound):  # somebody was faster
                    await message_at(bot, Card(channel.id, message_id)).delete()
            except discord.HTTPException as error:
                refused(bot, error, "a line about waiting cards that has had its day could not be deleted")


async def _without(bot: Threadwatch, card: Card, unsure: Sequence[Card]) -> list[Card]:
    """``unsure`` without what is known after asking for ``card``: of a channel that is gone or closed, all."""
    cards, health = bot.services.store.cards, bot.services.health
    others = [each for each in unsure if each.channel_id != card.channel_id]
    try:
        await message_at(bot, card).fetch()
    except discord.NotFound as error:
        if error.code == UNKNOWN_CHANNEL:
            await cards.channel_lost(card.channel_id)
            return others
        await cards.lost(card.message_id)
    except discord.Forbidden as error:
        health.note_error(f"Review cards in channel {card.channel_id} are hidden from me", error)
        return others
    except discord.HTTPException as error:
        refused(bot, error, f"the card {card.message_id} could not be looked for")
    return [each for each in unsure if each != card]
