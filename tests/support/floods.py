"""Many flagged posts at once, and what stands in the review channel then."""

from collections.abc import Sequence
from typing import Any

import discord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from tests.support.world import World, buttons_of, text_of

ONE_BY_ONE = "Review one by one"


async def raid(world: World, channel: ChannelHandle, members: Sequence[MemberActor], count: int) -> list[Any]:
    """``count`` flagged posts within a moment, the members taking turns."""
    posts = [
        world.env.backend.create_message(channel.id, members[number % len(members)].id, f"Idiot number {number}.")
        for number in range(count)
    ]
    await world.env.settle()
    return posts


async def slowly(channel: ChannelHandle, member: MemberActor, *texts: str) -> list[Any]:
    """One flagged post after the other."""
    return [await member.send(channel, text) for text in texts]


async def folds(world: World) -> list[discord.Message]:
    return [message for message in await world.cards() if text_of(message).count("flagged posts ")]


async def singles(world: World) -> list[discord.Message]:
    return [message for message in await world.cards() if "Go to post" in buttons_of(message)]


async def fold(world: World) -> discord.Message:
    (only,) = await folds(world)
    return only


async def gang(world: World, size: int) -> list[MemberActor]:
    return [world.member(f"raider {number}") for number in range(size)]


async def sizes(world: World) -> list[int]:
    """How many reviews each card shows, oldest card first; fails if a review has none."""
    rows = await world.rows("SELECT card_message_id AS card, count(*) AS n FROM reviews GROUP BY 1 ORDER BY 1")
    assert all(row["card"] for row in rows)
    return [row["n"] for row in rows]
