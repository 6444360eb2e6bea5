"""When cards have to be looked at: something changed, the bot (re)started, a card was deleted."""

from functools import partial

import discord
from discord.ext import commands
from typing_extensions import override

from bot.client import Threadwatch
from bot.patience import patiently
from cogs.review.publisher import Publisher


class ReviewCog(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.publisher = Publisher(bot)

    @override
    async def cog_unload(self) -> None:
        self.publisher.close()

    @commands.Cog.listener()
    async def on_reviews_changed(self, guild_id: int) -> None:
        """Our own event, dispatched by whoever changed a review or its post."""
        await self.publisher.publish(guild_id)

    @commands.Cog.listener()
    async def on_new_session(self, shard_id: int) -> None:
        """Our own event: on the servers of a shard, nobody has told of cards that were deleted before."""
        reviews = self.bot.services.store.reviews
        self.publisher.new_session(shard_id)
        for guild_id in {*await reviews.guilds_behind(), *await reviews.guilds_open()}:
            if self.bot.shard_of(guild_id) == shard_id:
                await self.publisher.publish(guild_id)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._cards_deleted([payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._cards_deleted(sorted(payload.message_ids))

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """The open cards that went with it come again in the channel that `/setup` names."""
        services = self.bot.services
        if await patiently(services.health, lambda: services.store.cards.channel_lost(channel.id)):
            await self.publisher.publish(channel.guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Perhaps not for the first time."""
        await self.publisher.publish(guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.publisher.forget(guild.id)

    async def _cards_deleted(self, message_ids: list[int]) -> None:
        """Open reviews whose card somebody deleted get a new one."""
        cards, health = self.bot.services.store.cards, self.bot.services.health
        for message_id in message_ids:
            if guild_id := await patiently(health, partial(cards.lost, message_id)):
                await self.publisher.publish(guild_id)
