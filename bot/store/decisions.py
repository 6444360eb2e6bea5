"""Posts and the decisions on them."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import aiosqlite

from bot.domain import Decision, Post, Source, Verdict
from bot.store.database import Database, Row
from models.classifier import Context
from models.labels import Axis, Label, parse_score_key

RevisionKey: TypeAlias = tuple[Source, str, str]
"""A decision's identity: (source, post id, revision)."""


class Decisions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, post: Post) -> Decision | None:
        """The decision on exactly this revision of ``post``, if there is one."""
        row = await self._database.fetch_one(
            """
            SELECT d.* FROM posts AS p JOIN decisions AS d ON d.post_id = p.id
            WHERE p.source = ? AND p.external_id = ? AND d.revision = ?
            """,
            (post.source, post.external_id, post.revision),
        )
        return _decision(row, post) if row else None

    async def record(
        self, decisions: Sequence[Decision], *, open_reviews: bool, cursors: Mapping[int, int] | None = None
    ) -> int:
        """Write decisions, the reviews they open and the channels' new cursors, all or nothing.

        A revision that was decided before is only pointed at again. Returns how many were new.
        """
        new = 0
        async with self._database.transaction() as connection:
            for decision in decisions:
                new += await _record(connection, decision, open_reviews)
            await _move_cursors(connection, cursors or {}, decisions)
        return new

    async def mark_failed(self, post: Post, reason: str, cursors: Mapping[int, int] | None = None) -> None:
        """Note that ``post`` could not be scored; its text is not kept, it has to be fetched again."""
        async with self._database.transaction() as connection:
            post_id, _ = await _upsert_post(connection, post)
            await connection.execute("UPDATE posts SET failure = ? WHERE id = ?", (reason, post_id))
            await _move_cursors(connection, cursors or {}, ())

    async def save_cursors(self, cursors: Mapping[int, int]) -> None:
        async with self._database.transaction() as connection:
            await _move_cursors(connection, cursors, ())

    async def cursors(self) -> dict[int, int]:
        """The low-water mark of every channel and thread."""
        rows = await self._database.fetch_all("SELECT channel_id, position FROM cursors")
        return {int(row["channel_id"]): int(row["position"]) for row in rows}

    async def count(self, guild_id: int) -> tuple[int, int, int]:
        """(decisions, flagged among them, posts that could not be scored) of one server."""
        row = await self._database.fetch_one(
            """
            SELECT count(*) AS decided, coalesce(sum(flagged), 0) AS flagged,
                   (SELECT count(*) FROM posts WHERE guild_id = ?1 AND failure IS NOT NULL) AS failed
            FROM decisions WHERE guild_id = ?1
            """,
            (guild_id,),
        )
        assert row is not None, "an aggregate always gives a row"
        return int(row["decided"]), int(row["flagged"]), int(row["failed"])

    async def mark_deleted(self, external_ids: Sequence[int], at: int) -> bool:
        """These Discord messages are gone; their open cards have to say so. Returns if any was known."""
        known = False
        async with self._database.transaction() as connection:
            for external_id in external_ids:
                match = "source = 'discord' AND external_id = ?"
                known |= await _mark_deleted(connection, match, str(external_id), at)
        return known

    async def mark_channel_deleted(self, channel_id: int, at: int) -> bool:
        """A channel, forum or thread is gone, and all its posts with it. Returns if any was known."""
        async with self._database.transaction() as connection:
            in_channel = await _mark_deleted(connection, "channel_id = ?", channel_id, at)
            in_thread = await _mark_deleted(connection, "thread_id = ?", channel_id, at)
        return in_channel or in_thread

    async def sweep_evidence(self, before: int) -> int:
        """Delete the words behind flags older than ``before``, off the cards too; returns how many."""
        async with self._database.transaction() as connection:
            swept = list(
                await connection.execute_fetchall(
                    "DELETE FROM evidence WHERE stored_at < ? RETURNING decision_id", (before,)
                )
            )
            await connection.executemany(
                "UPDATE reviews SET version = version + 1 WHERE decision_id = ?", [tuple(row) for row in swept]
            )
        return len(swept)


async def _record(connection: aiosqlite.Connection, decision: Decision, open_reviews: bool) -> bool:
    post_id, current = await _upsert_post(connection, decision.post)
    decision_id, is_new = await _upsert_decision(connection, post_id, decision)
    await connection.execute(
        "UPDATE posts SET current_decision_id = ?, failure = NULL WHERE id = ?", (decision_id, post_id)
    )
    if is_new and decision.verdict.flagged:
        await _keep_evidence(connection, decision_id, decision)
        if open_reviews:
            await _open_review(connection, post_id, decision_id, decision)
            return True
    if current not in (None, decision_id):  # edited, to or from what a card shows
        await _touch_open_review(connection, post_id, "edited", decision.decided_at)
    return is_new


async def _upsert_post(connection: aiosqlite.Connection, post: Post) -> tuple[int, int | None]:
    """Returns the row's id and the decision it points at so far."""
    place = post.place
    rows = await connection.execute_fetchall(
        """
        INSERT INTO posts (source, external_id, guild_id, channel_id, thread_id, author_id, is_starter, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source, external_id) DO UPDATE SET author_id = excluded.author_id
        RETURNING id, current_decision_id
        """,
        (
            post.source,
            post.external_id,
            place.guild_id if place else None,
            place.channel_id if place else None,
            place.thread_id if place else None,
            post.author_id,
            post.is_starter,
            post.created_at,
        ),
    )
    row = next(iter(rows))
    return int(row["id"]), row["current_decision_id"]


async def _upsert_decision(connection: aiosqlite.Connection, post_id: int, decision: Decision) -> tuple[int, bool]:
    """Returns the decision's id and whether it is new."""
    rows = await connection.execute_fetchall(
        """
        INSERT INTO decisions (post_id, guild_id, revision, model_version, inflammatory, misinformation, scores,
                               thresholds, context, flagged, flags, strongest_label, latency_ms, decided_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (post_id, revision) DO NOTHING
        RETURNING id
        """,
        (
            post_id,
            decision.post.place.guild_id if decision.post.place else None,
            decision.post.revision,
            decision.model_version,
            decision.scores.get(Axis.INFLAMMATORY),
            decision.scores.get(Axis.MISINFORMATION),
            json.dumps(decision.scores),
            json.dumps(decision.thresholds),
            json.dumps(sorted(decision.context)),
            decision.verdict.flagged,
            json.dumps(decision.verdict.flags),
            decision.verdict.strongest_label,
            decision.latency_ms,
            decision.decided_at,
        ),
    )
    for row in rows:
        return int(row["id"]), True
    known = await connection.execute_fetchall(
        "SELECT id FROM decisions WHERE post_id = ? AND revision = ?", (post_id, decision.post.revision)
    )
    return int(next(iter(known))["id"]), False


async def _keep_evidence(connection: aiosqlite.Connection, decision_id: int, decision: Decision) -> None:
    post, span = decision.post, decision.decisive
    await connection.execute(
        """
        INSERT INTO evidence (decision_id, author_name, text, decisive_start, decisive_end, thread_title, reply_to,
                              stored_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            decision_id,
            post.author_name,
            post.text,
            span.start if span else None,
            span.end if span else None,
            post.thread_title,
            post.reply_to,
            decision.decided_at,
        ),
    )


async def _open_review(connection: aiosqlite.Connection, post_id: int, decision_id: int, decision: Decision) -> None:
    """Open a review, or show the later revision in the one that is open."""
    assert decision.post.place is not None, "only posts on Discord are reviewed"
    updated = await connection.execute_fetchall(
        """
        UPDATE reviews SET decision_id = ?, version = version + 1 WHERE post_id = ? AND outcome IS NULL
        RETURNING id
        """,
        (decision_id, post_id),
    )
    kind, rows = "updated", list(updated)
    if not rows:
        kind, guild_id = "opened", decision.post.place.guild_id
        rows = await connection.execute_fetchall(
            "INSERT INTO reviews (post_id, decision_id, guild_id, opened_at) VALUES (?, ?, ?, ?) RETURNING id",
            (post_id, decision_id, guild_id, decision.decided_at),
        )
    await connection.execute(
        "INSERT INTO review_events (review_id, kind, at) VALUES (?, ?, ?)",
        (next(iter(rows))["id"], kind, decision.decided_at),
    )


async def _touch_open_review(connection: aiosqlite.Connection, post_id: int, kind: str, at: int) -> None:
    rows = await connection.execute_fetchall(
        "UPDATE reviews SET version = version + 1 WHERE post_id = ? AND outcome IS NULL RETURNING id", (post_id,)
    )
    for row in rows:
        await connection.execute(
            "INSERT INTO review_events (review_id, kind, at) VALUES (?, ?, ?)", (row["id"], kind, at)
        )


async def _mark_deleted(connection: aiosqlite.Connection, condition: str, value: int | str, at: int) -> bool:
    """``condition`` is one of our own constants, never input."""
    gone = list(
        await connection.execute_fetchall(
            f"UPDATE posts SET deleted_at = ? WHERE deleted_at IS NULL AND {condition} RETURNING id", (at, value)
        )
    )
    for row in gone:
        await _touch_open_review(connection, row["id"], "deleted", at)
        await connection.execute(  # a removal whose result was unknown has succeeded, it seems
            "UPDATE reviews SET outcome = 'removed', version = version + 1 WHERE post_id = ? AND outcome = 'removing'",
            (row["id"],),
        )
    return bool(gone)


async def _move_cursors(
    connection: aiosqlite.Connection, cursors: Mapping[int, int], decisions: Sequence[Decision]
) -> None:
    """Cursors only ever move forward."""
    at = max((decision.decided_at for decision in decisions), default=0)
    await connection.executemany(
        """
        INSERT INTO cursors (channel_id, position, updated_at) VALUES (?, ?, ?)
        ON CONFLICT (channel_id) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
        WHERE excluded.position > cursors.position
        """,
        [(channel_id, position, at) for channel_id, position in cursors.items()],
    )


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
    )
