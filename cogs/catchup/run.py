"""One reading of one server: all that is watched there, or what failed before."""

import logging
from collections.abc import Mapping, Set

import discord

from bot.client import Threadwatch, explain
from bot.cursors import time_of
from bot.health import CatchUp
from bot.patience import patiently
from cogs.catchup.reader import HOUR_MS, Reader
from cogs.catchup.targets import (
    Failed,
    Gone,
    Hidden,
    Readable,
    Target,
    find_channel,
    newest_message,
    readable,
    targets,
)
from cogs.posts import watched_since

log = logging.getLogger(__name__)


class Run:
    """``report`` tells what it came upon; ``report.failures`` is not 0 if it has to be done again.

    ``gone`` holds the ids of messages and channels that are deleted meanwhile.
    """

    def __init__(self, bot: Threadwatch, guild: discord.Guild, gone: Set[int]) -> None:
        self._bot = bot
        self._guild = guild
        self._services = services = bot.services
        self.report = CatchUp(services.clock())
        self._now = time_of(newest_message(guild))
        self._reader = Reader(services, self.report, gone, lambda: bot.dispatch("reviews_changed", guild.id), self._now)

    async def everything(self, watched: Mapping[int, int]) -> None:
        """Read the channels of ``watched`` and their threads; what cannot be read is in the report."""
        report = self.report
        seen: set[int] = set()
        try:
            async for found in targets(self._guild, watched):
                match found:
                    case Target():
                        seen.add(found.channel.id)
                        await self._channel(found)
                    case Hidden():
                        report.unreadable.append((found.channel_id, found.reason))
                    case Gone():
                        await self._forget(found.channel_id)
                    case Failed():
                        self.failed(f"channel {found.channel_id} could not be listed", found.error)
            await self._look_for_deleted_threads(watched, seen)
        except Exception as error:  # whatever it was, the rest has to be read soon
            self.failed("catching up was cut short", error)
        report.finished_at = self._services.clock()
        log.info(
            "caught up on server %d: %d channels, %d messages, %d posts decided, %d flagged, %d found deleted; "
            "%d channels could not be checked, %d failures",
            self._guild.id,
            *(report.channels, report.messages, report.posts, report.flagged, report.deleted),
            *(len(report.unreadable), report.failures),
        )

    async def one(self, channel_id: int, watched: Mapping[int, int]) -> None:
        """Read one channel or thread, if it is watched; fetched anew, since its last message counts."""
        known = self._guild.get_channel_or_thread(channel_id)
        if known is not None and watched_since(known, watched) is None:
            return
        try:
            channel = await self._guild.fetch_channel(channel_id)
        except discord.NotFound:
            await self._forget(channel_id)
        except Exception as error:
            self.failed(f"channel {channel_id} could not be fetched", error)
        else:
            if isinstance(channel, Readable) and (since := watched_since(channel, watched)) is not None:
                await self._channel(Target(channel, since))

    async def _channel(self, target: Target) -> None:
        channel_id = target.channel.id
        try:
            await self._reader.read(target)
        except discord.NotFound:
            await self._forget(channel_id)
        except discord.Forbidden:
            self.report.unreadable.append((channel_id, "Discord does not let me read it (403)"))
        except Exception as error:  # the other channels can be read
            self.failed(f"channel {channel_id} could not be read", error)

    async def failed_posts(self) -> None:
        """Try again what could not be scored, a few times in all."""
        for place, message_id in await self._services.store.history.failed(self._guild.id):
            try:
                channel = await find_channel(self._guild, place.message_channel_id)
                if isinstance(channel, Readable):
                    await self._reader.read_again(channel, message_id)
                elif channel is None:
                    await self._forget(place.message_channel_id)
            except discord.Forbidden:
                continue  # hidden from us for now; the post stays listed as not scored
            except Exception as error:  # the other posts can be fetched
                self.failed(f"post {message_id} could not be fetched again", error)

    async def _look_for_deleted_threads(self, watched: Mapping[int, int], seen: Set[int]) -> None:
        """A thread that is neither active nor archived, though it has young posts, is deleted, or hidden from us."""
        young = self._now - self._services.settings.reconcile_hours * HOUR_MS
        standing = await self._services.store.history.threads_standing(self._guild.id, young)
        for thread_id, channel_id in standing.items():
            if thread_id in seen:
                continue
            try:
                if await find_channel(self._guild, thread_id) is None:
                    await self._forget(thread_id)
            except discord.Forbidden:
                parent = self._guild.get_channel(channel_id)
                if channel_id in watched and parent and readable(parent):  # otherwise that is listed as hidden
                    self.report.unreadable.append((thread_id, "a private thread that I am no longer in"))

    async def _forget(self, channel_id: int) -> None:
        """A channel or thread was deleted, and its posts with it."""
        store, health, at = self._services.store, self._services.health, self._services.clock()
        gone = f"Channel or thread {channel_id} does not exist any more (404)"
        if await patiently(health, lambda: store.decisions.mark_channel_deleted(channel_id, at)):
            log.warning("%s: its posts count as deleted", gone)
            self._bot.dispatch("reviews_changed", self._guild.id)
        if await patiently(health, lambda: store.servers.unwatch(channel_id)):
            health.note_error(f"{gone}. It is no longer watched.")

    def failed(self, what: str, error: Exception) -> None:
        self.report.failures += 1
        self._services.health.note_error(f"Catch-up: {what} ({explain(error)}). It is tried again soon.", error)
