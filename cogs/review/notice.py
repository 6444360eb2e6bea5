"""The one line in the review channel that says how many posts wait for a card."""

import discord

from bot.client import Threadwatch
from bot.domain import Card
from cogs.review.channel import Channel, refused

BEGINNING = "⏳ Flagged posts that wait for their card: "


def is_notice(message: discord.Message) -> bool:
    """Whether a message of ours is such a line."""
    return message.content.startswith(BEGINNING)


async def announce(bot: Threadwatch, guild_id: int, channel: Channel | None, left: int) -> None:
    """Bring the line up to date; it goes when nothing waits."""
    cards = bot.services.store.cards
    notice = await cards.notice(guild_id)
    text = f"{BEGINNING}{left}. At most {bot.services.settings.cards_per_minute} cards a minute are posted."
    try:
        if notice and left and channel and notice.channel_id == channel.id:
            await message_at(bot, notice).edit(content=text)
            return
        if notice:  # nothing waits any more, or the review channel is another one now
            await message_at(bot, notice).delete()
            await cards.save_notice(guild_id, None)
        if left and channel:
            message = await channel.send(text)
            await cards.save_notice(guild_id, Card(channel.id, message.id))
    except (discord.NotFound, discord.Forbidden):  # gone, or in a channel that was closed to us
        await cards.save_notice(guild_id, None)
    except discord.HTTPException as error:
        refused(bot, error, "the line about waiting cards could not be updated")


def message_at(bot: Threadwatch, card: Card) -> discord.PartialMessage:
    return bot.get_partial_messageable(card.channel_id).get_partial_message(card.message_id)
