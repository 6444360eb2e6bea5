"""The thresholds that servers set, and the log of who changed them."""

from collections.abc import Set

from bot.clock import Clock
from bot.domain import ThresholdChange
from bot.store.database import Database, values
from models.labels import ScoreKey, parse_score_key

_WHOLE_SERVER = 0


class ThresholdTable:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(self, guild_id: int, channel_id: int | None) -> dict[ScoreKey, float]:
        """What was set for the server (``channel_id`` None), or for one channel or forum alone."""
        return (await self.of_all({(guild_id, channel_id)}))[guild_id, channel_id]

    async def of_all(self, wanted: Set[tuple[int, int | None]]) -> dict[tuple[int, int | None], dict[ScoreKey, float]]:
        """What ``of`` gives, for many servers and channels at once."""
        found = {where: dict[ScoreKey, float]() for where in wanted}
        if not wanted:
            return found
        listed, parameters = values([(guild_id, channel_id or _WHOLE_SERVER) for guild_id, channel_id in wanted])
        rows = await self._database.fetch_all(
            f"""
            WITH wanted (guild_id, channel_id) AS ({listed})
            SELECT t.guild_id, t.channel_id, t.score_key, t.value
            FROM wanted AS w CROSS JOIN thresholds AS t ON t.guild_id = w.guild_id AND t.channel_id = w.channel_id
            """,
            parameters,
        )
        for row in rows:
            where = (row["guild_id"], row["channel_id"] or None)
            found[where][parse_score_key(row["score_key"])] = float(row["value"])
        return found

    async def channels(self, guild_id: int) -> list[int]:
        """Channels and forums that have thresholds of their own."""
        rows = await self._database.fetch_all(
            "SELECT DISTINCT channel_id FROM thresholds WHERE guild_id = ? AND channel_id > ?",
            (guild_id, _WHOLE_SERVER),
        )
        return [int(row["channel_id"]) for row in rows]

    async def set(
        self, guild_id: int, channel_id: int | None, key: ScoreKey, value: float | None, changed_by: int
    ) -> float | None:
        """Set a threshold, or with None inherit it again; logs the change and returns the old value."""
        where = (guild_id, channel_id or _WHOLE_SERVER, key)
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                "SELECT value FROM thresholds WHERE guild_id = ? AND channel_id = ? AND score_key = ?", where
            )
            old = next((float(row["value"]) for row in rows), None)
            if value is None:
                await connection.execute(
                    "DELETE FROM thresholds WHERE guild_id = ? AND channel_id = ? AND score_key = ?", where
                )
            else:
                await connection.execute(
                    "INSERT OR REPLACE INTO thresholds (guild_id, channel_id, score_key, value) VALUES (?, ?, ?, ?)",
                    (*where, value),
                )
            if old != value:
                await connection.execute(
                    """
                    INSERT INTO threshold_changes (guild_id, channel_id, score_key, old_value, new_value, changed_by,
                                                   changed_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                    (*where, old, value, changed_by, self._clock()),
                )
        return old

    async def history(self, guild_id: int, limit: int) -> list[ThresholdChange]:
        """The latest changes, newest first."""
        rows = await self._database.fetch_all(
            "SELECT * FROM threshold_changes WHERE guild_id = ? ORDER BY id DESC LIMIT ?", (guild_id, limit)
        )
        return [
            ThresholdChange(
                key=parse_score_key(row["score_key"]),
                channel_id=row["channel_id"] or None,
                old=row["old_value"],
                new=row["new_value"],
                changed_by=row["changed_by"],
                changed_at=row["changed_at"],
            )
            for row in rows
        ]
