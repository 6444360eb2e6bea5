"""Watching: every new, edited and deleted post of the watched channels."""

from bot.client import Threadwatch
from cogs.watch.cog import Watch


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(Watch(bot))
