"""The publisher: it alone posts, edits and replaces cards, from what the store says."""

import asyncio
from collections import defaultdict

import aiohttp
import discord

from bot.client import Threadwatch
from bot.domain import Card, Review
from bot.errors import StoreError
from cogs.review.card import render

WINDOW_SECONDS = 60
RETRY_SECONDS = 60
FORBIDDEN_RETRY_SECONDS = 600
PAGE = 50

Channel = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel


class Unpublishable(Exception):
    """Cards cannot be posted for now; the message says why, ``retry_seconds`` when to try again."""

    def __init__(self, why: str, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__(why)
        self.retry_seconds = retry_seconds


class Publisher:
    """Brings the cards of a server in line with its reviews; calling it twice changes nothing."""

    def __init__(self, bot: Threadwatch) -> None:
        self._bot = bot
        self._services = bot.services
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._timers: dict[int, asyncio.Task[None]] = {}

    async def publish(self, guild_id: int) -> None:
        """Update cards that are behind, then post new ones as far as the limit per minute allows."""
        pauses: list[float] = []
        async with self._locks[guild_id]:
            for step in (self._update_cards, self._post_cards):
                try:
                    pause = await step(guild_id)
                except (Unpublishable, StoreError) as why:
                    pause = self._waits(why)
                except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                    pause = self._waits(Unpublishable(f"Discord cannot be reached ({type(error).__name__})"))
                if pause is not None:
                    pauses.append(pause)
            self._wake_in(guild_id, min(pauses, default=None))

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    async def _update_cards(self, guild_id: int) -> float | None:
        """Every card that is behind, in pages; one that Discord refuses does not hold up the others."""
        after, pauses, closed = 0, list[float](), set[int]()
        while behind := await self._services.store.reviews.behind(guild_id, with_card=True, after=after, limit=PAGE):
            for review in behind:
                assert review.card is not None, "asked for with_card"
                if review.card.channel_id in closed:
                    continue
                try:
                    await self._update_card(review, review.card)
                except Unpublishable as why:  # says nothing about the cards in other channels
                    pauses.append(self._waits(why))
                    closed.add(review.card.channel_id)
            after = behind[-1].id
        return min(pauses, default=None)

    def _waits(self, why: Unpublishable | StoreError) -> float:
        self._services.health.note_error(f"Review cards wait: {why}")
        return why.retry_seconds if isinstance(why, Unpublishable) else RETRY_SECONDS

    async def _update_card(self, review: Review, card: Card) -> None:
        try:
            await self._partial(card).edit(view=self._render(review))
        except discord.NotFound:
            await self._services.store.reviews.card_lost(review)
        except discord.HTTPException as error:
            self._refused(error, f"the card of review {review.id} could not be updated")
        else:
            await self._services.store.reviews.card_shows(review)

    async def _post_cards(self, guild_id: int) -> float | None:
        """Returns the seconds after which to go on, or None if nothing waits."""
        reviews, now = self._services.store.reviews, self._services.clock()
        if not await reviews.count_waiting(guild_id):
            await self._announce(guild_id, None, 0)
            return None
        channel = await self._review_channel(guild_id)
        recent = await reviews.posting_times(guild_id, now - WINDOW_SECONDS * 1000)
        room = self._services.settings.cards_per_minute - len(recent)
        if room > 0:
            for review in await reviews.behind(guild_id, with_card=False, limit=room):
                await self._post_card(review, channel)
        left = await reviews.count_waiting(guild_id)
        await self._announce(guild_id, channel, left)
        if not left:
            return None
        return max(1.0, WINDOW_SECONDS - (now - recent[0]) / 1000) if recent else WINDOW_SECONDS

    async def _post_card(self, review: Review, channel: Channel) -> None:
        try:
            message = await channel.send(view=self._render(review), nonce=review.nonce)
        except discord.HTTPException as error:
            self._refused(error, f"the card of review {review.id} could not be posted in channel {channel.id}")
        else:
            await self._services.store.reviews.card_posted(review, Card(channel.id, message.id))

    async def _review_channel(self, guild_id: int) -> Channel:
        """The channel for cards, if it is there and we may write in it: no blind tries that end in a 403."""
        settings = await self._services.store.servers.get(guild_id)
        if settings.review_channel_id is None:
            raise Unpublishable("no review channel is chosen; choose one with /setup")
        guild = self._bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(settings.review_channel_id) if guild else None
        if guild is None or not isinstance(channel, Channel):
            raise Unpublishable("the review channel was deleted, or is hidden from me; choose one with /setup")
        mine = channel.permissions_for(guild.me)
        if not (mine.view_channel and mine.send_messages):
            raise Unpublishable("I may not write in the review channel; give me View Channel and Send Messages there")
        return channel

    async def _announce(self, guild_id: int, channel: Channel | None, left: int) -> None:
        """One line says how many posts wait for a card; it goes when none does."""
        reviews = self._services.store.reviews
        notice = await reviews.notice(guild_id)
        pace = self._services.settings.cards_per_minute
        text = f"⏳ Flagged posts that wait for their card: {left}. At most {pace} cards a minute are posted."
        try:
            if notice and left and channel and notice.channel_id == channel.id:
                await self._partial(notice).edit(content=text)
                return
            if notice:  # nothing waits any more, or the review channel is another one now
                await self._partial(notice).delete()
                await reviews.save_notice(guild_id, None)
            if left and channel:
                message = await channel.send(text)
                await reviews.save_notice(guild_id, Card(channel.id, message.id))
        except (discord.NotFound, discord.Forbidden):  # gone, or in a channel that was closed to us
            await reviews.save_notice(guild_id, None)
        except discord.HTTPException as error:
            self._refused(error, "the line about waiting cards could not be updated")

    def _refused(self, error: discord.HTTPException, what: str) -> None:
        """A 403 or a fault of Discord's concerns all cards: stop here. Anything else is this card's own trouble."""
        if isinstance(error, discord.Forbidden) or error.status == 429 or error.status >= 500:
            pause = FORBIDDEN_RETRY_SECONDS if isinstance(error, discord.Forbidden) else RETRY_SECONDS
            raise Unpublishable(f"{what} (HTTP {error.status})", pause) from error
        self._services.health.note_error(f"Review card refused: {what} (HTTP {error.status})", error)

    def _partial(self, card: Card) -> discord.PartialMessage:
        return self._bot.get_partial_messageable(card.channel_id).get_partial_message(card.message_id)

    def _render(self, review: Review) -> discord.ui.LayoutView:
        place = review.place
        guild = self._bot.get_guild(place.guild_id)
        channel = guild and (
            guild.get_channel_or_thread(place.message_channel_id) or guild.get_channel(place.channel_id)
        )
        may_remove = bool(guild and channel and channel.permissions_for(guild.me).manage_messages)
        return render(review, self._services.model, may_remove=may_remove)

    def _wake_in(self, guild_id: int, seconds: float | None) -> None:
        """The latest look knows best when to look again: an earlier timer is replaced."""
        if timer := self._timers.pop(guild_id, None):
            timer.cancel()
        if seconds is not None:
            self._timers[guild_id] = asyncio.create_task(self._wake(guild_id, seconds))

    async def _wake(self, guild_id: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._timers[guild_id]
        self._bot.dispatch("reviews_changed", guild_id)
