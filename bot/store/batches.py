"""Writing a batch of decisions: a few statements for all posts that are new, the others one by one."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import aiosqlite

from bot.domain import Decision, Post
from bot.store.database import values
from bot.store.writing import (
    DECISION_COLUMNS,
    POST_COLUMNS,
    decision_values,
    keep_evidence,
    open_review,
    post_values,
    write_decision,
)

_Key = tuple[str, str]


async def write_decisions(
    connection: aiosqlite.Connection, decisions: Sequence[Decision], open_reviews: bool, at: int
) -> int:
    """Write ``decisions`` in order; returns how many were new."""
    known = await _known(connection, [decision.post for decision in decisions])
    new = 0
    for is_first, run in _runs(decisions, known):
        if is_first:
            await _write_first(connection, run, open_reviews)
            new += len(run)
        else:
            for decision in run:
                new += await write_decision(connection, decision, open_reviews, at)
    return new


async def _known(connection: aiosqlite.Connection, posts: Sequence[Post]) -> set[_Key]:
    """Those of ``posts`` that have a row."""
    if not posts:
        return set()
    wanted, parameters = values([_key(post) for post in posts])
    rows = await connection.execute_fetchall(
        f"""
        WITH wanted (source, external_id) AS ({wanted})
        SELECT p.source, p.external_id
        FROM wanted AS w CROSS JOIN posts AS p ON p.source = w.source AND p.external_id = w.external_id
        """,
        parameters,
    )
    return {(row["source"], row["external_id"]) for row in rows}


def _runs(decisions: Sequence[Decision], known: set[_Key]) -> Iterator[tuple[bool, list[Decision]]]:
    """Neighbours that are each the first on their post, and neighbours that are not, in turn."""
    seen, firsts = set(known), list[bool]()
    for decision in decisions:
        firsts.append(_key(decision.post) not in seen)
        seen.add(_key(decision.post))
    for is_first, run in groupby(zip(firsts, decisions, strict=True), key=lambda pair: pair[0]):
        yield is_first, [decision for _, decision in run]


async def _write_first(connection: aiosqlite.Connection, decisions: Sequence[Decision], open_reviews: bool) -> None:
    """Write the first decisions on posts without a row: nothing that is known can contradict them.

    The ids are those that SQLite would give; nobody else writes inside a transaction.
    """
    last_post, last_decision = await _last_ids(connection)
    numbered = list(enumerate(decisions, start=1))
    await connection.executemany(
        f"INSERT INTO posts ({POST_COLUMNS}, id, edited_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*post_values(decision.post), last_post + n, decision.post.edited_at) for n, decision in numbered],
    )
    await connection.executemany(
        f"""
        INSERT INTO decisions ({DECISION_COLUMNS}, id, post_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [(*decision_values(decision), last_decision + n, last_post + n) for n, decision in numbered],
    )
    await connection.executemany(
        "UPDATE posts SET current_decision_id = ? WHERE id = ?",
        [(last_decision + n, last_post + n) for n, _ in numbered],
    )
    for n, decision in numbered:
        if decision.verdict.flagged:
            await keep_evidence(connection, last_decision + n, decision, decision.decided_at)
            if open_reviews:
                await open_review(connection, last_post + n, last_decision + n, decision)


async def _last_ids(connection: aiosqlite.Connection) -> tuple[int, int]:
    """The highest ids of posts and of decisions, 0 without any."""
    rows = await connection.execute_fetchall(
        "SELECT coalesce((SELECT max(id) FROM posts), 0), coalesce((SELECT max(id) FROM decisions), 0)"
    )
    post_id, decision_id = next(iter(rows))
    return post_id, decision_id


def _key(post: Post) -> _Key:
    return post.source, post.external_id
