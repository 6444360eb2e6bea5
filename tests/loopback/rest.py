"""The REST API as a whole: who asks, which fault comes first, what every answer carries."""

import hashlib
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.loopback import errors, wire
from tests.loopback.channels_api import ChannelsApi
from tests.loopback.errors import ApiError
from tests.loopback.faults import UNANSWERED, Fault, RestFaults, reset
from tests.loopback.interactions import Interactions
from tests.loopback.interactions_api import InteractionsApi
from tests.loopback.messages_api import MessagesApi
from tests.loopback.world import World

PREFIX = "/api/v10"
LIMIT = 50

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Rest:
    """``answered`` lists every request as "METHOD /path", with the status that was sent (0: none)."""

    def __init__(self, world: World, interactions: Interactions, faults: RestFaults, token: str) -> None:
        self.world = world
        self.interactions = interactions
        self.faults = faults
        self.gateway_url = ""
        self.answered: list[tuple[str, int]] = []
        self._token = token

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._around], client_max_size=32 << 20)
        app.add_routes(
            [
                web.get("/gateway", self._gateway),
                web.get("/gateway/bot", self._gateway_bot),
                web.get("/users/@me", self._me),
                web.get("/oauth2/applications/@me", self._application),
                web.put(r"/applications/{app:\d+}/commands", self._commands),
                *ChannelsApi(self.world).routes(),
                *MessagesApi(self.world).routes(),
                *InteractionsApi(self.world, self.interactions).routes(),
            ]
        )
        return app

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = f"{request.method} {request.path.removeprefix(PREFIX)}"
        fault = self.faults.pick(asked)
        if fault is None or fault is Fault.RESET_AFTER:
            answer = await self._carried_out(request, handler)
        else:
            answer = await self.faults.instead(fault)
        cut = fault in UNANSWERED
        if cut:
            reset(request)
        self.answered.append((asked, 0 if cut else answer.status))
        self._add_headers(request, answer, banned=fault is Fault.BANNED)
        self.world.changes.notify()
        return answer

    async def _carried_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            # interactions and their follow-ups are authorized by the token in their path
            open_to_all = request.path.startswith((f"{PREFIX}/interactions/", f"{PREFIX}/webhooks/"))
            if not open_to_all and request.headers.get("Authorization") != f"Bot {self._token}":
                raise errors.unauthorized()
            return await handler(request)
        except ApiError as error:
            return error.answer()
        except web.HTTPException as error:  # an unknown route, or a wrong method
            return ApiError(error.status, 0, f"{error.status}: {error.reason}").answer()

    def _add_headers(self, request: web.Request, answer: web.StreamResponse, *, banned: bool) -> None:
        if banned or answer.prepared:
            return
        if answer.content_type == "application/json":
            answer.headers["Content-Type"] = "application/json"  # discord.py reads none that names its charset
        resource = request.match_info.route.resource
        bucket = hashlib.sha256(f"{request.method} {resource and resource.canonical}".encode()).hexdigest()[:16]
        answer.headers.update(
            {
                "Via": "1.1 google",
                "X-RateLimit-Limit": str(LIMIT),
                "X-RateLimit-Remaining": str(LIMIT - 1),
                "X-RateLimit-Reset": f"{time.time() + 1:.3f}",
                "X-RateLimit-Reset-After": "1.000",
                "X-RateLimit-Bucket": bucket,
            }
        )

    async def _gateway(self, _: web.Request) -> web.Response:
        return web.json_response({"url": self.gateway_url})

    async def _gateway_bot(self, _: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
        return web.json_response({"url": self.gateway_url, "shards": self.world.shards, "session_start_limit": limit})

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response(wire.bot_user(self.world.bot_id))

    async def _application(self, _: web.Request) -> web.Response:
        bot = wire.bot_user(self.world.bot_id)
        return web.json_response(
            {
                "id": bot["id"],
                "name": bot["username"],
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "owner": bot,
                "verify_key": "0" * 64,
                "flags": 1 << 19,
                "bot": bot,
            }
        )

    async def _commands(self, request: web.Request) -> web.Response:
        return web.json_response(self.interactions.register(await request.json()))
