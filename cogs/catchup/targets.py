"""What there is to read: the watched channels and the threads in them, and what of it we may not see."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import discord

from cogs.posts import Channel, watched_since

Readable = discord.TextChannel | discord.Thread


@dataclass(frozen=True, slots=True)
class Target:
    """A channel or thread with messages of its own, and the id after which all of them are owed a decision."""

    channel: Readable
    owed_since: int

    @property
    def parent_id(self) -> int | None:
        return self.channel.parent_id if isinstance(self.channel, discord.Thread) else None


@dataclass(frozen=True, slots=True)
class Hidden:
    """Something watched that cannot be read, and why."""

    channel_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Something watched, or known, that was deleted."""

    channel_id: int


async def find_channel(guild: discord.Guild, channel_id: int) -> Channel | None:
    """A channel or thread, archived threads too; None if it was deleted. Raises ``discord.HTTPException``."""
    if channel := guild.get_channel_or_thread(channel_id):
        return channel
    try:
        return await guild.fetch_channel(channel_id)
    except discord.NotFound:
        return None


def readable(channel: Channel) -> bool:
    """Whether we may see ``channel`` and read what was written in it before."""
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return False  # the channel it is in is hidden, or was deleted a moment ago
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.read_message_history


async def targets(
    guild: discord.Guild, watched: Mapping[int, int], horizon: datetime
) -> AsyncIterator[Target | Hidden | Gone]:
    """Everything watched in ``guild``; threads that were archived before ``horizon`` are left out."""
    active = {thread.id: thread for thread in await guild.active_threads()}
    for channel_id in watched:
        try:
            channel = active.get(channel_id) or await find_channel(guild, channel_id)
        except discord.Forbidden:
            yield Hidden(channel_id, "Discord does not let me see it (403)")
            continue
        if channel is None:
            yield Gone(channel_id)
            continue
        if not readable(channel):
            yield Hidden(channel_id, "I lack View Channel or Read Message History")
            continue
        if isinstance(channel, Readable):
            yield _target(channel, watched)
        if isinstance(channel, discord.TextChannel | discord.ForumChannel):
            async for found in _threads_of(channel, active.values(), horizon):
                if isinstance(found, Hidden):
                    yield found
                elif found.id not in watched:
                    yield _target(found, watched)


async def _threads_of(
    channel: discord.TextChannel | discord.ForumChannel, active: Iterable[discord.Thread], horizon: datetime
) -> AsyncIterator[discord.Thread | Hidden]:
    """Active threads, then archived ones, newest first; private archived threads if we may see them."""
    for thread in active:
        if thread.parent_id == channel.id:
            yield thread
    try:
        async for thread in _archived(channel, horizon, private=False):
            yield thread
    except discord.Forbidden:
        yield Hidden(channel.id, "archived threads in it: Discord does not let me see them (403)")
        return
    if not isinstance(channel, discord.TextChannel):
        return
    if not channel.permissions_for(channel.guild.me).manage_threads:
        yield Hidden(channel.id, "archived private threads in it: I lack Manage Threads")
        return
    async for thread in _archived(channel, horizon, private=True):
        yield thread


async def _archived(
    channel: discord.TextChannel | discord.ForumChannel, horizon: datetime, *, private: bool
) -> AsyncIterator[discord.Thread]:
    found = (
        channel.archived_threads(private=private, limit=None)
        if isinstance(channel, discord.TextChannel)
        else channel.archived_threads(limit=None)
    )
    async for thread in found:
        if thread.archive_timestamp < horizon:
            return
        yield thread


def _target(channel: Readable, watched: Mapping[int, int]) -> Target:
    since = watched_since(channel, watched)
    assert since is not None, "only what is watched is asked for"
    return Target(channel, since)
