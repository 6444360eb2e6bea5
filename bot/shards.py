"""Shards: how many there are Discord says at the start, and each has a connection and a session of its own.

What is surprising in discord.py 2.7.1 (shard.py, state.py), and what is done about it here:

- `on_ready` comes once all shards have been READY, and not again when one of them gets a new session; then, perhaps
  days later, when the last of them has got one, too. `on_shard_ready` comes for each READY, but if some shard's second
  READY follows within seconds of the last shard's first, those that are still receiving their servers never get theirs.
- Servers that a new session does not list any more, as we were removed from them meanwhile, stay in the cache.
- A shard that fails to connect asks for a new session at its next try, where a client without shards resumes; and if
  then the gateway hangs up before its hello, the whole bot ends.
- Shards start one by one, five seconds apart, whatever `max_concurrency` allows.
"""

from collections.abc import Callable
from typing import Any

import discord
from discord.ext import commands
from discord.gateway import ReconnectWebSocket
from discord.shard import Shard

from bot.clock import Clock

AWAY_MS = 30_000
"""Resuming takes a second or two and a new session five more: no cause for alarm."""


async def _resume(self: Shard) -> None:
    """Instead of asking for a new session, if there was one."""
    await self.reidentify(ReconnectWebSocket(self.id, resume=self.ws.session_id is not None))


Shard.reconnect = _resume


class ShardedBot(commands.AutoShardedBot):
    """Dispatches ``new_session(shard_id)`` when a shard that has missed something knows its servers again."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        super().__init__(**options)
        self._clock = clock
        self._begun: dict[int, int] = {}
        self._lost: dict[int, int] = {}
        self._unannounced: set[int] = set()
        parsers = self._connection.parsers
        parsers["READY"] = self._removing(parsers["READY"], parsers["GUILD_DELETE"])

    def shard_of(self, guild_id: int) -> int:
        return (guild_id >> 22) % (self.shard_count or 1)

    def guilds_of(self, shard_id: int) -> list[discord.Guild]:
        return [guild for guild in self.guilds if guild.shard_id == shard_id]

    def session_began(self, shard_id: int) -> int | None:
        """When (Unix ms) the session of a shard began; ``None`` before the first."""
        return self._begun.get(shard_id)

    def lost_at(self, shard_id: int) -> int | None:
        """Since when (Unix ms) a shard delivers nothing; ``None`` if it does."""
        return self._lost.get(shard_id)

    def away(self) -> list[int]:
        """The shards that have delivered nothing for longer than reconnecting takes."""
        now = self._clock()
        return sorted(shard_id for shard_id, at in self._lost.items() if now - at > AWAY_MS)

    async def on_shard_connect(self, shard_id: int) -> None:
        """READY: a new session, which replays nothing."""
        self._begun[shard_id] = self._clock()
        self._lost.pop(shard_id, None)
        self._unannounced.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._lost.pop(shard_id, None)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Comes again with each attempt to reconnect."""
        self._lost.setdefault(shard_id, self._clock())

    async def on_shard_ready(self, shard_id: int) -> None:
        self._unannounced.discard(shard_id)
        self.dispatch("new_session", shard_id)

    async def on_ready(self) -> None:
        """Shards whose own event never came."""
        for shard_id in sorted(self._unannounced):
            await self.on_shard_ready(shard_id)

    def _removing(self, ready: Callable[[Any], None], removed: Callable[[Any], None]) -> Callable[[Any], None]:
        def parse(data: Any) -> None:
            listed = {int(guild["id"]) for guild in data["guilds"]}
            for guild in self.guilds_of(data["shard"][0]):
                if guild.id not in listed:
                    removed({"id": str(guild.id)})
            ready(data)

        return parse
