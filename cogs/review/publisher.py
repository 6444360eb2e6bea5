"""The publisher: it alone posts, edits and replaces cards, from what the store says."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import discord

from bot.client import Threadwatch
from bot.domain import Card, Review
from bot.errors import StoreError
from bot.store.cards import Waiting
from bot.store.heat import HotChannel
from cogs.review.channel import RETRY_SECONDS, Channel, Unpublishable, refused, review_channel
from cogs.review.fold import WINDOW_MS, Board, new_cards
from cogs.review.heat import alert_link, alert_nonce, alert_text, boiling_over
from cogs.review.inspection import LOOK, Inspected, inspect
from cogs.review.notice import announce, message_at
from cogs.review.picture import picture

LIMIT_SECONDS = 60
PAGE = 50


@dataclass(slots=True)
class _Server:
    """What is under way on one server."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: bool = False
    """Somebody waits for the lock; that look will see what others ask for meanwhile, too."""
    known: Inspected = field(default_factory=Inspected)
    refused: dict[int, None] = field(default_factory=dict[int, None])
    """Waiting reviews whose card could not be drawn, or was refused for good; in the order of the last try."""
    timer: "asyncio.Task[None] | None" = None


class Publisher:
    """Brings the cards of a server in line with its reviews; calling it twice changes nothing."""

    def __init__(self, bot: Threadwatch) -> None:
        self._bot = bot
        self._services = bot.services
        self._cards = bot.services.store.cards
        self._servers: dict[int, _Server] = {}
        self._sessions: Counter[int] = Counter()

    def new_session(self, shard_id: int) -> None:
        """Cards may have been deleted while a shard heard of nothing: look for them at the next call."""
        self._sessions[shard_id] += 1

    async def publish(self, guild_id: int) -> None:
        """Update cards that are behind, then post new ones as far as the limit per minute allows.

        However often it is called while one look is under way, one more follows.
        """
        if self._bot.get_guild(guild_id) is None:  # we are not there any more
            return
        server = self._servers.setdefault(guild_id, _Server())
        if server.asked:
            return
        server.asked = True
        try:
            await server.lock.acquire()
        finally:
            server.asked = False
        try:
            await self._look(guild_id, server)
        finally:
            server.lock.release()

    def forget(self, guild_id: int) -> None:
        """The bot has left a server."""
        server = self._servers.pop(guild_id, None)
        if server and server.timer:
            server.timer.cancel()

    def close(self) -> None:
        for guild_id in list(self._servers):
            self.forget(guild_id)

    async def _look(self, guild_id: int, server: _Server) -> None:
        pauses: list[float] = []
        for step in (self._inspect, self._place_on_cards, self._update_cards, self._post):
            try:
                pause = await step(guild_id, server)
            except (Unpublishable, StoreError) as why:
                pause = self._waits(why)
            except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                pause = self._waits(Unpublishable(f"Discord cannot be reached ({type(error).__name__})"))
            if pause is not None:
                pauses.append(pause)
        self._wake_in(guild_id, server, min(pauses, default=None))

    def _waits(self, why: Unpublishable | StoreError) -> float:
        self._services.health.note_error(f"Review cards wait: {why}")
        return why.retry_seconds if isinstance(why, Unpublishable) else RETRY_SECONDS

    async def _inspect(self, guild_id: int, server: _Server) -> float | None:
        return await inspect(self._bot, guild_id, server.known, self._sessions[self._bot.shard_of(guild_id)])

    async def _place_on_cards(self, guild_id: int, server: _Server) -> float | None:
        """Put waiting reviews on cards that stand already; drawing follows."""
        waiting = await self._cards.waiting(guild_id, LOOK)
        if not waiting or not server.known.looked:
            return None
        try:
            channel = await review_channel(self._bot, guild_id)
        except Unpublishable:  # said when cards are to be posted
            return None
        board = await self._board(guild_id, channel)
        joins: defaultdict[Card, list[int]] = defaultdict(list)
        for review in waiting:
            if review.review_id not in server.refused and (card := board.place(review)):
                joins[card].append(review.review_id)
        for card, review_ids in joins.items():
            await self._cards.join(review_ids, card)
        return 1.0 if joins and len(waiting) == LOOK else None

    async def _update_cards(self, guild_id: int, _: _Server) -> float | None:
        """Every card that is behind, in pages; one that Discord refuses does not hold up the others."""
        after, pauses, closed = 0, list[float](), set[int]()
        while behind := await self._cards.behind(guild_id, after=after, limit=PAGE):
            for card in behind:
                if card.channel_id in closed:
                    continue
                try:
                    await self._update_card(card)
                except Unpublishable as why:  # says nothing about the cards in other channels
                    pauses.append(self._waits(why))
                    closed.add(card.channel_id)
            after = behind[-1].message_id
        return min(pauses, default=None)

    async def _update_card(self, card: Card) -> None:
        reviews = await self._cards.reviews_on(card.message_id)
        view = self._drawn(reviews)
        if view is None:
            return
        try:
            await message_at(self._bot, card).edit(view=view)
        except discord.NotFound:
            await self._cards.lost(card.message_id)
        except discord.HTTPException as error:
            refused(self._bot, error, f"the card of review {reviews[0].id} could not be updated")
        else:
            await self._cards.shows(reviews, card)

    async def _post(self, guild_id: int, server: _Server) -> float | None:
        """Alerts and new cards. Returns the seconds after which to go on, or None if nothing waits."""
        hot = await boiling_over(self._bot, guild_id)
        waiting = await self._cards.waiting(guild_id, LOOK)
        if not waiting and not hot:
            await announce(self._bot, guild_id, None, 0)
            return None
        channel, now = await review_channel(self._bot, guild_id), self._services.clock()
        if not server.known.looked:  # why was said
            return None
        recent = await self._cards.posting_times(guild_id, now - LIMIT_SECONDS * 1000)
        room = max(0, self._services.settings.cards_per_minute - len(recent))
        for alert in hot[:room]:
            await self._post_alert(guild_id, alert, channel)
        room_for_cards = max(0, room - len(hot))
        board = await self._board(guild_id, channel)
        for together in _next_cards(waiting, server, board, room_for_cards):
            await self._post_card(together, channel, server)
        left = await self._services.store.reviews.count_waiting(guild_id)
        server.known.looked = False  # until the database knows of the line
        await announce(self._bot, guild_id, channel, left)
        server.known.looked = True
        if not left and len(hot) <= room:
            return None
        return max(1.0, LIMIT_SECONDS - (now - recent[0]) / 1000) if recent else LIMIT_SECONDS

    async def _board(self, guild_id: int, channel: Channel) -> Board:
        return Board(await self._cards.standing(guild_id, channel.id, self._services.clock() - WINDOW_MS))

    async def _post_card(self, together: Sequence[Waiting], channel: Channel, server: _Server) -> None:
        reviews = await self._cards.reviews([each.review_id for each in together])
        tried = {review.id: None for review in reviews}
        server.refused = {each: None for each in server.refused if each not in tried}
        view = self._drawn(reviews)
        if view is None:
            server.refused |= tried
            return
        server.known.looked = False  # until the database knows of the card
        try:
            message = await channel.send(view=view, nonce=reviews[0].nonce)
        except discord.HTTPException as error:
            refused(self._bot, error, f"the card of review {reviews[0].id} could not be posted in {channel.id}")
            server.refused |= tried
        else:
            await self._cards.posted(reviews, Card(channel.id, message.id))
        server.known.looked = True

    def _drawn(self, reviews: Sequence[Review]) -> discord.ui.LayoutView | None:
        """The card of ``reviews``; None if there are none, or a defect keeps this one from being drawn."""
        if not reviews:  # it was deleted a moment ago
            return None
        try:
            return picture(self._bot, reviews)
        except Exception as error:  # the others are worth as much
            self._services.health.note_error(f"the card of review {reviews[0].id} could not be drawn", error)
            return None

    async def _post_alert(self, guild_id: int, hot: HotChannel, channel: Channel) -> None:
        try:
            await channel.send(alert_text(hot), view=alert_link(guild_id, hot), nonce=alert_nonce(hot))
        except discord.HTTPException as error:
            refused(self._bot, error, f"the heat alert could not be posted in {channel.id}")
        else:
            await self._services.store.heat.announced(guild_id, hot.channel_id)

    def _wake_in(self, guild_id: int, server: _Server, seconds: float | None) -> None:
        """The latest look knows best when to look again: an earlier timer is replaced."""
        if server.timer:
            server.timer.cancel()
        server.timer = None if seconds is None else asyncio.create_task(self._wake(guild_id, server, seconds))

    async def _wake(self, guild_id: int, server: _Server, seconds: float) -> None:
        await asyncio.sleep(seconds)
        server.timer = None
        self._bot.dispatch("reviews_changed", guild_id)


def _next_cards(waiting: Sequence[Waiting], server: _Server, board: Board, room: int) -> list[list[Waiting]]:
    """What to post on new cards, at most ``room``; behind all others, each alone, what failed before."""
    failed = {each.review_id: [each] for each in waiting if each.review_id in server.refused}
    cards = new_cards([each for each in waiting if each.review_id not in failed], board, room)
    return [*cards, *(failed[each] for each in server.refused if each in failed)][:room]
