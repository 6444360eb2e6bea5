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
    async def on_ready(self) -> None:
        for guild_id in await self.bot.services.store.reviews.guilds_behind():
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
        if await patiently(services.health, lambda: services.store.reviews.channel_lost(channel.id)):
            await self.publisher.publish(channel.guild.id)

    async def _cards_deleted(self, message_ids: list[int]) -> None:
        """An open review whose card somebody deleted gets a new one."""
        reviews, health = self.bot.services.store.reviews, self.bot.services.health
        for message_id in message_ids:
            if review := await reviews.find_by_card(message_id):
                await patiently(health, partial(reviews.card_lost, review))
                await self.publisher.publish(review.place.guild_id)
