"""A simulated server with Threadwatch on it, acted on as its members and moderators would."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from typing_extensions import override

from bot.__main__ import EXTENSIONS
from bot.app import Services, running
from bot.client import Threadwatch
from bot.config import Settings
from bot.domain import ServerSettings
from cogs.common import NotAllowed
from models.classifier import Classifier, ClassifierInput, Prediction
from tests.support.keyword import KeywordClassifier

HIDDEN = discord.PermissionOverwrite(view_channel=False)
SHOWN = discord.PermissionOverwrite(view_channel=True, send_messages=True, read_message_history=True)


class World:
    """A server with a news forum, a chat, a hidden review channel; alice and bob talk, mod and chief moderate."""

    def __init__(self, env: simcord.Env, settings: Settings, shard_id: int = 0) -> None:
        self.env = env
        self.settings = settings
        self.guild = guild = env.create_guild("Town", shard_id=shard_id)
        self.mods = guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
        self.chiefs = guild.create_role(
            "Chiefs", permissions=discord.Permissions(manage_guild=True, manage_messages=True)
        )
        self.jury = guild.create_role("Jury")
        self.forum = guild.create_forum_channel("news")
        self.chat = guild.create_text_channel("chat")
        readers = dict.fromkeys((self.mods, self.chiefs, self.jury), SHOWN)
        self.review = guild.create_text_channel(
            "review", overwrites={guild.default_role: HIDDEN, env.bot.user: SHOWN, **readers}
        )
        self.alice = self.member("alice", nick="Alice")
        self.bob = self.member("bob")
        self.mod = self.member("mod", self.mods)
        self.chief = self.member("chief", self.chiefs)
        self.juror = self.member("juror", self.jury)

    @property
    def services(self) -> Services:
        return self.env.bot.services

    def member(self, name: str, *roles: Any, nick: str | None = None) -> MemberActor:
        return self.guild.add_member(self.env.create_user(name), roles=list(roles), nick=nick)

    async def set_up(self, **changes: Any) -> None:
        """As `/setup` would leave it: the forum and the chat watched, reviews in the review channel."""
        servers = self.services.store.servers
        settings = ServerSettings(self.guild.id, self.review.id, self.jury.id)
        await servers.save(replace(settings, **changes))
        await servers.watch(self.guild.id, [self.forum.id, self.chat.id], self.chief.id)
        await self.catch_up()

    async def catch_up(self) -> None:
        """As after a cold start or a new session."""
        await self.env.bot.get_cog("CatchUpCog").catch_up(self.guild.id)
        await self.env.settle()

    async def forum_post(self, member: MemberActor, title: str, body: str, **kwargs: Any) -> tuple[ChannelHandle, Any]:
        """A thread whose starter has the thread's id, as on Discord (simcord's own shortcut differs)."""
        backend = self.env.backend
        thread = backend.create_thread(self.forum.id, title, member.id, broadcast=False)
        message = backend.prepare_message(thread.id, member.id, body, **kwargs)
        message.id = thread.id
        backend.announce_thread_create(thread)
        backend.commit_message(message)
        await self.env.settle()
        return ChannelHandle(self.env, self.guild, thread), message

    async def cards(self) -> list[discord.Message]:
        """The messages in the review channel, oldest first, fetched anew."""
        return list(self.review.history())

    async def card(self) -> discord.Message:
        (only,) = await self.cards()
        return only

    async def decisions(self) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT d.*, p.external_id, p.deleted_at FROM decisions d JOIN posts p ON p.id = d.post_id ORDER BY d.id"
        )

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """What stands in the database file."""
        return rows(self.settings.database, sql)

    async def flagged_card(self, body: str = "You are an idiot, mayor.") -> discord.Message:
        """The card of a post that alice has just started a thread with, on a server that is set up."""
        await self.set_up()
        await self.forum_post(self.alice, "Budget vote", body)
        return await self.card()

    @asynccontextmanager
    async def locked_database(self) -> AsyncIterator[None]:
        """Another program writes to the database file, and the bot soon gives up waiting for it."""
        writer = self.services.store.reviews._database._writer
        await writer.execute("PRAGMA busy_timeout = 20")
        other = sqlite3.connect(self.settings.database, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
        finally:
            other.close()

    async def restart(self, services: Services | None = None) -> None:
        await self.env.restart_bot(Threadwatch(services or self.services, EXTENSIONS))


def rows(database: Path, sql: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


@asynccontextmanager
async def open_world(
    settings: Settings, classifier: Classifier | None = None, *, shards: int = 1
) -> AsyncIterator[World]:
    """Start the real bot, with all its extensions, on an empty simulated server."""
    now: list[simcord.Env] = []

    def clock() -> int:
        return int(now[0].now().timestamp() * 1000) if now else 0

    async with running(settings, classifier=classifier or KeywordClassifier(), clock=clock) as services:
        bot = Threadwatch(services, EXTENSIONS)
        env = simcord.Env(bot, shard_count=shards)
        now.append(env)
        await env.start()
        try:
            world = World(env, settings)
            await env.settle()
            yield world
        finally:
            await env.shutdown()
        if env.check_errors:
            env._raise_errors_since(env._errors_acknowledged)


def walk(components: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        if accessory := component.get("accessory"):
            yield from walk([accessory])


def _raw(message: Any) -> list[dict[str, Any]]:
    if isinstance(message, simcord.ResponseMessage):
        return list(message.components)
    return [component.to_dict() for component in message.components]


def text_of(message: Any) -> str:
    """All that a reader sees written on ``message``, V2 components included."""
    shown = [message.content] if message.content else []
    return "\n".join(shown + [part["content"] for part in walk(_raw(message)) if part["type"] == 10])


def buttons_of(message: Any) -> dict[str, dict[str, Any]]:
    return {part["label"]: part for part in walk(_raw(message)) if part["type"] == 2}


def answer(result: simcord.InteractionResult) -> str:
    """What the user is told who pressed or typed something; fails unless Discord got an answer."""
    assert result.acknowledged
    return "\n".join(text_of(message) for message in (result.response, *result.followups) if message)


def refusal(world: World, result: simcord.InteractionResult, kind: type[Exception] = NotAllowed) -> str:
    """What a user is told, in private, whose command failed with ``kind``; buttons report errors by themselves."""
    assert result.ephemeral
    simcord.assert_error(world.env, kind)
    return answer(result)


def assert_nobody_pinged(world: World) -> None:
    """No message of the bot may have notified anybody."""
    for messages in world.env.backend.messages.values():
        for message in messages.values() if isinstance(messages, dict) else messages:
            if message.author_id == world.env.bot.user.id:
                assert not message.ping_user_ids and not message.ping_role_ids and not message.mention_everyone


class HeldClassifier(KeywordClassifier):
    """Scores nothing before ``release`` is set; ``reached`` tells that a post is being scored."""

    def __init__(self, breaks_on: str | None = None) -> None:
        super().__init__(breaks_on)
        self.reached = asyncio.Event()
        self.release = asyncio.Event()

    @override
    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        self.reached.set()
        await self.release.wait()
        return await super().predict(inputs)


async def until(condition: Callable[[], bool]) -> None:
    """Let the bot work on, without settling, until ``condition`` holds."""
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110  # most conditions have no event to wait for
            await asyncio.sleep(0.005)
