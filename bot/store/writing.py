"""The statements that write posts, decisions and reviews; each runs inside the caller's transaction."""

import json
from collections.abc import Mapping, Sequence

import aiosqlite

from bot.domain import Decision, Post
from bot.store.database import Value
from models.labels import Axis

POST_COLUMNS = "source, external_id, guild_id, channel_id, thread_id, author_id, is_starter, created_at"
DECISION_COLUMNS = """
guild_id, revision, model_version, inflammatory, misinformation, scores, thresholds, context, flagged, flags,
strongest_label, latency_ms, decided_at
"""


def post_values(post: Post) -> tuple[Value, ...]:
    """What ``POST_COLUMNS`` name."""
    place = post.place
    return (
        post.source,
        post.external_id,
        place.guild_id if place else None,
        place.channel_id if place else None,
        place.thread_id if place else None,
        post.author_id,
        post.is_starter,
        post.created_at,
    )


def decision_values(decision: Decision) -> tuple[Value, ...]:
    """What ``DECISION_COLUMNS`` name."""
    return (
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
    )


async def write_decision(connection: aiosqlite.Connection, decision: Decision, open_reviews: bool, at: int) -> bool:
    """Write a decision and point its post at it; returns whether it is new.

    Flagged words that no verdict covers yet open a review, also when an edit brings them back. A state of the post
    that is older than one decided before is logged, and changes nothing else.
    """
    post_id, current = await upsert_post(connection, decision.post)
    decision_id, is_new = await _upsert_decision(connection, post_id, decision)
    flagged = decision.verdict.flagged
    if flagged and is_new:
        await keep_evidence(connection, decision_id, decision, decision.decided_at)
    if not await claim_post(connection, post_id, decision.post):
        return is_new
    mended = await connection.execute(
        "UPDATE posts SET failure = NULL, attempts = 0 WHERE id = ? AND failure IS NOT NULL", (post_id,)
    )
    await connection.execute("UPDATE posts SET current_decision_id = ? WHERE id = ?", (decision_id, post_id))
    if flagged and open_reviews and current != decision_id and not await _judged(connection, decision_id):
        await keep_evidence(connection, decision_id, decision, at)  # it may have been swept since
        await open_review(connection, post_id, decision_id, decision)
    elif mended.rowcount or current not in (None, decision_id):  # edited, to or from what a card shows
        await touch_open_review(connection, post_id, "edited", decision.decided_at)
    return is_new


async def _judged(connection: aiosqlite.Connection, decision_id: int) -> bool:
    rows = await connection.execute_fetchall(
        "SELECT 1 FROM reviews WHERE decision_id = ? AND outcome IS NOT NULL LIMIT 1", (decision_id,)
    )
    return bool(list(rows))


async def upsert_post(connection: aiosqlite.Connection, post: Post) -> tuple[int, int | None]:
    """Returns the row's id and the decision it points at so far."""
    rows = await connection.execute_fetchall(
        f"""
        INSERT INTO posts ({POST_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source, external_id) DO UPDATE SET author_id = excluded.author_id
        RETURNING id, current_decision_id
        """,
        post_values(post),
    )
    row = next(iter(rows))
    return int(row["id"]), row["current_decision_id"]


async def claim_post(connection: aiosqlite.Connection, post_id: int, post: Post) -> bool:
    """Whether ``post`` is the newest state that is known; the row then says so."""
    cursor = await connection.execute(
        "UPDATE posts SET edited_at = ? WHERE id = ? AND coalesce(edited_at, 0) <= ?",
        (post.edited_at, post_id, post.edited_at or 0),
    )
    return cursor.rowcount == 1


async def _upsert_decision(connection: aiosqlite.Connection, post_id: int, decision: Decision) -> tuple[int, bool]:
    """Returns the decision's id and whether it is new."""
    rows = await connection.execute_fetchall(
        f"""
        INSERT INTO decisions (post_id, {DECISION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (post_id, revision) DO NOTHING
        RETURNING id
        """,
        (post_id, *decision_values(decision)),
    )
    for row in rows:
        return int(row["id"]), True
    known = await connection.execute_fetchall(
        "SELECT id FROM decisions WHERE post_id = ? AND revision = ?", (post_id, decision.post.revision)
    )
    return int(next(iter(known))["id"]), False


async def keep_evidence(connection: aiosqlite.Connection, decision_id: int, decision: Decision, at: int) -> None:
    post, span = decision.post, decision.decisive
    await connection.execute(
        """
        INSERT INTO evidence (decision_id, author_name, text, decisive_start, decisive_end, thread_title, reply_to,
                              stored_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (decision_id) DO NOTHING
        """,
        (
            decision_id,
            _whole(post.author_name),
            _whole(post.text),
            span.start if span else None,
            span.end if span else None,
            _whole(post.thread_title),
            _whole(post.reply_to),
            at,
        ),
    )


def _whole(text: str | None) -> str | None:
    """SQLite takes no half characters (lone surrogates): each becomes a question mark."""
    return text and text.encode(errors="replace").decode()


async def open_review(connection: aiosqlite.Connection, post_id: int, decision_id: int, decision: Decision) -> None:
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


async def touch_open_review(connection: aiosqlite.Connection, post_id: int, kind: str, at: int) -> None:
    rows = await connection.execute_fetchall(
        "UPDATE reviews SET version = version + 1 WHERE post_id = ? AND outcome IS NULL RETURNING id", (post_id,)
    )
    for row in rows:
        await connection.execute(
            "INSERT INTO review_events (review_id, kind, at) VALUES (?, ?, ?)", (row["id"], kind, at)
        )


async def mark_deleted(connection: aiosqlite.Connection, condition: str, parameters: Sequence[Value], at: int) -> bool:
    """All posts that meet ``condition`` are gone; returns if there were any. It is one of our own, never input."""
    gone = f"SELECT id FROM posts WHERE deleted_at IS NULL AND {condition}"
    await connection.execute(
        f"""
        INSERT INTO review_events (review_id, kind, at)
        SELECT id, 'deleted', ? FROM reviews WHERE outcome IS NULL AND post_id IN ({gone})
        """,
        (at, *parameters),
    )
    await connection.execute(  # a removal whose result was unknown has succeeded, it seems
        f"""
        UPDATE reviews SET outcome = iif(outcome = 'removing', 'removed', NULL), version = version + 1
        WHERE (outcome IS NULL OR outcome = 'removing') AND post_id IN ({gone})
        """,
        parameters,
    )
    cursor = await connection.execute(
        f"UPDATE posts SET deleted_at = ? WHERE deleted_at IS NULL AND {condition}", (at, *parameters)
    )
    return cursor.rowcount > 0


async def move_cursors(connection: aiosqlite.Connection, cursors: Mapping[int, int], at: int) -> None:
    """Cursors only ever move forward."""
    await connection.executemany(
        """
        INSERT INTO cursors (channel_id, position, updated_at) VALUES (?, ?, ?)
        ON CONFLICT (channel_id) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
        WHERE excluded.position > cursors.position
        """,
        [(channel_id, position, at) for channel_id, position in cursors.items()],
    )
