"""The sample server: a news forum, a hidden review channel, members, a moderator, and the posts they write."""

import discord
import simcord
from simcord.actors import MemberActor

from bot.app import Services
from bot.demo.script import ARTICLE, TITLE, Line
from bot.domain import ServerSettings


class Town:
    """One news thread and the people in it."""

    def __init__(self, env: simcord.Env) -> None:
        assert env.bot.user is not None, "the bot has logged in"
        self.env = env
        self.guild = env.create_guild("Harbour Town")
        moderators = self.guild.create_role(
            "Moderators", permissions=discord.Permissions(manage_messages=True, manage_guild=True)
        )
        shown = discord.PermissionOverwrite(view_channel=True, send_messages=True, read_message_history=True)
        hidden = discord.PermissionOverwrite(view_channel=False)
        self.forum = self.guild.create_forum_channel("news")
        self.review = self.guild.create_text_channel(
            "flagged-posts", overwrites={self.guild.default_role: hidden, moderators: shown, env.bot.user: shown}
        )
        self.moderators = [
            self.guild.add_member(env.create_user(name.lower(), global_name=name), roles=[moderators])
            for name in ("Maya", "Jonas")
        ]
        self._members: dict[str, MemberActor] = {}
        self._thread_id = 0
        self._written: list[int] = []

    async def set_up(self, services: Services) -> None:
        """What a moderator does with `/setup`, and a name for the bot."""
        await self.env.settle()
        guild = self.env.bot.get_guild(self.guild.id)
        assert guild is not None, "the bot is a member"
        await guild.me.edit(nick="Threadwatch")
        servers = services.store.servers
        await servers.save(ServerSettings(self.guild.id, self.review.id))
        await servers.watch(self.guild.id, [self.forum.id], self.moderators[0].id)

    def open_thread(self) -> None:
        """Post the article; as on Discord, the first message has the thread's id."""
        backend, author = self.env.backend, self._member("newsdesk")
        thread = backend.create_thread(self.forum.id, TITLE, author.id, broadcast=False)
        message = backend.prepare_message(thread.id, author.id, ARTICLE)
        self._thread_id = message.id = thread.id
        backend.announce_thread_create(thread)
        backend.commit_message(message)

    def write(self, line: Line) -> None:
        """A member posts; the bot hears of it as it would on Discord."""
        answered = self._written[-line.answers] if line.answers else None
        message = self.env.backend.create_message(
            self._thread_id,
            self._member(line.author).id,
            line.text,
            reference={"channel_id": str(self._thread_id), "message_id": str(answered)} if answered else None,
        )
        self._written.append(message.id)

    def _member(self, name: str) -> MemberActor:
        if name not in self._members:
            self._members[name] = self.guild.add_member(self.env.create_user(name))
        return self._members[name]
