"""What each server chose: its review channel, its reviewers, what to watch."""

from collections.abc import Sequence

from bot.clock import Clock
from bot.domain import ServerSettings
from bot.store.database import Database


class Servers:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, guild_id: int) -> ServerSettings:
        """The server's settings; defaults if it has never been set up."""
        row = await self._database.fetch_one("SELECT * FROM guilds WHERE guild_id = ?", (guild_id,))
        if row is None:
            return ServerSettings(guild_id)
        return ServerSettings(guild_id, row["review_channel_id"], row["reviewer_role_id"], bool(row["watch_bots"]))

    async def save(self, settings: ServerSettings) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                INSERT INTO guilds (guild_id, review_channel_id, reviewer_role_id, watch_bots, updated_at)
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (guild_id) DO UPDATE SET
                    review_channel_id = excluded.review_channel_id, reviewer_role_id = excluded.reviewer_role_id,
                    watch_bots = excluded.watch_bots, updated_at = excluded.updated_at
                """,
                (
                    settings.guild_id,
                    settings.review_channel_id,
                    settings.reviewer_role_id,
                    settings.watch_bots,
                    self._clock(),
                ),
            )

    async def watch(self, guild_id: int, channel_ids: Sequence[int], added_by: int, since: int | None = None) -> None:
        """Watch channels and forums; watching one twice changes nothing. The server must have been saved.

        ``since``: when that was asked for (Unix ms), by Discord's clock where it was asked there.
        """
        added_at = self._clock() if since is None else since
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT OR IGNORE INTO watched_channels (channel_id, guild_id, added_by, added_at) VALUES (?, ?, ?, ?)",
                [(channel_id, guild_id, added_by, added_at) for channel_id in channel_ids],
            )

    async def unwatch(self, channel_id: int) -> bool:
        """Returns False if the channel was not watched."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("DELETE FROM watched_channels WHERE channel_id = ?", (channel_id,))
        return cursor.rowcount == 1

    async def watched(self, guild_id: int | None = None) -> dict[int, int]:
        """Watched channel and forum ids, of one server or all, with the time each has been watched since."""
        where, values = ("WHERE guild_id = ?", (guild_id,)) if guild_id is not None else ("", ())
        rows = await self._database.fetch_all(
            f"SELECT channel_id, added_at FROM watched_channels {where} ORDER BY added_at, channel_id", values
        )
        return {int(row["channel_id"]): int(row["added_at"]) for row in rows}
