"""The listener: it decides what is a post of a watched channel and hands it on, nothing more."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import discord
from discord.ext import commands
from typing_extensions import override

from bot.client import Threadwatch, explain
from bot.errors import IntakeFull, ScoringFailed, StoreError
from bot.patience import patiently
from bot.pipeline import Processed
from cogs.posts import Channel, is_wanted, to_post, watched_since
from cogs.watch.retries import Retries
from cogs.watch.turns import Turns

if TYPE_CHECKING:
    from discord.abc import MessageableChannel


class Watch(commands.Cog):
    """Events of one channel are taken in the order they came, up to the queue; decisions are awaited outside.

    A new post that fails is left for catch-up. An edit or a deletion, which lies behind the cursor, is tried again.
    """

    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services
        self._turns = Turns(self.services.settings.queue_size)
        self._retries = Retries(self.services.health)

    @override
    async def cog_unload(self) -> None:
        self._retries.cancel()

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """A new session (a resumed one misses nothing); `on_shard_ready` would come after its first messages."""
        self.services.cursors.connected(shard_id, self.bot.shard_count or 1)

    @commands.Cog.listener()
    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.services.cursors.born(thread.id, thread.parent_id, thread.guild.id)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        if message.guild is None:
            return
        channel_id = message.channel.id
        # Before any await: a later message must not pass this one.
        self.services.cursors.arrived(channel_id, message.id)
        try:
            async with self._turns.for_post(channel_id):
                decision = await self._take_in(message)
            if decision and (await decision).decision.verdict.flagged:
                self.bot.dispatch("reviews_changed", message.guild.id)
        except ScoringFailed:
            pass  # noted by the intake, where it happened
        except (IntakeFull, StoreError, discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # The cursor stays before this message: catch-up will find it.
            self.services.health.note_error(f"Post {message.id} was left for catch-up: {explain(error)}", error)
            self.bot.dispatch("posts_left", message.guild.id, channel_id)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        message = payload.message
        if message.guild is not None:
            first = partial(self._read_again, message.guild, message.channel, message)
            again = partial(self._fetch_and_read, message.guild.id, message.channel.id, message.id)
            await self._retries.do(_reading(message.id), first, again)

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        if before.name != after.name:
            await self._renamed(after.guild.id, after.parent_id, after.id)

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """For threads from before the start, of which no former title is known: the revision tells."""
        if payload.thread is None:
            await self._renamed(payload.guild_id, payload.parent_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._deleted(payload.guild_id, payload.channel_id, [payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._deleted(payload.guild_id, payload.channel_id, sorted(payload.message_ids))

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        await self._channel_deleted(payload.guild_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self._channel_deleted(channel.guild.id, channel.id)

    async def _watched(self, guild: discord.Guild, channel: "MessageableChannel") -> tuple[Channel, int] | None:
        """The channel of a message and the id since which it is watched; None if it is not."""
        if isinstance(channel, discord.PartialMessageable):  # an archived thread that is not cached
            found = guild.get_channel_or_thread(channel.id) or await guild.fetch_channel(channel.id)
        else:
            found = channel
        if not isinstance(found, Channel):
            return None
        since = watched_since(found, await self.services.store.servers.watched(guild.id))
        return None if since is None else (found, since)

    async def _wanted(self, message: discord.Message) -> bool:
        assert message.guild is not None, "checked by the callers"
        return is_wanted(message, await self.services.store.servers.get(message.guild.id))

    async def _take_in(self, message: discord.Message) -> "asyncio.Future[Processed] | None":
        """Queue a new message; None if it is no post of a watched channel."""
        assert message.guild is not None, "checked by the caller"
        cursors, channel_id = self.services.cursors, message.channel.id
        watched = await self._watched(message.guild, message.channel)
        if watched is None:
            cursors.forget(channel_id, message.id)
            return None
        channel, since = watched
        cursors.owed_since(channel_id, since)
        if not await self._wanted(message):
            cursors.written([(channel_id, message.id)], {})
            return None
        return self.services.intake.put(to_post(message, channel))

    async def _read_again(self, guild: discord.Guild, channel: "MessageableChannel", message: discord.Message) -> None:
        """An edited post: an unchanged revision is not decided again."""
        async with self._turns.for_post(channel.id):
            decision = await self._put_again(guild, channel, message)
        await self._decided_again(guild, decision)

    async def _fetch_and_read(self, guild_id: int, channel_id: int, message_id: int) -> None:
        """Read a message as it is now. A server that we were removed from, or a channel not watched, gives nothing."""
        if (guild := self.bot.get_guild(guild_id)) is None:
            return
        channel = guild.get_channel_or_thread(channel_id) or await guild.fetch_channel(channel_id)
        if not isinstance(channel, discord.abc.Messageable) or not await self._watched(guild, channel):
            return
        async with self._turns.for_post(channel_id):  # an edit that comes while we fetch has to be decided after
            decision = await self._put_again(guild, channel, await channel.fetch_message(message_id))
        await self._decided_again(guild, decision)

    async def _put_again(
        self, guild: discord.Guild, channel: "MessageableChannel", message: discord.Message
    ) -> "asyncio.Future[Processed] | None":
        watched = await self._watched(guild, channel)
        if watched is None or not await self._wanted(message):
            return None
        return await self.services.intake.put_when_room(to_post(message, watched[0]))

    async def _decided_again(self, guild: discord.Guild, decision: "asyncio.Future[Processed] | None") -> None:
        if decision is None:
            return
        with suppress(ScoringFailed):  # noted by the intake, where it happened; the card says so
            await decision
        self.bot.dispatch("reviews_changed", guild.id)

    async def _renamed(self, guild_id: int, parent_id: int, thread_id: int) -> None:
        """In a forum the title is part of the first post, which has the thread's id."""

        async def read() -> None:
            watched = await self.services.store.servers.watched(guild_id)
            if parent_id in watched or thread_id in watched:
                await self._fetch_and_read(guild_id, thread_id, thread_id)

        guild = self.bot.get_guild(guild_id)
        if guild and isinstance(guild.get_channel(parent_id), discord.ForumChannel):
            await self._retries.do(_reading(thread_id), read)

    async def _deleted(self, guild_id: int | None, channel_id: int, message_ids: Sequence[int]) -> None:
        if guild_id is None:
            return
        decisions, at = self.services.store.decisions, self.services.clock()
        await self._settled(channel_id)
        await self._retries.do(
            f"Marking post {message_ids[0]} ({len(message_ids)} at once) as deleted",
            partial(self._mark, guild_id, lambda: decisions.mark_deleted(message_ids, at)),
        )

    async def _channel_deleted(self, guild_id: int, channel_id: int) -> None:
        store, at = self.services.store, self.services.clock()
        await self._settled(channel_id)

        async def mark() -> None:
            await self._mark(guild_id, lambda: store.decisions.mark_channel_deleted(channel_id, at))
            await patiently(self.services.health, lambda: store.servers.unwatch(channel_id))

        await self._retries.do(f"Marking the posts of channel {channel_id} as deleted", mark)

    async def _mark(self, guild_id: int, write: Callable[[], Awaitable[bool]]) -> None:
        if await patiently(self.services.health, write):
            self.bot.dispatch("reviews_changed", guild_id)

    async def _settled(self, channel_id: int) -> None:
        """What came in a channel before now is decided: a post may be deleted while it is being scored.

        Deciding takes long when the database is locked, so the turn is not kept: posts that come meanwhile would
        pile up outside the queue.
        """
        async with self._turns.of(channel_id):
            pass  # whatever came before is in the queue
        await self.services.intake.drain()


def _reading(message_id: int) -> str:
    return f"Reading post {message_id} again"
