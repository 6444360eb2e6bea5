"""Reviews: cards of flagged posts in the review channel, and the buttons that resolve them."""

from bot.client import Threadwatch
from cogs.review.buttons import BUTTONS
from cogs.review.cog import ReviewCog


async def setup(bot: Threadwatch) -> None:
    bot.add_dynamic_items(*BUTTONS)
    await bot.add_cog(ReviewCog(bot))
