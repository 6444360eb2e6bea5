"""Heat alerts: one line in the review channel when a thread boils over. About threads, never about persons."""

from discord import ui

from bot.client import Threadwatch
from bot.store.heat import HotChannel

MINUTE_MS = 60 * 1000
WINDOW_MS = 10 * MINUTE_MS
QUIET_MS = 60 * MINUTE_MS
AT_LEAST = 5
ONE_IN = 5


async def boiling_over(bot: Threadwatch, guild_id: int) -> list[HotChannel]:
    """Threads to announce now. Counted by when posts were written: history that is read late is no heat."""
    now = bot.services.clock()
    return await bot.services.store.heat.hot(
        guild_id, written_since=now - WINDOW_MS, quiet_since=now - QUIET_MS, at_least=AT_LEAST, one_in=ONE_IN
    )


def alert_text(hot: HotChannel) -> str:
    minutes = WINDOW_MS // MINUTE_MS
    return (
        f"🔥 <#{hot.channel_id}> is boiling over: {hot.flagged} of {hot.posts} posts in the last {minutes} minutes "
        "were flagged so far."
    )


def alert_link(guild_id: int, hot: HotChannel) -> ui.View:
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Open the thread", url=f"https://discord.com/channels/{guild_id}/{hot.channel_id}"))
    return view


def alert_nonce(hot: HotChannel) -> str:
    """The same for every try within the minutes that Discord remembers it; an hour on it is free again."""
    return f"h{hot.channel_id}"
