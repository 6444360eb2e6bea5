"""What there is to read: the watched channels and the threads in them, and what of it we may not see."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

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


@dataclass(frozen=True, slots=True)
class Failed:
    """Something watched that could not be found out about, or not all of it."""

    channel_id: int
    error: Exception


Found = Target | Hidden | Gone | Failed


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


def newest_message(guild: discord.Guild) -> int:
    """The highest id of a message that is known on a server, 0 if there is none: it tells Discord's time."""
    with_messages = (
        *(*guild.text_channels, *guild.voice_channels, *guild.stage_channels),
        *(*guild.forums, *guild.threads),
    )
    return max((channel.last_message_id or 0 for channel in with_messages), default=0)


async def targets(guild: discord.Guild, watched: Mapping[int, int]) -> AsyncIterator[Found]:
    """Everything watched in ``guild``; threads that were archived before it was watched are left out.

    All the others are asked for, however old: there may be posts in them that nobody has read.
    """
    active = {thread.id: thread for thread in await guild.active_threads()}
    for channel_id in watched:
        try:
            async for found in _in_channel(guild, channel_id, watched, active):
                yield found
        except Exception as error:  # whatever it was, the other channels can be listed
            yield Failed(channel_id, error)


async def _in_channel(
    guild: discord.Guild, channel_id: int, watched: Mapping[int, int], active: Mapping[int, discord.Thread]
) -> AsyncIterator[Found]:
    try:
        channel = active.get(channel_id) or await find_channel(guild, channel_id)
    except discord.Forbidden:
        yield Hidden(channel_id, "Discord does not let me see it (403)")
        return
    if channel is None:
        yield Gone(channel_id)
        return
    if not readable(channel):
        yield Hidden(channel_id, "I lack View Channel or Read Message History")
        return
    if isinstance(channel, Readable):
        yield _target(channel, watched)
    if isinstance(channel, discord.TextChannel | discord.ForumChannel):
        since = datetime.fromtimestamp(watched[channel_id] / 1000, UTC)
        async for found in _threads_of(channel, active.values(), since):
            if isinstance(found, Hidden):
                yield found
            elif found.id not in watched:
                yield _target(found, watched)


async def _threads_of(
    channel: discord.TextChannel | discord.ForumChannel, active: Iterable[discord.Thread], since: datetime
) -> AsyncIterator[discord.Thread | Hidden]:
    """Active threads, then archived ones: the public ones, then in a text channel the private ones."""
    for thread in active:
        if thread.parent_id == channel.id:
            yield thread
    try:
        async for thread in _archived(channel, since, private=False):
            yield thread
        if isinstance(channel, discord.TextChannel):
            async for thread in _archived(channel, since, private=True):
                yield thread
    except discord.Forbidden:
        yield Hidden(channel.id, "archived threads in it: Discord does not let me see them (403)")


async def _archived(
    channel: discord.TextChannel | discord.ForumChannel, since: datetime, *, private: bool
) -> AsyncIterator[discord.Thread]:
    """Latest archived first; of private ones only those that we are in, newest first, if we may not see all."""
    joined = private and not channel.permissions_for(channel.guild.me).manage_threads
    found = (
        channel.archived_threads(private=private, joined=joined, limit=None)
        if isinstance(channel, discord.TextChannel)
        else channel.archived_threads(limit=None)
    )
    async for thread in found:
        if thread.archive_timestamp >= since:
            yield thread
        elif not joined:
            return


def _target(channel: Readable, watched: Mapping[int, int]) -> Target:
    since = watched_since(channel, watched)
    assert since is not None, "only what is watched is asked for"
    return Target(channel, since)
