"""Routes of messages."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from tests.loopback import errors, wire
from tests.loopback.model import FORUM, Channel, Message, Thread
from tests.loopback.permissions import (
    MANAGE_MESSAGES,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS,
)
from tests.loopback.routes import body_of, channel_in, limit_in, number_in, require
from tests.loopback.wire import JSON
from tests.loopback.world import World

NONCE_MS = 300_000
"""Discord says "the past few minutes"."""
COMPONENTS_V2 = 1 << 15
BESIDES_TEXT = ("embeds", "components", "attachments", "flags")


class MessagesApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._by_nonce: dict[str, Message] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        all_, one = r"/channels/{channel:\d+}/messages", r"/channels/{channel:\d+}/messages/{message:\d+}"
        return [
            web.get(all_, self._history),
            web.post(all_, self._post),
            web.get(one, self._message),
            web.patch(one, self._edit),
            web.delete(one, self._delete),
        ]

    async def _history(self, request: web.Request) -> web.Response:
        channel = channel_in(self._world, request)
        limit = limit_in(request, 1, 50)
        ends = {name: number_in(request, name) for name in ("before", "after", "around")}
        if sum(end is not None for end in ends.values()) > 1:
            raise errors.invalid_form("before, after and around exclude each other")
        readable = self._world.my_permissions(channel) & READ_MESSAGE_HISTORY
        found = channel.history.page(limit, **ends) if readable else []
        return web.json_response([self._shown(each) for each in found])

    async def _message(self, request: web.Request) -> web.Response:
        channel = channel_in(self._world, request, may=READ_MESSAGE_HISTORY)
        return web.json_response(self._shown(_message_in(channel, request)))

    async def _post(self, request: web.Request) -> web.Response:
        channel = channel_in(self._world, request)
        require(self._world, channel, SEND_MESSAGES_IN_THREADS if isinstance(channel, Thread) else SEND_MESSAGES)
        if channel.type == FORUM:
            raise errors.ApiError(400, 50008, "Cannot send messages in a non-text channel")
        payload = await body_of(request)
        return web.json_response(self._shown(self._earlier(payload) or self._new(channel, payload)))

    def _earlier(self, payload: JSON) -> Message | None:
        """The message that the same nonce made a moment ago: it is not made again."""
        earlier = self._by_nonce.get(str(payload.get("nonce"))) if payload.get("enforce_nonce") else None
        if earlier is None or wire.time_of(earlier.id) < self._world.clock() - NONCE_MS:
            return None
        return earlier if self._stands(earlier) else None

    def _stands(self, message: Message) -> bool:
        channel = self._world.channel(message.channel_id)
        return channel is not None and message.id in channel.history

    def _new(self, channel: Channel, payload: JSON) -> Message:
        nonce = None if payload.get("nonce") is None else str(payload["nonce"])
        if nonce is not None and len(nonce) > 25:
            raise errors.invalid_form("nonce: must be 25 or fewer in length")
        reference = payload.get("message_reference")
        message = Message(
            self._world.new_id(),
            channel.id,
            self._world.me(self._world.guild_of(channel)),
            payload.get("content") or "",
            int(reference["message_id"]) if reference else None,
            nonce,
            extra=besides_text(payload),
        )
        check(message.text, message.extra)
        if nonce is not None and payload.get("enforce_nonce"):
            self._by_nonce[nonce] = message
        return self._world.add_message(message)

    async def _edit(self, request: web.Request) -> web.Response:
        channel = channel_in(self._world, request)
        message = _message_in(channel, request)
        if message.author.id != self._world.bot_id:
            raise errors.not_your_message()
        _require_open(channel)
        payload = await body_of(request)
        text = (payload["content"] or "") if "content" in payload else message.text
        changed = besides_text(payload)
        check(text, {**message.extra, **changed})
        self._world.edit(message, text, **changed)
        return web.json_response(self._shown(message))

    async def _delete(self, request: web.Request) -> web.Response:
        channel = channel_in(self._world, request)
        message = _message_in(channel, request)
        if message.author.id != self._world.bot_id:
            require(self._world, channel, MANAGE_MESSAGES)
        _require_open(channel)
        self._world.delete(message)
        return web.Response(status=204)

    def _shown(self, message: Message) -> JSON:
        return wire.message(message, self._world.replied_to(message))


def besides_text(payload: JSON) -> dict[str, Any]:
    return {name: payload[name] for name in BESIDES_TEXT if payload.get(name) is not None}


def check(text: str, extra: JSON) -> None:
    """Refuse what Discord refuses of a message."""
    if extra.get("flags", 0) & COMPONENTS_V2 and (text or extra.get("embeds")):
        raise errors.invalid_form("content and embeds cannot be used beside components of version 2")
    if len(text) > 2000:
        raise errors.invalid_form("content: must be 2000 or fewer in length")
    if not text and not any(extra.get(name) for name in ("embeds", "components", "attachments")):
        raise errors.empty_message()


def _message_in(channel: Channel, request: web.Request) -> Message:
    message = channel.history.get(int(request.match_info["message"]))
    if message is None:
        raise errors.unknown_message()
    return message


def _require_open(channel: Channel) -> None:
    if isinstance(channel, Thread) and channel.archived:
        raise errors.archived()
