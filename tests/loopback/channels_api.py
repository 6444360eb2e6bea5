"""Routes of channels and threads."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aiohttp import web

from tests.loopback import errors, wire
from tests.loopback.model import PRIVATE_THREAD, Thread
from tests.loopback.permissions import MANAGE_THREADS, READ_MESSAGE_HISTORY
from tests.loopback.routes import channel_in, guild_in, limit_in
from tests.loopback.wire import JSON, UNIX_EPOCH
from tests.loopback.world import World


class ChannelsApi:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Iterable[web.RouteDef]:
        archived = r"/channels/{channel:\d+}/threads/archived"
        return [
            web.get(r"/channels/{channel:\d+}", self._channel),
            web.get(r"/guilds/{guild:\d+}/channels", self._channels),
            web.get(r"/guilds/{guild:\d+}/threads/active", self._active),
            web.get(f"{archived}/public", self._archived_public),
            web.get(f"{archived}/private", self._archived_private),
            web.get(r"/channels/{channel:\d+}/users/@me/threads/archived/private", self._archived_joined),
        ]

    async def _channel(self, request: web.Request) -> web.Response:
        return web.json_response(wire.channel(channel_in(self._world, request)))

    async def _channels(self, request: web.Request) -> web.Response:
        channels = guild_in(self._world, request).channels.values()
        return web.json_response([wire.channel(each) for each in channels if self._world.visible(each)])

    async def _active(self, request: web.Request) -> web.Response:
        """Newest first, unpaged."""
        threads = self._world.active_threads(guild_in(self._world, request))
        threads.sort(key=lambda thread: thread.id, reverse=True)
        return web.json_response({"threads": [wire.channel(each) for each in threads], "members": []})

    async def _archived_public(self, request: web.Request) -> web.Response:
        return self._archived(request, private=False)

    async def _archived_private(self, request: web.Request) -> web.Response:
        return self._archived(request, private=True)

    async def _archived_joined(self, request: web.Request) -> web.Response:
        """Private ones that the bot is in, newest first; ``before`` is an id."""
        parent = channel_in(self._world, request, may=READ_MESSAGE_HISTORY)
        limit, before = limit_in(request, 2, 50), int(request.query.get("before", 0))
        mine = self._world.bot_id
        found = [
            thread
            for thread in self._world.guild_of(parent).threads_of([parent.id])
            if thread.archived
            and thread.type == PRIVATE_THREAD
            and mine in thread.members
            and (not before or thread.id < before)
        ]
        found.sort(key=lambda thread: thread.id, reverse=True)
        return web.json_response(_page(found, limit))

    def _archived(self, request: web.Request, *, private: bool) -> web.Response:
        """Latest archived first; ``before`` is an ISO 8601 time."""
        may = READ_MESSAGE_HISTORY | (MANAGE_THREADS if private else 0)
        parent = channel_in(self._world, request, may=may)
        limit, before = limit_in(request, 2, 50), _time_in(request)
        found = [
            thread
            for thread in self._world.guild_of(parent).threads_of([parent.id])
            if thread.archived
            and (thread.type == PRIVATE_THREAD) == private
            and (before is None or thread.changed_at < before)
        ]
        found.sort(key=lambda thread: thread.changed_at, reverse=True)
        return web.json_response(_page(found, limit))


def _page(found: list[Thread], limit: int) -> JSON:
    return {
        "threads": [wire.channel(each) for each in found[:limit]],
        "members": [],
        "has_more": len(found) > limit,
    }


def _time_in(request: web.Request) -> int | None:
    """``before`` in Unix microseconds."""
    given = request.query.get("before")
    if given is None:
        return None
    try:
        return (datetime.fromisoformat(given) - UNIX_EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError):  # no time, or one without a zone
        raise errors.invalid_form(f"before: {given!r} is not an ISO 8601 time") from None
