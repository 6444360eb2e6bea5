"""Posts and the decisions on them."""

import json
from collections.abc import Mapping, Sequence

from bot.clock import Clock
from bot.domain import Decision, Post, Verdict
from bot.store.batches import write_decisions
from bot.store.database import Database, Row, values
from bot.store.writing import claim_post, mark_deleted, move_cursors, touch_open_review, upsert_post
from models.classifier import Context, Span
from models.labels import Label, parse_score_key


class Decisions:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(self, posts: Sequence[Post]) -> list[Decision | None]:
        """The decision on exactly this revision of each of ``posts``, if there is one."""
        if not posts:
            return []
        keys = [(post.source, post.external_id, post.revision) for post in posts]
        wanted, parameters = values(keys)
        rows = await self._database.fetch_all(
            f"""
            WITH wanted (source, external_id, revision) AS ({wanted})
            SELECT p.source, p.external_id, d.*, e.decisive_start, e.decisive_end
            FROM wanted AS w
            CROSS JOIN posts AS p ON p.source = w.source AND p.external_id = w.external_id
            JOIN decisions AS d ON d.post_id = p.id AND d.revision = w.revision
            LEFT JOIN evidence AS e ON e.decision_id = d.id
            """,
            parameters,
        )
        found = {(row["source"], row["external_id"], row["revision"]): row for row in rows}
        return [_decision(found[key], post) if key in found else None for key, post in zip(keys, posts, strict=True)]

    async def record(
        self, decisions: Sequence[Decision], *, open_reviews: bool, cursors: Mapping[int, int] | None = None
    ) -> int:
        """Write decisions, the reviews they open and the channels' new cursors, all or nothing.

        A revision that was decided before is only pointed at again. Returns how many were new.
        """
        at = self._clock()
        async with self._database.transaction() as connection:
            new = await write_decisions(connection, decisions, open_reviews, at)
            await move_cursors(connection, cursors or {}, at)
        return new

    async def mark_failed(self, post: Post, reason: str, cursors: Mapping[int, int] | None = None) -> None:
        """Note that ``post`` could not be scored; its text is not kept, it has to be fetched again."""
        async with self._database.transaction() as connection:
            post_id, _ = await upsert_post(connection, post)
            if await claim_post(connection, post_id, post):
                await connection.execute(
                    "UPDATE posts SET failure = ?, attempts = attempts + 1 WHERE id = ?", (reason, post_id)
                )
                await touch_open_review(connection, post_id, "edit_not_scored", self._clock())
            await move_cursors(connection, cursors or {}, self._clock())

    async def cursors(self) -> dict[int, int]:
        """The low-water mark of every channel and thread."""
        rows = await self._database.fetch_all("SELECT channel_id, position FROM cursors")
        return {int(row["channel_id"]): int(row["position"]) for row in rows}

    async def count(self, guild_id: int) -> tuple[int, int, int]:
        """(decisions, flagged among them, posts that could not be scored) of one server."""
        row = await self._database.fetch_one(
            """
            SELECT count(*) AS decided, coalesce(sum(flagged), 0) AS flagged,
                   (SELECT count(*) FROM posts
                    WHERE guild_id = ?1 AND failure IS NOT NULL AND deleted_at IS NULL) AS failed
            FROM decisions WHERE guild_id = ?1
            """,
            (guild_id,),
        )
        assert row is not None, "an aggregate always gives a row"
        return int(row["decided"]), int(row["flagged"]), int(row["failed"])

    async def mark_deleted(self, external_ids: Sequence[int], at: int) -> bool:
        """These Discord messages are gone; their open cards have to say so. Returns if any was known."""
        match = f"source = 'discord' AND external_id IN ({', '.join('?' * len(external_ids))})"
        async with self._database.transaction() as connection:
            return await mark_deleted(connection, match, [str(external_id) for external_id in external_ids], at)

    async def mark_channel_deleted(self, channel_id: int, at: int) -> bool:
        """A channel, forum or thread is gone, and all its posts with it. Returns if any was known."""
        async with self._database.transaction() as connection:
            in_channel = await mark_deleted(connection, "channel_id = ?", [channel_id], at)
            in_thread = await mark_deleted(connection, "thread_id = ?", [channel_id], at)
        return in_channel or in_thread

    async def sweep_evidence(self, before: int) -> int:
        """Delete the words behind flags older than ``before``, off the cards too; returns how many."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                UPDATE reviews SET version = version + 1
                WHERE decision_id IN (SELECT decision_id FROM evidence WHERE stored_at < ?)
                """,
                (before,),
            )
            cursor = await connection.execute("DELETE FROM evidence WHERE stored_at < ?", (before,))
        return cursor.rowcount


def _decision(row: Row, post: Post) -> Decision:
    strongest = row["strongest_label"]
    return Decision(
        post=post,
        model_version=row["model_version"],
        scores={parse_score_key(key): value for key, value in json.loads(row["scores"]).items()},
        thresholds={parse_score_key(key): value for key, value in json.loads(row["thresholds"]).items()},
        context=frozenset(Context(name) for name in json.loads(row["context"])),
        verdict=Verdict(
            tuple(parse_score_key(key) for key in json.loads(row["flags"])), Label(strongest) if strongest else None
        ),
        decided_at=row["decided_at"],
        latency_ms=row["latency_ms"],
        decisive=None if row["decisive_end"] is None else Span(row["decisive_start"], row["decisive_end"]),
    )
