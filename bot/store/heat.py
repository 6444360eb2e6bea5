"""Heat: threads in which many posts are flagged just now, and when they were last announced."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class HotChannel:
    """A thread, or a channel without threads: how many of its recent posts were flagged, of how many."""

    channel_id: int
    flagged: int
    posts: int


class Heat:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def hot(
        self, guild_id: int, *, written_since: int, quiet_since: int, at_least: int, one_in: int
    ) -> list[HotChannel]:
        """Channels where, of the posts written after ``written_since``, ``at_least`` and one in ``one_in`` are flagged.

        Those announced after ``quiet_since`` are left out. Reviews lead to the channels: no quiet one is read.
        """
        rows = await self._database.fetch_all(
            """
            WITH lively AS MATERIALIZED (
                SELECT coalesce(p.thread_id, p.channel_id) AS channel_id
                FROM reviews AS r JOIN posts AS p ON p.id = r.post_id
                WHERE r.guild_id = ?1 AND r.opened_at > ?2 AND p.created_at > ?2 AND NOT EXISTS (
                    SELECT 1 FROM heat_alerts AS a
                    WHERE a.channel_id = coalesce(p.thread_id, p.channel_id) AND a.posted_at > ?3
                )
                GROUP BY 1 HAVING count(*) >= ?4
            )
            SELECT lively.channel_id, sum(d.flagged) AS flagged, count(*) AS posts
            FROM lively
            JOIN posts AS p ON coalesce(p.thread_id, p.channel_id) = lively.channel_id AND p.created_at > ?2
            JOIN decisions AS d ON d.id = p.current_decision_id
            GROUP BY lively.channel_id
            HAVING sum(d.flagged) >= ?4 AND sum(d.flagged) * ?5 >= count(*)
            """,
            (guild_id, written_since, quiet_since, at_least, one_in),
        )
        return [HotChannel(row["channel_id"], row["flagged"], row["posts"]) for row in rows]

    async def announced(self, guild_id: int, channel_id: int) -> None:
        """An alert about this channel has just been posted."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                INSERT INTO heat_alerts (channel_id, guild_id, posted_at) VALUES (?, ?, ?)
                ON CONFLICT (channel_id) DO UPDATE SET posted_at = excluded.posted_at
                """,
                (channel_id, guild_id, self._clock()),
            )
