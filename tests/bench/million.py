"""A database as it looks after years: 20 servers, one of them with half of everything, and a flood at the end."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.domain import DISCORD_EPOCH_MS
from models.labels import SCORE_KEYS

NOW = 1_780_000_000_000
BIG_SERVER, FORUM, CHAT, REVIEW_CHANNEL = 1, 100, 109, 190

_PARAMETERS = {
    "now": NOW,
    "epoch": DISCORD_EPOCH_MS,
    "scores": json.dumps(dict.fromkeys(SCORE_KEYS, 0.123456789)),
    "thresholds": json.dumps(dict.fromkeys(SCORE_KEYS, 0.85)),
    "text": "You never read what you vote on, and the whole town pays for it. " * 3,
}
_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :posts)"
_FILL = {
    "servers": """
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20)
        INSERT INTO guilds (guild_id, review_channel_id, updated_at) SELECT n, n * 100 + 90, :now FROM numbers
    """,
    "watched channels": """
        WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9)
        INSERT INTO watched_channels SELECT guild_id * 100 + n, guild_id, 7, :now FROM guilds, numbers
    """,
    # Half a minute between two posts, but the last 2 % in ten minutes. Of ten threads one is a chat.
    "posts": f"""
        {_NUMBERS},
        placed AS (
            SELECT n, iif(n % 2, 2 + n / 2 % 19, 1) AS guild, iif(n % 2, n / 38, n / 2) AS k,
                   iif(n > :posts * 0.98, :now - (:posts - n) * 600000 / (:posts * 0.02),
                       :now - 600000 - (:posts * 0.98 - n) * 33000) AS at
            FROM numbers
        ),
        threaded AS (SELECT *, CAST(at AS INTEGER) AS created, k / 800 * 10 + k % 10 AS thread FROM placed)
        INSERT INTO posts (id, source, external_id, guild_id, channel_id, thread_id, author_id, created_at,
                           current_decision_id, failure, deleted_at, attempts)
        SELECT n, 'discord', CAST(((created - :epoch) << 22) + n % 4096 AS TEXT), guild, guild * 100 + thread % 10,
               iif(thread % 10 = 9, NULL, guild * 10000000 + thread), CAST(n * 7919 % 5003 AS TEXT), created,
               n + n / 19, iif(n % 1000 = 6, 'broke', NULL), iif(n % 100 = 4, created, NULL), iif(n % 1000 = 6, 3, 0)
        FROM threaded
    """,
    # Every 19th post was edited once.
    "decisions": f"""
        {_NUMBERS},
        written (id, post_id) AS (
            SELECT n + (n - 1) / 19, n FROM numbers UNION ALL SELECT n + n / 19, n FROM numbers WHERE n % 19 = 0
        )
        INSERT INTO decisions (id, post_id, guild_id, revision, model_version, inflammatory, misinformation, scores,
                               thresholds, context, flagged, flags, strongest_label, latency_ms, decided_at)
        SELECT w.id, w.post_id, p.guild_id, printf('%064x', w.id * 2654435761), 'threadwatch-1', 0.1, 0.2, :scores,
               :thresholds, '["title"]', w.id * 2654435761 % 1000003 % 20 = 0,
               iif(w.id * 2654435761 % 1000003 % 20 = 0, '["inflammatory"]', '[]'), 'insult', 20.0, p.created_at
        FROM written AS w JOIN posts AS p ON p.id = w.post_id
        ORDER BY w.id
    """,
    "evidence": """
        INSERT INTO evidence (decision_id, author_name, text, decisive_start, decisive_end, thread_title, stored_at)
        SELECT id, 'a member', :text, 0, 20, 'The council votes on the budget', decided_at FROM decisions WHERE flagged
    """,
    # Two of five have a verdict; three share a card; those of the flood wait; one card of a hundred is behind.
    "reviews": """
        WITH flagged AS (
            SELECT post_id, max(id) AS decision_id, guild_id, max(decided_at) AS at,
                   row_number() OVER (PARTITION BY guild_id ORDER BY post_id) AS number
            FROM decisions WHERE flagged GROUP BY post_id ORDER BY decision_id
        )
        INSERT INTO reviews (post_id, decision_id, guild_id, opened_at, outcome, resolved_by, resolved_at, version,
                             shown_version, card_channel_id, card_message_id, card_posted_at, shown_decision_id)
        SELECT post_id, decision_id, guild_id, at, iif(judged, 'confirmed', NULL), iif(judged, 7, NULL),
               iif(judged, at, NULL), 2, iif(waits, 0, 2 - (number / 3 % 100 = 0)),
               iif(waits, NULL, guild_id * 100 + 90), iif(waits, NULL, guild_id * 1000000 + number / 3),
               iif(waits OR number % 3, NULL, at), iif(waits, NULL, decision_id)
        FROM (SELECT *, at > :now - 600000 AS waits, at <= :now - 600000 AND number % 5 < 2 AS judged FROM flagged)
    """,
    "events": "INSERT INTO review_events (review_id, kind, at) SELECT id, 'opened', opened_at FROM reviews",
    "verdicts": """
        INSERT INTO review_events (review_id, kind, actor_id, at)
        SELECT id, outcome, resolved_by, resolved_at FROM reviews WHERE outcome IS NOT NULL
    """,
    "cursors": """
        INSERT INTO cursors SELECT coalesce(thread_id, channel_id), max(CAST(external_id AS INTEGER)), :now
        FROM posts GROUP BY 1
    """,
    "thresholds": "INSERT INTO thresholds SELECT guild_id, channel_id, 'inflammatory', 0.8 FROM watched_channels",
    "changes of thresholds": """
        INSERT INTO threshold_changes (guild_id, channel_id, score_key, new_value, changed_by, changed_at)
        SELECT guild_id, channel_id, 'inflammatory', 0.8, 7, :now FROM posts WHERE id <= 4000
    """,
    "stretches not read": """
        INSERT INTO unchecked (guild_id, channel_id, since, until, reason, noted_at)
        SELECT guild_id, channel_id, created_at, created_at, 'too old', :now FROM posts WHERE id <= 4000
    """,
    "alerts": """
        INSERT OR IGNORE INTO heat_alerts SELECT thread_id, guild_id, created_at FROM posts WHERE thread_id % 100 = 1
    """,
}


def fill(path: Path, decisions: int) -> None:
    """Fill the empty database at ``path``; nothing in it is written by the code that is measured."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("BEGIN")
        for statement in _FILL.values():
            connection.execute(statement, _PARAMETERS | {"posts": decisions * 19 // 20})
        connection.execute("COMMIT")
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
