"""Reading one channel forward from its cursor, through the same pipeline as live posts and behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Set

import discord

from bot.app import Services
from bot.cursors import snowflake, time_of
from bot.domain import Unchecked
from bot.errors import ScoringFailed
from bot.health import CatchUp
from bot.patience import patiently
from bot.pipeline import Processed
from cogs.catchup.targets import Readable, Target
from cogs.posts import is_wanted, to_post

PAGE = 100
DAY_MS = 24 * 3600 * 1000
HOUR_MS = 3600 * 1000


class Reader:
    """Reads channels of one server and counts in ``report`` what it comes upon.

    ``gone`` holds the ids of messages and channels that are deleted meanwhile; ``changed`` is called when cards may
    have to be posted or updated. ``now`` (Unix ms) is Discord's time: by a clock of ours that runs ahead, posts would
    be given up that nobody has read.
    """

    def __init__(
        self,
        services: Services,
        report: CatchUp,
        gone: Set[int],
        changed: Callable[[], None],
        now: int,
    ) -> None:
        self._services = services
        self._report = report
        self._gone = gone
        self._changed = changed
        self._now = now

    async def read(self, target: Target) -> None:
        """Hand in what is owed, look again at what is young, note what is gone; then the gap is closed.

        Raises what Discord and the store raise; what was settled by then stays settled.
        """
        cursors, channel = self._services.cursors, target.channel
        cursors.owed_since(channel.id, target.owed_since)
        gap = cursors.gap(channel.id, target.parent_id, channel.guild.id)
        position = max(cursors.position(channel.id) or 0, target.owed_since)
        young = snowflake(self._now - self._services.settings.reconcile_hours * HOUR_MS)
        if self._holds_more_than(channel, min(position, max(young, target.owed_since))):
            position = await self._within_age(channel, position)
            await self._read_after(channel, min(position, max(young, target.owed_since)), position)
        self._report.channels += 1
        if cursors.gap_closed(channel.id, target.parent_id, gap):
            await self._write_cursor(channel.id)

    def _holds_more_than(self, channel: Readable, message_id: int) -> bool:
        """A thread has just been listed with its last message; what is remembered of a channel may be old."""
        return not isinstance(channel, discord.Thread) or (channel.last_message_id or channel.id) > message_id

    async def _read_after(self, channel: Readable, start: int, position: int) -> None:
        cursors = self._services.cursors
        left = set(cursors.pending(channel.id))
        known = await self._services.store.history.standing(channel.id, time_of(start))
        standing = {message_id for message_id in known if message_id > start}
        async for page in pages(channel, start):
            await self._take_in(channel, page, position)
            seen = {message.id for message in page}
            left -= seen
            standing -= seen
        if standing or left:
            await self._make_sure_deleted(channel, standing, left)

    async def _within_age(self, channel: Readable, position: int) -> int:
        """Where to begin: posts older than the age limit are given up, and that is written down once."""
        oldest = snowflake(self._now - self._services.settings.catchup_days * DAY_MS)
        if position >= oldest:
            return position
        after = discord.Object(position)
        async for last in channel.history(after=after, before=discord.Object(oldest), oldest_first=False, limit=1):
            async for first in channel.history(after=after, oldest_first=True, limit=1):
                skipped = Unchecked(channel.id, time_of(first.id), time_of(last.id), "older than the age limit")
                await self._services.store.history.note_unchecked(channel.guild.id, skipped)
            self._services.cursors.read_up_to(channel.id, last.id)
            await self._write_cursor(channel.id)
        return oldest

    async def _take_in(self, channel: Readable, page: list[discord.Message], position: int) -> None:
        """Decide what is new on a page, and what may have changed; returns when all of it is settled."""
        cursors = self._services.cursors
        owed = [message for message in page if message.id > position]
        for message in owed:
            cursors.arrived(channel.id, message.id)
        cursors.read_up_to(channel.id, page[-1].id)
        settings = await self._services.store.servers.get(channel.guild.id)
        waiting: list[asyncio.Future[Processed]] = []
        for message in page:
            wanted = is_wanted(message, settings) and not ({message.id, channel.id} & self._gone)
            if not wanted:
                cursors.written([(channel.id, message.id)], {})
            elif message.id == channel.id:
                waiting.append(await self._put_starter(channel, message))
            elif message.id > position or message.edited_at:
                waiting.append(await self._services.intake.put_behind(to_post(message, channel)))
        self._report.messages += len(page)
        for future in waiting:
            await self._count(future)
        await self._write_cursor(channel.id)
        if waiting:
            self._changed()

    async def _put_starter(self, channel: Readable, starter: discord.Message) -> "asyncio.Future[Processed]":
        """With the title of now; behind live posts it might undo a later title, as titles bear no date."""
        current = channel.guild.get_channel_or_thread(channel.id)
        known = current if isinstance(current, discord.Thread) else channel
        return await self._services.intake.put_when_room(to_post(starter, known))

    async def read_again(self, channel: Readable, message_id: int) -> None:
        """A post that could not be scored before."""
        try:
            message = await channel.fetch_message(message_id)
        except discord.NotFound:
            await self._mark_deleted({message_id})
        else:
            await self._count(await self._services.intake.put_behind(to_post(message, channel)))

    async def _count(self, decision: "asyncio.Future[Processed]") -> None:
        try:
            result = await decision
        except ScoringFailed:
            return  # noted by the intake, and tried again
        self._report.posts += result.is_new
        self._report.flagged += result.is_new and result.decision.verdict.flagged

    async def _write_cursor(self, channel_id: int) -> None:
        """Also where a page held nothing to decide."""
        services = self._services

        async def write() -> None:
            positions = services.cursors.positions_after([(channel_id, 0)])
            await services.store.history.move_cursors(positions)
            services.cursors.written([], positions)

        await patiently(services.health, write)

    async def _make_sure_deleted(self, channel: Readable, standing: Set[int], left: Set[int]) -> None:
        """Posts that stand in the records, or were left for us, and are not in the channel's history.

        Discord shows an empty history to who may not read it (any more), but refuses to show one message.
        """
        try:
            await channel.fetch_message(max(standing | left))
        except discord.NotFound:
            self._services.cursors.written([(channel.id, message_id) for message_id in left], {})
            if standing:
                await self._mark_deleted(standing)

    async def _mark_deleted(self, ids: Set[int]) -> None:
        decisions, at = self._services.store.decisions, self._services.clock()
        await patiently(self._services.health, lambda: decisions.mark_deleted(sorted(ids), at))
        self._report.deleted += len(ids)
        self._changed()


async def pages(channel: Readable, after: int) -> AsyncIterator[list[discord.Message]]:
    """All messages after an id, oldest first."""
    page: list[discord.Message] = []
    async for message in channel.history(after=discord.Object(after), oldest_first=True, limit=None):
        page.append(message)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
