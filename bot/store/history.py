"""What catching up needs to know: which posts stand in the records, which failed, what nobody has read."""

from collections.abc import Mapping

from bot.clock import Clock
from bot.domain import Place, Unchecked
from bot.store.database import Database
from bot.store.writing import move_cursors

ATTEMPTS = 3
"""A post that could not be scored this often is not tried again by itself."""


class History:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def standing(self, message_channel_id: int, since: int) -> set[int]:
        """Posts of a channel or thread, written at ``since`` (Unix ms) or later, that are not known to be deleted."""
        rows = await self._database.fetch_all(
            """
            SELECT external_id FROM posts
            WHERE coalesce(thread_id, channel_id) = ? AND created_at >= ? AND deleted_at IS NULL AND source = 'discord'
            """,
            (message_channel_id, since),
        )
        return {int(row["external_id"]) for row in rows}

    async def threads_standing(self, guild_id: int, since: int) -> dict[int, int]:
        """Threads with posts of ``since`` (Unix ms) or later that are not known to be deleted, and their channels."""
        rows = await self._database.fetch_all(
            """
            SELECT DISTINCT thread_id, channel_id FROM posts
            WHERE guild_id = ? AND created_at >= ? AND deleted_at IS NULL AND thread_id IS NOT NULL
            """,
            (guild_id, since),
        )
        return {int(row["thread_id"]): int(row["channel_id"]) for row in rows}

    async def failed(self, guild_id: int, attempts: int = ATTEMPTS) -> list[tuple[Place, int]]:
        """(place, message id) of posts that could not be scored, fewer than ``attempts`` times, oldest first."""
        rows = await self._database.fetch_all(
            """
            SELECT guild_id, channel_id, thread_id, external_id FROM posts
            WHERE guild_id = ? AND failure IS NOT NULL AND deleted_at IS NULL AND attempts < ? ORDER BY id
            """,
            (guild_id, attempts),
        )
        return [(Place(row["guild_id"], row["channel_id"], row["thread_id"]), int(row["external_id"])) for row in rows]

    async def move_cursors(self, positions: Mapping[int, int]) -> None:
        if positions:
            async with self._database.transaction() as connection:
                await move_cursors(connection, positions, self._clock())

    async def note_unchecked(self, guild_id: int, unchecked: Unchecked) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                INSERT INTO unchecked (guild_id, channel_id, since, until, reason, noted_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                (guild_id, unchecked.channel_id, unchecked.since, unchecked.until, unchecked.reason, self._clock()),
            )

    async def unchecked(self, guild_id: int, limit: int) -> list[Unchecked]:
        """The latest stretches that nobody has read, newest first."""
        rows = await self._database.fetch_all(
            "SELECT * FROM unchecked WHERE guild_id = ? ORDER BY id DESC LIMIT ?", (guild_id, limit)
        )
        return [Unchecked(row["channel_id"], row["since"], row["until"], row["reason"]) for row in rows]
