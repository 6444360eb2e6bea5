"""Cards: which message shows which reviews. Reviews that share a message are a fold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import aiosqlite

from bot.clock import Clock
from bot.domain import Card, Review
from bot.store.database import Database
from bot.store.reviews import SELECT_REVIEW, log_events, read_review

_FORGET_CARD = """
UPDATE reviews SET card_channel_id = NULL, card_message_id = NULL,
       shown_version = CASE WHEN outcome IS NULL THEN 0 ELSE version END
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open review that no card shows yet; ``channel_id`` is its thread, or the channel without threads."""

    review_id: int
    channel_id: int
    author_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A card in the review channel, and the channel and the author that all posts on it share."""

    card: Card
    size: int
    still_open: int
    """Those of posts that still stand."""
    channel_id: int | None
    author_id: str | None


class Cards:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def waiting(self, guild_id: int, limit: int) -> list[Waiting]:
        """Open reviews without a card, oldest first."""
        rows = await self._database.fetch_all(
            """
            SELECT r.id, coalesce(p.thread_id, p.channel_id) AS channel_id, p.author_id
            FROM reviews AS r JOIN posts AS p ON p.id = r.post_id
            WHERE r.guild_id = ? AND r.card_message_id IS NULL AND r.outcome IS NULL
            ORDER BY r.id LIMIT ?
            """,
            (guild_id, limit),
        )
        return [Waiting(row["id"], row["channel_id"], row["author_id"]) for row in rows]

    async def standing(self, guild_id: int, channel_id: int, since: int) -> list[Standing]:
        """Cards posted in ``channel_id`` after ``since``, oldest first."""
        rows = await self._database.fetch_all(
            """
            SELECT r.card_channel_id, r.card_message_id, count(*) AS size,
                   sum(r.outcome IS NULL AND p.deleted_at IS NULL) AS still_open,
                   min(coalesce(p.thread_id, p.channel_id)) AS channel_id,
                   count(DISTINCT coalesce(p.thread_id, p.channel_id)) AS channels,
                   min(p.author_id) AS author_id, count(DISTINCT p.author_id) AS authors
            FROM reviews AS r JOIN posts AS p ON p.id = r.post_id
            WHERE r.card_message_id IN (
                SELECT card_message_id FROM reviews
                WHERE guild_id = ? AND card_posted_at > ? AND card_channel_id = ?
            )
            GROUP BY r.card_message_id ORDER BY r.card_message_id
            """,
            (guild_id, since, channel_id),
        )
        return [
            Standing(
                Card(row["card_channel_id"], row["card_message_id"]),
                row["size"],
                row["still_open"],
                row["channel_id"] if row["channels"] == 1 else None,
                row["author_id"] if row["authors"] == 1 else None,
            )
            for row in rows
        ]

    async def behind(self, guild_id: int, *, limit: int, after: int = 0) -> list[Card]:
        """Cards that show less than their rows say, of message ids above ``after``, in their order."""
        rows = await self._database.fetch_all(
            """
            SELECT DISTINCT card_channel_id, card_message_id FROM reviews
            WHERE guild_id = ? AND shown_version < version AND card_message_id > ?
            ORDER BY card_message_id LIMIT ?
            """,
            (guild_id, after, limit),
        )
        return [Card(row["card_channel_id"], row["card_message_id"]) for row in rows]

    async def with_open_reviews(self, guild_id: int) -> list[Card]:
        """The cards that open reviews are on, newest first."""
        rows = await self._database.fetch_all(
            """
            SELECT DISTINCT card_channel_id, card_message_id FROM reviews
            WHERE guild_id = ? AND outcome IS NULL AND card_message_id IS NOT NULL
            ORDER BY card_message_id DESC
            """,
            (guild_id,),
        )
        return [Card(row["card_channel_id"], row["card_message_id"]) for row in rows]

    async def reviews_on(self, message_id: int) -> list[Review]:
        """All reviews on one card, oldest first; none if it is no card."""
        rows = await self._database.fetch_all(
            f"{SELECT_REVIEW} WHERE r.card_message_id = ? ORDER BY r.id", (message_id,)
        )
        return [read_review(row) for row in rows]

    async def reviews(self, ids: Sequence[int]) -> list[Review]:
        """These reviews, oldest first."""
        rows = await self._database.fetch_all(
            f"{SELECT_REVIEW} WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id", (json.dumps(list(ids)),)
        )
        return [read_review(row) for row in rows]

    async def open_on(self, message_id: int, not_by: int) -> list[int]:
        """What is to decide on a card, oldest first, without posts that ``not_by`` wrote or that were deleted."""
        rows = await self._database.fetch_all(
            """
            SELECT r.id FROM reviews AS r JOIN posts AS p ON p.id = r.post_id
            WHERE r.card_message_id = ? AND r.outcome IS NULL AND p.author_id != ? AND p.deleted_at IS NULL
            ORDER BY r.id
            """,
            (message_id, str(not_by)),
        )
        return [int(row["id"]) for row in rows]

    async def posting_times(self, guild_id: int, since: int) -> list[int]:
        """When cards and alerts were posted after ``since``, oldest first: what the rate limit counts.

        Times to come are left out: the clock was put back, and nothing may have to wait until then.
        """
        rows = await self._database.fetch_all(
            """
            SELECT card_posted_at AS at FROM reviews
            WHERE guild_id = ?1 AND card_posted_at > ?2 AND card_posted_at <= ?3
            UNION ALL SELECT posted_at FROM heat_alerts WHERE guild_id = ?1 AND posted_at > ?2 AND posted_at <= ?3
            ORDER BY at
            """,
            (guild_id, since, self._clock()),
        )
        return [int(row["at"]) for row in rows]

    async def posted(self, reviews: Sequence[Review], card: Card) -> None:
        """``card`` was posted, and is a picture of ``reviews``; the first of them stands for it."""
        async with self._database.transaction() as connection:
            await self._put_on(connection, [review.id for review in reviews], card, "card_posted")
            await connection.execute(
                "UPDATE reviews SET card_posted_at = ? WHERE id = ?", (self._clock(), reviews[0].id)
            )
            await self._shows(connection, reviews, card)

    async def join(self, review_ids: Sequence[int], card: Card) -> None:
        """Waiting reviews go on a card that stands already, which is behind from now on."""
        async with self._database.transaction() as connection:
            await self._put_on(connection, review_ids, card, "card_joined")

    async def adopt(self, review_ids: Sequence[int], card: Card, posted_at: int) -> None:
        """Waiting reviews turn out to have a card; what it shows of them is not known."""
        async with self._database.transaction() as connection:
            await self._put_on(connection, review_ids, card, "card_adopted")
            await connection.execute("UPDATE reviews SET card_posted_at = ? WHERE id = ?", (posted_at, review_ids[0]))

    async def shows(self, reviews: Sequence[Review], card: Card) -> None:
        """``card`` is now a picture of ``reviews`` (perhaps no longer of their rows)."""
        async with self._database.transaction() as connection:
            await self._shows(connection, reviews, card)

    async def lost(self, message_id: int) -> int | None:
        """A card, if the message was one, is gone: its open reviews get a new one, resolved ones rest.

        Returns its server, None if it was no card.
        """
        row = await self._database.fetch_one(
            "SELECT guild_id FROM reviews WHERE card_message_id = ? LIMIT 1", (message_id,)
        )
        if row is None:
            return None
        async with self._database.transaction() as connection:
            gone = await connection.execute_fetchall(
                f"{_FORGET_CARD} WHERE card_message_id = ? RETURNING id", (message_id,)
            )
            await log_events(connection, [each["id"] for each in gone], "card_lost", self._clock())
        return int(row["guild_id"])

    async def channel_lost(self, channel_id: int) -> bool:
        """A channel was deleted, its cards with it: open reviews get new ones. Returns if there were any."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(f"{_FORGET_CARD} WHERE card_channel_id = ?", (channel_id,))
            await connection.execute(
                "UPDATE guilds SET notice_channel_id = NULL, notice_message_id = NULL WHERE notice_channel_id = ?",
                (channel_id,),
            )
        return cursor.rowcount > 0

    async def notice(self, guild_id: int) -> Card | None:
        """The message that announces waiting cards, if one stands."""
        row = await self._database.fetch_one(
            "SELECT notice_channel_id, notice_message_id FROM guilds WHERE guild_id = ?", (guild_id,)
        )
        if row is None or row["notice_message_id"] is None:
            return None
        return Card(row["notice_channel_id"], row["notice_message_id"])

    async def save_notice(self, guild_id: int, notice: Card | None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE guilds SET notice_channel_id = ?, notice_message_id = ? WHERE guild_id = ?",
                (notice.channel_id if notice else None, notice.message_id if notice else None, guild_id),
            )

    async def _put_on(self, connection: aiosqlite.Connection, review_ids: Sequence[int], card: Card, kind: str) -> None:
        await connection.executemany(
            "UPDATE reviews SET card_channel_id = ?, card_message_id = ?, shown_version = 0 WHERE id = ?",
            [(card.channel_id, card.message_id, review_id) for review_id in review_ids],
        )
        await log_events(connection, review_ids, kind, self._clock())

    async def _shows(self, connection: aiosqlite.Connection, reviews: Sequence[Review], card: Card) -> None:
        await connection.executemany(
            """
            UPDATE reviews SET shown_version = ?1, shown_decision_id = ?2
            WHERE id = ?3 AND card_message_id = ?4 AND shown_version < ?1
            """,
            [(review.version, review.decision_id, review.id, card.message_id) for review in reviews],
        )
