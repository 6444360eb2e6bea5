"""One reading of one server: all that is watched there, or what failed before."""

import logging
from collections.abc import Mapping, Set
from datetime import UTC, datetime

import discord

from bot.client import Threadwatch, explain
from bot.health import CatchUp
from bot.patience import patiently
from cogs.catchup.reader import DAY_MS, HOUR_MS, Reader
from cogs.catchup.targets import Gone, Hidden, Readable, Target, find_channel, targets
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
        self._reader = Reader(services, self.report, gone, lambda: bot.dispatch("reviews_changed", guild.id))

    async def everything(self, watched: Mapping[int, int]) -> None:
        """Read the channels of ``watched`` and their threads; what cannot be read is in the report."""
        settings, report = self._services.settings, self.report
        age_ms = max(settings.catchup_days * DAY_MS, settings.reconcile_hours * HOUR_MS)
        horizon = datetime.fromtimestamp((self._services.clock() - age_ms) / 1000, UTC)
        seen: set[int] = set()
        try:
            async for found in targets(self._guild, watched, horizon):
                match found:
                    case Target():
                        seen.add(found.channel.id)
                        await self._channel(found)
                    case Hidden():
                        report.unreadable.append((found.channel_id, found.reason))
                    case Gone():
                        await self._forget(found.channel_id)
            await self._look_for_deleted_threads(seen)
        except Exception as error:  # whatever it was, the rest has to be read soon
            self._failed("catching up was cut short", error)
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
        try:
            channel = await self._guild.fetch_channel(channel_id)
        except discord.NotFound:
            await self._forget(channel_id)
        except Exception as error:
            self._failed(f"channel {channel_id} could not be fetched", error)
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
            self._failed(f"channel {channel_id} could not be read", error)

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
                self._failed(f"post {message_id} could not be fetched again", error)

    async def _look_for_deleted_threads(self, seen: Set[int]) -> None:
        """A thread that is neither active nor lately archived, though it has young posts, may be deleted."""
        services = self._services
        young = services.clock() - services.settings.reconcile_hours * HOUR_MS
        for thread_id in await services.store.history.threads_standing(self._guild.id, young) - seen:
            try:
                if await find_channel(self._guild, thread_id) is None:
                    await self._forget(thread_id)
            except discord.Forbidden:
                continue  # its channel is listed as hidden

    async def _forget(self, channel_id: int) -> None:
        """A channel or thread was deleted, and its posts with it."""
        store, health, at = self._services.store, self._services.health, self._services.clock()
        if await patiently(health, lambda: store.decisions.mark_channel_deleted(channel_id, at)):
            self._bot.dispatch("reviews_changed", self._guild.id)
        await patiently(health, lambda: store.servers.unwatch(channel_id))

    def _failed(self, what: str, error: Exception) -> None:
        self.report.failures += 1
        self._services.health.note_error(f"Catch-up: {what} ({explain(error)}). It is tried again soon.", error)
