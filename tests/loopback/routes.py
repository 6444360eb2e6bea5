"""What the routes of channels and messages share: finding things in the path, refusing what the bot may not."""

import json
from typing import Any

from aiohttp import web

from tests.loopback import errors
from tests.loopback.model import Channel, Guild
from tests.loopback.wire import JSON
from tests.loopback.world import World


def guild_in(world: World, request: web.Request) -> Guild:
    guild = world.guilds.get(int(request.match_info["guild"]))
    if guild is None:
        raise errors.unknown_guild()
    return guild


def channel_in(world: World, request: web.Request, *, may: int = 0) -> Channel:
    """The channel of the path; refuses if the bot does not see it or lacks one of the permissions ``may``."""
    channel = world.channel(int(request.match_info["channel"]))
    if channel is None:
        raise errors.unknown_channel()
    if not world.visible(channel):
        raise errors.missing_access()
    require(world, channel, may)
    return channel


def require(world: World, channel: Channel, may: int) -> None:
    if world.my_permissions(channel) & may != may:
        raise errors.missing_permissions()


def number_in(request: web.Request, name: str) -> int | None:
    """A whole number of the query."""
    given = request.query.get(name)
    if given is None:
        return None
    if not given.isdecimal():
        raise errors.invalid_form(f"{name}: {given!r} is not a whole number")
    return int(given)


def limit_in(request: web.Request, low: int, default: int) -> int:
    """How many things a page holds, 100 at most."""
    limit = number_in(request, "limit")
    if limit is None:
        return default
    if not low <= limit <= 100:
        raise errors.invalid_form(f"limit: {limit} is not from {low} to 100")
    return limit


async def body_of(request: web.Request) -> JSON:
    """The JSON of a request; of files that came with it, their names and sizes as attachments."""
    if not request.content_type.startswith("multipart/"):
        return await request.json()
    form = await request.post()
    payload: dict[str, Any] = json.loads(str(form["payload_json"]))
    described = {str(each["id"]): each for each in payload.get("attachments", [])}
    payload["attachments"] = []
    for name, file in form.items():
        if isinstance(file, web.FileField):
            number = name.removeprefix("files[").removesuffix("]")
            url = f"https://cdn.invalid/{file.filename}"
            known = {"filename": file.filename, "size": len(file.file.read()), "url": url, "proxy_url": url}
            payload["attachments"].append({**described.get(number, {}), "id": number, **known})
    return payload
