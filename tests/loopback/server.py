"""The whole of it: one world, its gateway and its REST API on a port of this machine."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.loopback.faults import GatewayFaults, RestFaults
from tests.loopback.gateway import Gateway
from tests.loopback.interactions import Interactions
from tests.loopback.rest import PREFIX, Rest
from tests.loopback.world import World


@dataclass(frozen=True, slots=True)
class Loopback:
    """What a test holds in its hand."""

    port: int
    world: World
    interactions: Interactions
    gateway: Gateway
    rest: Rest
    rest_faults: RestFaults
    gateway_faults: GatewayFaults


@asynccontextmanager
async def serving(bot_id: int, token: str, *, heartbeat_ms: int = 5000) -> AsyncGenerator[Loopback]:
    """Serve an empty world to the bot that has ``token``."""
    world, rest_faults = World(bot_id), RestFaults()
    interactions = Interactions(world)
    gateway = Gateway(world, token, heartbeat_ms=heartbeat_ms)
    rest = Rest(world, interactions, rest_faults, token)
    app = web.Application()
    app.add_subapp(PREFIX, rest.application())
    app.router.add_get("/gateway/", gateway.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = int(runner.addresses[0][1])
        gateway.url = rest.gateway_url = f"ws://127.0.0.1:{port}/gateway/"
        yield Loopback(port, world, interactions, gateway, rest, rest_faults, GatewayFaults(gateway))
    finally:
        rest_faults.clear()
        await gateway.close()
        await runner.cleanup()
