"""Troubles on command: what REST answers instead, what happens to the gateway's connection."""

import asyncio
import contextlib
import random
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from aiohttp import web

from tests.loopback.gateway import Gateway


class Fault(Enum):
    """All but ``RESET_AFTER`` come before anything is carried out."""

    RATE_LIMITED = "429 that says when to come back"
    RATE_LIMITED_BARE = "429 that does not say when to come back"
    BANNED = "429 of a proxy before Discord, in plain text and without Via"
    INTERNAL_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    HANG = "no answer, and after `hang_seconds` the connection is reset"
    RESET_BEFORE = "connection reset, nothing was done"
    RESET_AFTER = "carried out, but the connection is reset instead of an answer"


UNANSWERED = (Fault.HANG, Fault.RESET_BEFORE, Fault.RESET_AFTER)
_STATUS = {Fault.INTERNAL_ERROR: 500, Fault.BAD_GATEWAY: 502, Fault.UNAVAILABLE: 503}


@dataclass(slots=True)
class _Planned:
    fault: Fault
    route: re.Pattern[str]
    times: int


class RestFaults:
    """``route`` is a regular expression for "METHOD /path", without the API's prefix."""

    def __init__(self) -> None:
        self.retry_after = 0.2
        self.hang_seconds = 600.0
        self.happened: list[tuple[Fault, str]] = []
        self._planned: list[_Planned] = []
        self._chances: Mapping[Fault, float] = {}
        self._chance_route = re.compile("")
        self._random = random.Random()
        self._released = asyncio.Event()

    def next(self, fault: Fault, *, times: int = 1, route: str = "") -> None:
        """The next ``times`` requests of ``route`` meet ``fault``."""
        self._planned.append(_Planned(fault, re.compile(route), times))

    def sometimes(self, chances: Mapping[Fault, float], *, seed: int, route: str = "") -> None:
        """From now on each request of ``route`` meets each fault with the probability given."""
        self._chances, self._chance_route, self._random = dict(chances), re.compile(route), random.Random(seed)

    def clear(self) -> None:
        """No more faults; whatever hangs is let go."""
        self._planned.clear()
        self._chances = {}
        self._released.set()
        self._released = asyncio.Event()

    def pick(self, request: str) -> Fault | None:
        """The fault that ``request`` ("METHOD /path") meets, if any."""
        fault = self._next_planned(request)
        if fault is None and self._chance_route.search(request):
            fault = next((each for each, chance in self._chances.items() if self._random.random() < chance), None)
        if fault is not None:
            self.happened.append((fault, request))
        return fault

    def _next_planned(self, request: str) -> Fault | None:
        for planned in self._planned:
            if planned.route.search(request):
                planned.times -= 1
                if not planned.times:
                    self._planned.remove(planned)
                return planned.fault
        return None

    async def instead(self, fault: Fault) -> web.Response:
        """What is answered; for `UNANSWERED` nobody will see it."""
        if fault is Fault.HANG:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._released.wait(), self.hang_seconds)
        if fault in UNANSWERED:
            return web.Response()
        if fault is Fault.BANNED:
            return web.Response(status=429, text="error code: 1015")
        if fault in (Fault.RATE_LIMITED, Fault.RATE_LIMITED_BARE):
            return self._rate_limited(bare=fault is Fault.RATE_LIMITED_BARE)
        return web.json_response(
            {"message": "The service has a fault, as the test asked", "code": 0}, status=_STATUS[fault]
        )

    def _rate_limited(self, *, bare: bool) -> web.Response:
        body: dict[str, object] = {"message": "You are being rate limited.", "global": False}
        if bare:
            return web.json_response(body, status=429)
        wait = self.retry_after
        return web.json_response({**body, "retry_after": wait}, status=429, headers={"Retry-After": f"{wait:g}"})


class GatewayFaults:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def drop(self, shard_id: int | None = None) -> None:
        """The connections break, or only that of one shard; the sessions can be resumed."""
        for connection in self._gateway.connections:
            if shard_id is None or (connection.session and connection.session.shard_id == shard_id):
                reset(connection.request)

    def refuse_next_connections(self, *opened: bool) -> None:
        """The next of them get HTTP 503 instead of a websocket, or one (``opened``) that is closed without a hello."""
        self._gateway.refuse_connections += opened

    def refuse_next_resume(self) -> None:
        """The next RESUME is answered with an invalid session."""
        self._gateway.refuse_resumes += 1

    def zombify(self) -> None:
        """The connection stays up, but neither events nor heartbeat ACKs come any more."""
        for connection in self._gateway.connections:
            connection.zombie = True

    async def ask_to_reconnect(self) -> None:
        """Opcode 7, as Discord sends it before it restarts a gateway."""
        for connection in list(self._gateway.connections):
            await connection.send({"op": 7, "d": None})


def reset(request: web.Request) -> None:
    """Break the connection at once: the other end sees a reset, and nothing that was still to be sent."""
    if (transport := request.transport) is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
