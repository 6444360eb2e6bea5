"""Catching up: what was posted, edited and deleted while the bot could not see it; and reading back on request."""

from bot.client import Threadwatch
from cogs.catchup.backfill import Backfill
from cogs.catchup.cog import CatchUpCog


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(CatchUpCog(bot))
    await bot.add_cog(Backfill(bot))
