"""The listener: it decides what is a post of a watched channel and hands it on, nothing more."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import aiohttp
import discord
from discord.ext import commands

from bot.client import Threadwatch, explain
from bot.errors import IntakeFull, ScoringFailed, StoreError
from bot.patience import patiently
from bot.pipeline import Processed
from cogs.posts import Channel, is_wanted, to_post, watched_since

if TYPE_CHECKING:
    from discord.abc import MessageableChannel


class Watch(commands.Cog):
    """Events of one channel are taken in the order they came, up to the queue; decisions are awaited outside."""

    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """A new session (a resumed one misses nothing); `on_ready` would come after its first messages."""
        self.services.cursors.connected()

    @commands.Cog.listener()
    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.services.cursors.born(thread.id, thread.parent_id)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        if message.guild is None:
            return
        channel_id = message.channel.id
        # Before any await: a later message must not pass this one.
        self.services.cursors.arrived(channel_id, message.id)
        try:
            async with self._turn(channel_id):
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
            await self._read_again(message.guild, message.channel, message)

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        if before.name != after.name:
            await self._read_starter_again(after)

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """For threads from before the start, of which no former title is known: the revision tells."""
        if payload.thread is None and (guild := self.bot.get_guild(payload.guild_id)):
            watched = await self.services.store.servers.watched(guild.id)
            if payload.parent_id not in watched and payload.thread_id not in watched:
                return
            channel = await guild.fetch_channel(payload.thread_id)
            if isinstance(channel, discord.Thread):
                await self._read_starter_again(channel)

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

    async def _flagged(self, decision: "asyncio.Future[Processed]") -> bool:
        try:
            return (await decision).decision.verdict.flagged
        except (ScoringFailed, StoreError):
            return False  # noted by the intake, where it happened

    async def _read_again(self, guild: discord.Guild, channel: "MessageableChannel", message: discord.Message) -> None:
        """An edited post: an unchanged revision is not decided again."""
        async with self._turn(channel.id):
            decision = await self._put_again(guild, channel, message)
        await self._decided_again(guild, decision)

    async def _put_again(
        self, guild: discord.Guild, channel: "MessageableChannel", message: discord.Message
    ) -> "asyncio.Future[Processed] | None":
        watched = await self._watched(guild, channel)
        if watched is None or not await self._wanted(message):
            return None
        return await self.services.intake.put_when_room(to_post(message, watched[0]))

    async def _decided_again(self, guild: discord.Guild, decision: "asyncio.Future[Processed] | None") -> None:
        if decision is not None:
            await self._flagged(decision)
            self.bot.dispatch("reviews_changed", guild.id)

    async def _read_starter_again(self, thread: discord.Thread) -> None:
        if not isinstance(thread.parent, discord.ForumChannel) or not await self._watched(thread.guild, thread):
            return
        async with self._turn(thread.id):  # an edit that comes while we fetch has to be decided after
            try:
                starter = await thread.fetch_message(thread.id)
            except discord.NotFound:
                return  # the first post was deleted, the thread lives on without it
            decision = await self._put_again(thread.guild, thread, starter)
        await self._decided_again(thread.guild, decision)

    async def _deleted(self, guild_id: int | None, channel_id: int, message_ids: Sequence[int]) -> None:
        if guild_id is None:
            return
        async with self._turn(channel_id):
            await self.services.intake.drain()  # a post may be deleted while it is being scored
            known = await patiently(
                self.services.health,
                lambda: self.services.store.decisions.mark_deleted(message_ids, self.services.clock()),
            )
        if known:
            self.bot.dispatch("reviews_changed", guild_id)

    async def _channel_deleted(self, guild_id: int, channel_id: int) -> None:
        async with self._turn(channel_id):
            await self.services.intake.drain()
            known = await patiently(
                self.services.health,
                lambda: self.services.store.decisions.mark_channel_deleted(channel_id, self.services.clock()),
            )
        await patiently(self.services.health, lambda: self.services.store.servers.unwatch(channel_id))
        if known:
            self.bot.dispatch("reviews_changed", guild_id)

    def _turn(self, channel_id: int) -> asyncio.Lock:
        return self._turns.setdefault(channel_id, asyncio.Lock())
