"""When to catch up: at the start, after every new session, when something becomes watched or visible again."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord.ext import commands, tasks
from typing_extensions import override

from bot.client import Threadwatch
from bot.patience import patiently
from cogs.catchup.run import Run
from cogs.catchup.targets import readable

RETRY_SECONDS = 60.0
LEFT_SECONDS = 1.0
"""After a post was left, before it is read: more may be left with it, for the same reason."""
AT_ONCE = 4
"""Servers that are read at the same time."""


class CatchUpCog(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asked: set[int] = set()
        self._left: set[int] = set()
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._visible: defaultdict[int, dict[int, bool]] = defaultdict(dict)
        self._gone: set[int] = set()
        self._running: set[asyncio.Task[Any]] = set()

    @override
    async def cog_load(self) -> None:
        self.try_failed_again.start()

    @override
    async def cog_unload(self) -> None:
        self.try_failed_again.cancel()
        for task in (*self._timers.values(), *self._running):
            task.cancel()  # the store is closed next; what is unread stays behind the cursors

    @commands.Cog.listener()
    async def on_new_session(self, shard_id: int) -> None:
        """Our own event; one that was resumed has missed nothing. No server's failure keeps us from the others."""
        await asyncio.gather(*(self.catch_up(guild.id) for guild in self.bot.guilds_of(shard_id)))

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self.catch_up(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Perhaps not for the first time: then what was watched is watched still."""
        await self.catch_up(guild.id)

    @commands.Cog.listener()
    async def on_watch_changed(self, guild_id: int) -> None:
        """Our own event: `/setup` watches something else now."""
        await self.catch_up(guild_id)

    @commands.Cog.listener()
    async def on_posts_left(self, guild_id: int, channel_id: int) -> None:
        """Our own event: posts stay behind their channel's cursor, for want of room or because of a fault."""
        if channel_id not in self._left:
            self._left.add(channel_id)
            await asyncio.sleep(LEFT_SECONDS)
            self._left.discard(channel_id)
            await self._read_channel(guild_id, channel_id)

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """A thread comes back from the archive, of which nobody knows how much was read."""
        archived = payload.data["thread_metadata"]["archived"]
        if not archived and not self.services.cursors.is_continuous(payload.thread_id):
            await self._read_channel(payload.guild_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A private thread reaches us only from the moment we are in it; others tell us all along."""
        if thread.is_private():
            await self.on_posts_left(thread.guild.id, thread.id)

    @commands.Cog.listener()
    async def on_thread_remove(self, thread: discord.Thread) -> None:
        """Of a private thread that we were removed from nothing reaches us, unless we may manage threads."""
        if thread.is_private():
            self.services.cursors.interrupted(thread.id)
            if thread.parent and thread.permissions_for(thread.guild.me).manage_threads:
                await self.on_posts_left(thread.guild.id, thread.id)

    @commands.Cog.listener()
    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """An outage at Discord: whatever is sent there before it is over may not reach us."""
        self._interrupted(guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """We may be invited again within the same session."""
        self._interrupted(guild)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        await self._look_at_visibility(after.guild)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        await self._look_at_visibility(after.guild)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        await self._look_at_visibility(role.guild)

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """Of ourselves it is sent without the members intent."""
        if after.id == after.guild.me.id:
            await self._look_at_visibility(after.guild)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self._note_gone(payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        self._note_gone(*payload.message_ids)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        self._note_gone(payload.thread_id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self._note_gone(channel.id)

    @tasks.loop(hours=1)
    async def try_failed_again(self) -> None:
        for guild in self.bot.guilds:
            try:
                async with self._run(guild) as run:
                    await run.failed_posts()
            except Exception as error:  # the loop must go on
                self.services.health.note_error(f"posts that failed could not be tried again: {error}", error)

    @try_failed_again.before_loop
    async def _until_ready(self) -> None:
        await self.bot.wait_until_ready()

    async def catch_up(self, guild_id: int) -> None:
        """Read all that is watched on a server; who asks while somebody waits to begin need not wait too."""
        guild = self.bot.get_guild(guild_id)
        if guild is None or guild_id in self._asked:
            return
        self._asked.add(guild_id)
        try:
            async with self._reading(guild) as run, self._slots:
                self._asked.discard(guild_id)
                watched = await self._watched(guild_id)
                self._visible[guild_id] = {id_: self._sees(guild, id_) for id_ in watched}
                if watched:
                    self.services.health.catch_ups[guild_id] = run.report
                    await run.everything(watched)
        finally:
            self._asked.discard(guild_id)

    async def _read_channel(self, guild_id: int, channel_id: int) -> None:
        """Read one channel or thread of a server, if it is watched."""
        if (guild := self.bot.get_guild(guild_id)) is None:
            return
        async with self._reading(guild) as run:
            await run.one(channel_id, await self._watched(guild_id))

    async def _watched(self, guild_id: int) -> dict[int, int]:
        return await patiently(self.services.health, lambda: self.services.store.servers.watched(guild_id))

    @asynccontextmanager
    async def _reading(self, guild: discord.Guild) -> AsyncGenerator[Run]:
        """Whatever fails is noted, and the whole server is read again soon."""
        async with self._run(guild) as run:
            try:
                yield run
            except Exception as error:
                run.failed("reading was cut short", error)
        if run.report.failures:
            self._again_in(guild.id, RETRY_SECONDS)

    @asynccontextmanager
    async def _run(self, guild: discord.Guild) -> AsyncGenerator[Run]:
        """One at a time on each server."""
        async with self._locks[guild.id]:
            task = asyncio.current_task()
            assert task is not None, "this is a coroutine"
            self._running.add(task)
            try:
                yield Run(self.bot, guild, self._gone)
            finally:
                self._running.discard(task)
                if not self._running:
                    self._gone.clear()

    async def _look_at_visibility(self, guild: discord.Guild) -> None:
        """What was hidden may have gaps, from the moment it is hidden: before any await, as messages may follow."""
        known = self._visible[guild.id]
        appeared = False
        for channel_id, was in list(known.items()):
            known[channel_id] = sees = self._sees(guild, channel_id)
            if was and not sees:
                self.services.cursors.interrupted(channel_id)
            appeared |= sees and not was
        if appeared:
            await self.catch_up(guild.id)

    def _interrupted(self, guild: discord.Guild) -> None:
        for channel in guild.channels:
            self.services.cursors.interrupted(channel.id)

    def _sees(self, guild: discord.Guild, channel_id: int) -> bool:
        channel = guild.get_channel_or_thread(channel_id)
        return channel is not None and readable(channel)

    def _note_gone(self, *ids: int) -> None:
        if self._running:
            self._gone.update(ids)

    def _again_in(self, guild_id: int, seconds: float) -> None:
        if guild_id not in self._timers:
            self._timers[guild_id] = asyncio.create_task(self._later(guild_id, seconds))

    async def _later(self, guild_id: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._timers[guild_id]
        self.bot.dispatch("watch_changed", guild_id)
