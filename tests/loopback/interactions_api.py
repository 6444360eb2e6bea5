"""Routes of interactions: the callback, the original response, follow-ups."""

from collections.abc import Iterable

from aiohttp import web

from tests.loopback import errors, wire
from tests.loopback.interactions import ACKNOWLEDGE_MS, EPHEMERAL, Interaction, Interactions
from tests.loopback.messages_api import besides_text, check
from tests.loopback.model import Message
from tests.loopback.routes import body_of
from tests.loopback.wire import JSON
from tests.loopback.world import World

SEND, DEFER_SEND, DEFER_UPDATE, UPDATE, MODAL = 4, 5, 6, 7, 9


class InteractionsApi:
    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions

    def routes(self) -> Iterable[web.RouteDef]:
        hook = r"/webhooks/{app:\d+}/{token}"
        one = hook + r"/messages/{message:\d+|@original}"
        return [
            web.post(r"/interactions/{id:\d+}/{token}/callback", self._callback),
            web.post(hook, self._follow_up),
            web.get(one, self._reply),
            web.patch(one, self._edit),
            web.delete(one, self._delete),
        ]

    async def _callback(self, request: web.Request) -> web.Response:
        interaction = self._interactions.find(request.match_info["token"])
        if interaction is None or str(interaction.id) != request.match_info["id"]:
            raise errors.unknown_interaction()
        if interaction.callback is not None:
            raise errors.acknowledged_already()
        if self._world.clock() - interaction.began_at > ACKNOWLEDGE_MS:
            raise errors.unknown_interaction()
        payload = await body_of(request)
        self._respond(interaction, payload["type"], payload.get("data") or {})
        interaction.callback = payload
        if "with_response" not in request.query:
            return web.Response(status=204)
        return web.json_response(self._described(interaction, payload))

    def _respond(self, interaction: Interaction, kind: int, data: JSON) -> None:
        if kind == SEND:
            interaction.original = self._say(interaction, data)
        elif kind in (DEFER_UPDATE, UPDATE) and interaction.pressed is not None:
            interaction.original = interaction.pressed
            if kind == UPDATE:
                self._change(interaction.pressed, data)
        elif kind not in (DEFER_SEND, MODAL):  # of those, the original response comes later, or never
            raise errors.invalid_form(f"type: {kind} is no answer to this interaction")

    def _described(self, interaction: Interaction, payload: JSON) -> JSON:
        kind, original = payload["type"], interaction.original
        told: JSON = {"id": str(interaction.id), "type": interaction.kind}
        if kind in (SEND, DEFER_SEND):
            told["response_message_loading"] = kind == DEFER_SEND
            told["response_message_ephemeral"] = _hidden(payload.get("data") or {})
        if original is None:
            return {"interaction": told, "resource": {"type": kind}}
        told["response_message_id"] = str(original.id)
        shown = {"message": self._shown(original)} if kind in (SEND, UPDATE) else {}
        return {"interaction": told, "resource": {"type": kind, **shown}}

    async def _follow_up(self, request: web.Request) -> web.Response:
        """The first one after a deferral is the original response."""
        interaction = self._acknowledged(request)
        data = await body_of(request)
        callback = interaction.callback or {}
        deferred = callback.get("type") == DEFER_SEND and interaction.original is None
        if deferred:
            data["flags"] = data.get("flags", 0) & ~EPHEMERAL | (callback.get("data") or {}).get("flags", 0)
        message = self._say(interaction, data)
        if deferred:
            interaction.original = message
        return web.json_response(self._shown(message))

    async def _reply(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._named(request)))

    async def _edit(self, request: web.Request) -> web.Response:
        interaction = self._acknowledged(request)
        data = await body_of(request)
        if request.match_info["message"] == "@original" and interaction.original is None:
            deferred = (interaction.callback or {}).get("data") or {}
            interaction.original = self._say(interaction, {**data, "flags": deferred.get("flags", 0)})
            return web.json_response(self._shown(interaction.original))
        message = self._named(request)
        self._change(message, data)
        return web.json_response(self._shown(message))

    async def _delete(self, request: web.Request) -> web.Response:
        interaction, message = self._acknowledged(request), self._named(request)
        interaction.replies = [each for each in interaction.replies if each is not message]
        if self._is_public(message):
            self._world.delete(message)
        return web.Response(status=204)

    def _acknowledged(self, request: web.Request) -> Interaction:
        interaction = self._interactions.find(request.match_info["token"])
        if interaction is None or interaction.callback is None:
            raise errors.unknown_webhook()
        return interaction

    def _named(self, request: web.Request) -> Message:
        interaction, wanted = self._acknowledged(request), request.match_info["message"]
        known = [*interaction.replies, *([interaction.original] if interaction.original else [])]
        for message in known:
            if wanted == str(message.id) or (wanted == "@original" and message is interaction.original):
                return message
        raise errors.unknown_message()

    def _say(self, interaction: Interaction, data: JSON) -> Message:
        """To the user alone if it is ephemeral, else into the channel."""
        me = self._world.me(self._world.guild_of(interaction.channel))
        text, extra = data.get("content") or "", besides_text(data)
        check(text, extra)
        message = Message(self._world.new_id(), interaction.channel.id, me, text, extra=extra)
        interaction.replies.append(message)
        return message if _hidden(data) else self._world.add_message(message)

    def _change(self, message: Message, data: JSON) -> None:
        text = (data["content"] or "") if "content" in data else message.text
        changed = besides_text(data)
        check(text, {**message.extra, **changed})
        if self._is_public(message):
            self._world.edit(message, text, **changed)
        else:
            message.text, message.extra = text, {**message.extra, **changed}

    def _is_public(self, message: Message) -> bool:
        return message.id in self._world.channel_of(message).history

    def _shown(self, message: Message) -> JSON:
        return wire.message(message, self._world.replied_to(message))


def _hidden(data: JSON) -> bool:
    return data.get("flags", 0) & EPHEMERAL != 0
