"""What is missed, and how far the records got: for the tests of catching up."""

from typing import Any

from tests.support.world import World


def miss(world: World, channel: Any, text: str = "You idiot.") -> int:
    """Alice posts what does not reach the bot."""
    return world.env.backend.create_message(channel.id, world.alice.id, text, broadcast=False).id


async def reconnect(world: World) -> None:
    """A new session, which replays nothing."""
    with world.env._bot_scope():
        world.env.bot.dispatch("shard_connect", 0)
        world.env.bot.dispatch("shard_ready", 0)
    await world.env.settle()


async def decided(world: World) -> set[int]:
    return {int(decision["external_id"]) for decision in await world.decisions()}


async def cursor(world: World, channel: Any) -> int:
    rows = await world.rows(f"SELECT position FROM cursors WHERE channel_id = {channel.id}")
    return rows[0]["position"] if rows else 0
