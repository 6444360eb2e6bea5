"""Reviews: flagged posts in front of the moderators, and their log."""

import json
from collections.abc import Sequence

import aiosqlite

from bot.clock import Clock
from bot.domain import Card, Evidence, Outcome, Place, Review, Verdict
from bot.store.database import Database, Row
from models.classifier import Span
from models.labels import Label, parse_score_key

SELECT_REVIEW = """
SELECT r.id, r.version, r.decision_id, r.guild_id, r.opened_at, r.outcome, r.resolved_by, r.resolved_at,
       r.card_channel_id, r.card_message_id, r.card_posted_at,
       p.external_id, p.author_id, p.is_starter, p.channel_id, p.thread_id, p.deleted_at,
       p.current_decision_id != r.decision_id AS edited, p.failure IS NOT NULL AS unread,
       r.outcome = 'removed' AND EXISTS (
           SELECT 1 FROM review_events AS v WHERE v.review_id = r.id AND v.kind = 'found_gone'
       ) AS was_gone,
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
        row = await self._database.fetch_one(f"{SELECT_REVIEW} WHERE r.id = ?", (review_id,))
        return read_review(row) if row else None

    async def guilds_behind(self) -> list[int]:
        """Servers where cards have to be posted or updated."""
        rows = await self._database.fetch_all("""
            SELECT guild_id FROM reviews INDEXED BY reviews_cards_behind
            WHERE shown_version < version AND card_message_id IS NOT NULL
            UNION SELECT guild_id FROM reviews WHERE card_message_id IS NULL AND outcome IS NULL
            """)
        return [int(row["guild_id"]) for row in rows]

    async def guilds_open(self) -> list[int]:
        """Servers with open reviews, whether a card shows them or not."""
        rows = await self._database.fetch_all("SELECT DISTINCT guild_id FROM reviews WHERE outcome IS NULL")
        return [int(row["guild_id"]) for row in rows]

    async def count_waiting(self, guild_id: int) -> int:
        """Reviews that no card shows yet."""
        row = await self._database.fetch_one(
            """
            SELECT count(*) AS n FROM reviews
            WHERE guild_id = ? AND card_message_id IS NULL AND outcome IS NULL
            """,
            (guild_id,),
        )
        return int(row["n"]) if row else 0

    async def count_open(self, guild_id: int) -> int:
        row = await self._database.fetch_one(
            "SELECT count(*) AS n FROM reviews WHERE guild_id = ? AND outcome IS NULL", (guild_id,)
        )
        return int(row["n"]) if row else 0

    async def resolve(
        self,
        review_id: int,
        outcome: Outcome,
        moderator_id: int,
        seen: int | None = None,
        *,
        was: Outcome | None = None,
    ) -> bool:
        """Close a review; False if it is not as it ``was`` any more, or the moderator saw older words.

        ``seen`` is the decision that the moderator was shown; None: the one on the review's card, if that is known.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """
                UPDATE reviews SET outcome = ?, resolved_by = ?, resolved_at = ?, version = version + 1
                WHERE id = ? AND outcome IS ?
                  AND coalesce(?, shown_decision_id, iif(card_message_id IS NULL, decision_id, 0)) = decision_id
                """,
                (outcome, moderator_id, self._clock(), review_id, was, seen),
            )
            if cursor.rowcount == 1:
                await log_events(connection, [review_id], outcome, self._clock(), actor_id=moderator_id, detail=was)
        return cursor.rowcount == 1

    async def finish_removal(self, review_id: int) -> None:
        """The post of a review under REMOVING is gone for certain."""
        await self._leave_removing(review_id, "outcome = 'removed'", "removed", None)

    async def found_gone(self, review_id: int) -> None:
        """The post of a review under REMOVING was deleted by somebody else before.

        The news of that deletion may have come first: the review is then REMOVED already.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """
                UPDATE reviews SET outcome = 'removed', version = version + 1
                WHERE id = ? AND outcome IN ('removing', 'removed')
                """,
                (review_id,),
            )
            if cursor.rowcount:
                await log_events(connection, [review_id], "found_gone", self._clock())

    async def reopen(self, review_id: int, reason: str) -> None:
        """The removal failed for certain: the review is as it was before, open or CONFIRMED.

        If other words of the post are under review by now, this one ends as what the moderator thought.
        """
        judged = """(
            EXISTS (SELECT 1 FROM reviews AS n WHERE n.post_id = reviews.post_id AND n.outcome IS NULL)
            OR (SELECT detail FROM review_events WHERE review_id = reviews.id AND kind = 'removing'
                ORDER BY id DESC LIMIT 1) IS 'confirmed'
        )"""
        await self._leave_removing(
            review_id,
            f"""outcome = CASE WHEN {judged} THEN 'confirmed' END,
                resolved_by = CASE WHEN {judged} THEN resolved_by END,
                resolved_at = CASE WHEN {judged} THEN resolved_at END""",
            "removal_failed",
            reason,
        )

    async def _leave_removing(self, review_id: int, assignment: str, kind: str, detail: str | None) -> None:
        """``assignment`` is one of our own constants, never input."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                f"UPDATE reviews SET {assignment}, version = version + 1 WHERE id = ? AND outcome = 'removing'",
                (review_id,),
            )
            if cursor.rowcount:
                await log_events(connection, [review_id], kind, self._clock(), detail=detail)


async def log_events(
    connection: aiosqlite.Connection,
    review_ids: Sequence[int],
    kind: str,
    at: int,
    *,
    actor_id: int | None = None,
    detail: str | None = None,
) -> None:
    """Without an ``actor_id`` the bot did it."""
    await connection.executemany(
        "INSERT INTO review_events (review_id, kind, actor_id, detail, at) VALUES (?, ?, ?, ?, ?)",
        [(review_id, kind, actor_id, detail, at) for review_id in review_ids],
    )


def read_review(row: Row) -> Review:
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
        was_gone=bool(row["was_gone"]),
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
