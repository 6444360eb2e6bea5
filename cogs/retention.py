"""Words of flagged posts are kept for a set number of days, then deleted, off their cards too."""

import logging

from discord.ext import commands, tasks
from typing_extensions import override

from bot.client import Threadwatch

DAY_MS = 24 * 3600 * 1000

log = logging.getLogger(__name__)


class Retention(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot

    @override
    async def cog_load(self) -> None:
        self.sweep.start()

    @override
    async def cog_unload(self) -> None:
        self.sweep.cancel()

    @tasks.loop(hours=1)
    async def sweep(self) -> None:
        services = self.bot.services
        try:
            before = services.clock() - services.settings.retention_days * DAY_MS
            swept = await services.store.decisions.sweep_evidence(before)
            if swept:
                log.info("retention: the words of %d flagged posts were deleted", swept)
                for guild_id in await services.store.reviews.guilds_behind():
                    self.bot.dispatch("reviews_changed", guild_id)
        except Exception as error:  # the loop must go on: the next sweep catches up
            services.health.note_error(f"the retention sweep failed: {error}", error)

    @sweep.before_loop
    async def _until_ready(self) -> None:
        await self.bot.wait_until_ready()


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(Retention(bot))
