"""The review channel: whether cards can be posted there, and what to make of Discord's refusals."""

import discord

from bot.client import Threadwatch

RETRY_SECONDS = 60
FORBIDDEN_RETRY_SECONDS = 600

Channel = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel


class Unpublishable(Exception):
    """Cards cannot be posted for now; the message says why, ``retry_seconds`` when to try again."""

    def __init__(self, why: str, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__(why)
        self.retry_seconds = retry_seconds


async def review_channel(bot: Threadwatch, guild_id: int) -> Channel:
    """The channel for cards, if it is there and we may write in it: no blind tries that end in a 403."""
    settings = await bot.services.store.servers.get(guild_id)
    if settings.review_channel_id is None:
        raise Unpublishable("no review channel is chosen; choose one with /setup")
    guild = bot.get_guild(guild_id)
    channel = guild.get_channel_or_thread(settings.review_channel_id) if guild else None
    if guild is None or not isinstance(channel, Channel):
        raise Unpublishable("the review channel was deleted, or is hidden from me; choose one with /setup")
    mine = channel.permissions_for(guild.me)
    if not (mine.view_channel and mine.send_messages):
        raise Unpublishable("I may not write in the review channel; give me View Channel and Send Messages there")
    return channel


def refused(bot: Threadwatch, error: discord.HTTPException, what: str) -> None:
    """A 403 or a fault of Discord's concerns all cards: stop here. Anything else is this card's own trouble."""
    if isinstance(error, discord.Forbidden) or error.status == 429 or error.status >= 500:
        pause = FORBIDDEN_RETRY_SECONDS if isinstance(error, discord.Forbidden) else RETRY_SECONDS
        raise Unpublishable(f"{what} (HTTP {error.status})", pause) from error
    bot.services.health.note_error(f"Review card refused: {what} (HTTP {error.status})", error)
