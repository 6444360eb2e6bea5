"""Reviews: flagged posts in front of the moderators, their cards and their log."""

import json

import aiosqlite

from bot.clock import Clock
from bot.domain import Card, Evidence, Outcome, Place, Review, Verdict
from bot.store.database import Database, Row
from models.classifier import Span
from models.labels import Label, parse_score_key

_SELECT = """
SELECT r.id, r.version, r.decision_id, r.guild_id, r.opened_at, r.outcome, r.resolved_by, r.resolved_at,
       r.card_channel_id, r.card_message_id, r.card_posted_at,
       p.external_id, p.author_id, p.is_starter, p.channel_id, p.thread_id, p.deleted_at,
       p.current_decision_id != r.decision_id AS edited, p.failure IS NOT NULL AS unread,
       d.scores, d.thresholds, d.flags, d.strongest_label,
       e.author_name, e.text, e.decisive_start, e.decisive_end, e.thread_title, e.reply_to
FROM reviews AS r
JOIN posts AS p ON p.id = r.post_id
JOIN decisions AS d ON d.id = r.decision_id
LEFT JOIN evidence AS e ON e.decision_id = r.decision_id
"""


class Reviews:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, review_id: int) -> Review | None:
        row = await self._database.fetch_one(f"{_SELECT} WHERE r.id = ?", (review_id,))
        return _review(row) if row else None

    async def behind(self, guild_id: int, *, with_card: bool, limit: int, after: int = 0) -> list[Review]:
        """Reviews whose card shows less than the row says, oldest first; or has yet to be posted."""
        has_card = "IS NOT NULL" if with_card else "IS NULL AND r.outcome IS NULL"
        rows = await self._database.fetch_all(
            f"""{_SELECT}
            WHERE r.guild_id = ? AND r.shown_version < r.version AND r.card_message_id {has_card} AND r.id > ?
            ORDER BY r.id LIMIT ?""",
            (guild_id, after, limit),
        )
        return [_review(row) for row in rows]

    async def guilds_behind(self) -> list[int]:
        """Servers where cards have to be posted or updated."""
        rows = await self._database.fetch_all("""
            SELECT DISTINCT guild_id FROM reviews
            WHERE shown_version < version AND (card_message_id IS NOT NULL OR outcome IS NULL)
            """)
        return [int(row["guild_id"]) for row in rows]

    async def count_waiting(self, guild_id: int) -> int:
        """Reviews that no card shows yet."""
        row = await self._database.fetch_one(
            """
            SELECT count(*) AS n FROM reviews
            WHERE guild_id = ? AND shown_version < version AND card_message_id IS NULL AND outcome IS NULL
            """,
            (guild_id,),
        )
        return int(row["n"]) if row else 0

    async def count_open(self, guild_id: int) -> int:
        row = await self._database.fetch_one(
            "SELECT count(*) AS n FROM reviews WHERE guild_id = ? AND outcome IS NULL", (guild_id,)
        )
        return int(row["n"]) if row else 0

    async def posting_times(self, guild_id: int, since: int) -> list[int]:
        """When cards were posted after ``since``, oldest first: what the rate limit counts."""
        rows = await self._database.fetch_all(
            """
            SELECT card_posted_at AS at FROM reviews WHERE guild_id = ? AND card_posted_at > ?
            ORDER BY card_posted_at
            """,
            (guild_id, since),
        )
        return [int(row["at"]) for row in rows]

    async def card_posted(self, review: Review, card: Card) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                UPDATE reviews SET card_channel_id = ?, card_message_id = ?, card_posted_at = ?, shown_version = ?,
                       shown_decision_id = ?
                WHERE id = ?
                """,
                (
                    card.channel_id,
                    card.message_id,
                    self._clock(),
                    review.version,
                    review.decision_id,
                    review.id,
                ),
            )
            await self._log(connection, review.id, "card_posted", None, None)

    async def card_shows(self, review: Review) -> None:
        """The card is now a picture of ``review`` (perhaps no longer of the row)."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                UPDATE reviews SET shown_version = max(shown_version, ?), shown_decision_id = ? WHERE id = ?
                """,
                (review.version, review.decision_id, review.id),
            )

    async def card_lost(self, review: Review) -> None:
        """Somebody deleted the card: an open review gets a new one, a resolved one rests."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                UPDATE reviews SET card_channel_id = NULL, card_message_id = NULL,
                       shown_version = CASE WHEN outcome IS NULL THEN 0 ELSE version END
                WHERE id = ? AND card_message_id IS ?
                """,
                (review.id, review.card.message_id if review.card else None),
            )
            await self._log(connection, review.id, "card_lost", None, None)

    async def channel_lost(self, channel_id: int) -> bool:
        """A channel was deleted, its cards with it: open reviews get new ones. Returns if there were any."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """
                UPDATE reviews SET card_channel_id = NULL, card_message_id = NULL,
                       shown_version = CASE WHEN outcome IS NULL THEN 0 ELSE version END
                WHERE card_channel_id = ?
                """,
                (channel_id,),
            )
            await connection.execute(
                "UPDATE guilds SET notice_channel_id = NULL, notice_message_id = NULL WHERE notice_channel_id = ?",
                (channel_id,),
            )
        return cursor.rowcount > 0

    async def find_by_card(self, message_id: int) -> Review | None:
        row = await self._database.fetch_one(f"{_SELECT} WHERE r.card_message_id = ?", (message_id,))
        return _review(row) if row else None

    async def resolve(self, review_id: int, outcome: Outcome, moderator_id: int) -> bool:
        """Close an open review; False if somebody else was first, or its card shows older words."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """
                UPDATE reviews SET outcome = ?, resolved_by = ?, resolved_at = ?, version = version + 1
                WHERE id = ? AND outcome IS NULL AND coalesce(shown_decision_id, decision_id) = decision_id
                """,
                (outcome, moderator_id, self._clock(), review_id),
            )
            if cursor.rowcount == 1:
                await self._log(connection, review_id, outcome, moderator_id, None)
        return cursor.rowcount == 1

    async def finish_removal(self, review_id: int) -> None:
        """The post of a review under REMOVING is gone for certain."""
        await self._leave_removing(review_id, "outcome = 'removed'", "removed", None)

    async def reopen(self, review_id: int, reason: str) -> None:
        """The removal failed for certain: the review is open again."""
        await self._leave_removing(
            review_id, "outcome = NULL, resolved_by = NULL, resolved_at = NULL", "removal_failed", reason
        )

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

    async def _leave_removing(self, review_id: int, assignment: str, kind: str, detail: str | None) -> None:
        """``assignment`` is one of our own constants, never input."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE reviews SET {assignment}, version = version + 1 WHERE id = ? AND outcome = 'removing'",
                (review_id,),
            )
            await self._log(connection, review_id, kind, None, detail)

    async def _log(
        self, connection: aiosqlite.Connection, review_id: int, kind: str, actor_id: int | None, detail: str | None
    ) -> None:
        await connection.execute(
            "INSERT INTO review_events (review_id, kind, actor_id, detail, at) VALUES (?, ?, ?, ?, ?)",
            (review_id, kind, actor_id, detail, self._clock()),
        )


def _review(row: Row) -> Review:
    strongest = row["strongest_label"]
    return Review(
        id=row["id"],
        version=row["version"],
        decision_id=row["decision_id"],
        post_id=row["external_id"],
        author_id=row["author_id"],
        is_starter=bool(row["is_starter"]),
        place=Place(row["guild_id"], row["channel_id"], row["thread_id"]),
        scores={parse_score_key(key): value for key, value in json.loads(row["scores"]).items()},
        thresholds={parse_score_key(key): value for key, value in json.loads(row["thresholds"]).items()},
        verdict=Verdict(
            tuple(parse_score_key(key) for key in json.loads(row["flags"])), Label(strongest) if strongest else None
        ),
        evidence=_evidence(row),
        opened_at=row["opened_at"],
        deleted=row["deleted_at"] is not None,
        edited=bool(row["edited"]),
        unread=bool(row["unread"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        resolved_by=row["resolved_by"],
        resolved_at=row["resolved_at"],
        card=Card(row["card_channel_id"], row["card_message_id"]) if row["card_message_id"] else None,
        card_posted_at=row["card_posted_at"],
    )


def _evidence(row: Row) -> Evidence | None:
    if row["text"] is None:
        return None
    start, end = row["decisive_start"], row["decisive_end"]
    span = Span(start, end) if start is not None and end is not None else None
    return Evidence(row["author_name"], row["text"], span, row["thread_title"], row["reply_to"])
