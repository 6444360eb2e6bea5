"""The gateway: sessions with numbered events, a replay for who resumes, a websocket each; a session for each shard."""

import asyncio
import json
import secrets
import zlib

from aiohttp import WSMsgType, web

from tests.loopback import wire
from tests.loopback.changes import Changes
from tests.loopback.wire import JSON
from tests.loopback.world import World

GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT = 1 << 0, 1 << 9, 1 << 15
WRITTEN = ("content", "embeds", "attachments", "components")


class Session:
    """What one IDENTIFY began. Every event since is kept, so that it can be resumed from anywhere."""

    def __init__(self, intents: int, bot_id: int, shard_id: int, shards: int) -> None:
        self.id = secrets.token_hex(16)
        self.shard_id = shard_id
        self.shards = shards
        self.intents = intents
        self.events: list[str] = []
        self.grown = asyncio.Event()
        self.delivered = 0
        self._bot_id = str(bot_id)

    def hears_of(self, guild_id: int) -> bool:
        return wire.shard_of(guild_id, self.shards) == self.shard_id

    def add(self, event: str, data: JSON) -> None:
        if event.startswith("MESSAGE_"):
            if not self.intents & GUILD_MESSAGES:
                return
            if not self.intents & MESSAGE_CONTENT and "author" in data and data["author"]["id"] != self._bot_id:
                data = {**data, **{key: "" if key == "content" else [] for key in WRITTEN}}
        self.events.append(json.dumps({"op": 0, "t": event, "s": len(self.events) + 1, "d": data}))
        self.grown.set()


class Connection:
    """A websocket, compressed if the client asked for it."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, changes: Changes) -> None:
        self.request = request
        self._changes = changes
        self.socket = socket
        self.zombie = False
        self.session: Session | None = None
        self.pump: asyncio.Task[None] | None = None
        self._deflate = zlib.compressobj(1) if request.query.get("compress") == "zlib-stream" else None

    async def send(self, payload: JSON | str) -> bool:
        """False if nothing can be sent any more."""
        if self.zombie or self.socket.closed:
            return False
        text = payload if isinstance(payload, str) else json.dumps(payload)
        try:
            if self._deflate is None:
                await self.socket.send_str(text)
            else:  # no await between compressing and sending: the order of the stream is the order on the wire
                data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(data)
        except ConnectionError:  # the reader of this connection sees its end as well, and cleans up
            return False
        return True

    async def deliver(self, session: Session, after: int) -> None:
        """Send every event of ``session`` behind number ``after``, now and later."""
        while True:
            session.grown.clear()
            while after < len(session.events):
                if not await self.send(session.events[after]):
                    return
                after += 1
                session.delivered = max(session.delivered, after)
            self._changes.notify()
            await session.grown.wait()


class Gateway:
    def __init__(self, world: World, token: str, *, heartbeat_ms: int = 5000) -> None:
        self.world = world
        self.heartbeat_ms = heartbeat_ms
        self.url = ""
        self.connections: list[Connection] = []
        self.identified = 0
        self.resumed = 0
        self.refuse_resumes = 0
        self.refuse_connections: list[bool] = []
        """For each of the next connections, whether it is opened before it is closed."""
        self._token = token
        self._sessions: dict[str, Session] = {}
        world.listeners.append(self._tell)

    @property
    def ready(self) -> bool:
        """A session of every shard is connected, and all that happened in its part of the world was sent to it."""
        sessions = [each.session for each in self.connections if each.session]
        count = self.world.shards
        heard = {each.shard_id for each in sessions if each.shards == count and each.delivered == len(each.events)}
        return heard == set(range(count))

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        if request.query.get("compress", "zlib-stream") != "zlib-stream":
            raise web.HTTPBadRequest(text="only zlib-stream compression is spoken here")
        opened = self.refuse_connections.pop(0) if self.refuse_connections else None
        if opened is False:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(max_msg_size=0, compress=False)
        await socket.prepare(request)
        if opened:
            await socket.close(code=1001)
            return socket
        connection = Connection(request, socket, self.world.changes)
        self.connections.append(connection)
        try:
            await connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(frame.data))
        finally:
            self.connections.remove(connection)
            await _stop(connection.pump)
            self.world.changes.notify()
        return socket

    async def close(self) -> None:
        for connection in list(self.connections):
            await connection.socket.close(code=1001)

    async def _receive(self, connection: Connection, payload: JSON) -> None:
        match payload["op"]:
            case 1:
                await connection.send({"op": 11, "d": None})
            case 2:
                await self._identify(connection, payload["d"])
            case 6:
                await self._resume(connection, payload["d"])
            case _:
                await connection.socket.close(code=4001, message=b"Unknown opcode.")

    async def _identify(self, connection: Connection, data: JSON) -> None:
        if data["token"] != self._token:
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return
        session = Session(data["intents"], self.world.bot_id, *data.get("shard", (0, 1)))
        self._forget_sessions(session)
        self._sessions[session.id] = session
        session.add("READY", self._ready(session))
        for guild in self.world.guilds.values():
            if session.hears_of(guild.id):
                session.add("GUILD_CREATE", self.world.guild_create(guild))
        self.identified += 1
        self._start(connection, session, 0)

    def _forget_sessions(self, replaced_by: Session) -> None:
        """Those of its shard, or of another number of shards, that nobody is connected to."""
        in_use = {each.session.id for each in self.connections if each.session}
        new = replaced_by
        self._sessions = {
            id_: each
            for id_, each in self._sessions.items()
            if id_ in in_use or (each.shards == new.shards and each.shard_id != new.shard_id)
        }

    async def _resume(self, connection: Connection, data: JSON) -> None:
        session = self._sessions.get(data["session_id"])
        refused = self.refuse_resumes > 0
        if refused:
            self.refuse_resumes -= 1
            self._sessions.pop(data["session_id"], None)
        if refused or session is None or data["token"] != self._token:
            await connection.send({"op": 9, "d": False})
            return
        session.add("RESUMED", {})
        self.resumed += 1
        self._start(connection, session, data["seq"])

    def _start(self, connection: Connection, session: Session, after: int) -> None:
        for other in self.connections:
            if other.session is session and other.pump:  # its socket is dead, only nobody has noticed yet
                other.session = None
                other.pump.cancel()
        connection.session = session
        connection.pump = asyncio.create_task(connection.deliver(session, after))

    def _ready(self, session: Session) -> JSON:
        world = self.world
        return {
            "v": 10,
            "user": wire.bot_user(world.bot_id),
            "guilds": [{"id": str(id_), "unavailable": True} for id_ in world.guilds if session.hears_of(id_)],
            "shard": [session.shard_id, session.shards],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": str(world.bot_id), "flags": 1 << 19},
        }

    def _tell(self, event: str, data: JSON) -> None:
        guild_id = int(data["guild_id"])
        for session in self._sessions.values():
            if session.hears_of(guild_id):
                session.add(event, data)


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
