"""The world that the bot sees a part of. It lives in the test's process and outlives every bot that looks at it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.loopback import wire
from tests.loopback.changes import Changes
from tests.loopback.model import (
    FORUM,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    Channel,
    Guild,
    Member,
    Message,
    Overwrite,
    Role,
    Thread,
)
from tests.loopback.permissions import REVIEW_ONLY, TALK, VIEW_CHANNEL, permissions_in, sees
from tests.loopback.wire import JSON


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened; ``visible`` if the bot was allowed to see it."""

    event: str
    data: JSON
    visible: bool


def _system_clock() -> int:
    return int(time.time() * 1000)


class World:
    """Methods do what members and moderators would, whatever their permissions; only the bot's are looked at."""

    def __init__(self, bot_id: int, clock: Callable[[], int] = _system_clock) -> None:
        self.bot_id = bot_id
        self.clock = clock
        self.shards = 1  # what a bot that starts is told
        self.guilds: dict[int, Guild] = {}
        self.log: list[Change] = []
        self.changes = Changes()
        self.listeners: list[Callable[[str, JSON], None]] = []
        self._home: dict[int, Guild] = {}
        self._last_id = 0
        self._last_us = 0

    def new_id(self) -> int:
        """A snowflake of now; later ones are higher, whatever the clock does."""
        self._last_id = max(self.clock() - wire.DISCORD_EPOCH_MS << 22, self._last_id + 1)
        return self._last_id

    def create_guild(self, name: str, bot_permissions: int = REVIEW_ONLY, shard_id: int = 0) -> Guild:
        """With an owner and the bot in it; only bots that connect later learn of it, and of new roles and members."""
        id_ = self.new_id()
        while wire.shard_of(id_, self.shards) != shard_id:  # a later millisecond's
            id_ = self._last_id = (id_ >> 22) + 1 << 22
        guild = Guild(id_, name, owner_id=self.new_id())
        self.guilds[guild.id] = guild
        guild.roles[guild.id] = Role(guild.id, "@everyone", TALK)
        role = self.create_role(guild, "Threadwatch", bot_permissions)
        self._join(guild, Member(guild.owner_id, guild.id, "owner"))
        self._join(guild, Member(self.bot_id, guild.id, "Threadwatch", [role.id], bot=True))
        return guild

    def create_role(self, guild: Guild, name: str, permissions: int = 0) -> Role:
        role = Role(self.new_id(), name, permissions)
        guild.roles[role.id] = role
        return role

    def add_member(self, guild: Guild, name: str, *roles: Role, nick: str | None = None, bot: bool = False) -> Member:
        return self._join(guild, Member(self.new_id(), guild.id, name, [role.id for role in roles], nick, bot))

    def create_channel(
        self,
        guild: Guild,
        name: str,
        type_: int = TEXT,
        *,
        hidden_from: Iterable[Role | Member] = (),
        shown_to: Iterable[Role | Member] = (),
    ) -> Channel:
        channel = Channel(self.new_id(), guild.id, type_, name)
        for whom in hidden_from:
            channel.overwrites[whom.id] = Overwrite(0, VIEW_CHANNEL, isinstance(whom, Member))
        for whom in shown_to:
            channel.overwrites[whom.id] = Overwrite(TALK, 0, isinstance(whom, Member))
        guild.channels[channel.id] = channel
        self._home[channel.id] = guild
        self.tell("CHANNEL_CREATE", self._shown(channel))
        return channel

    def create_forum(self, guild: Guild, name: str, **kwargs: Any) -> Channel:
        return self.create_channel(guild, name, FORUM, **kwargs)

    def set_overwrite(self, channel: Channel, whom: Role | Member, *, allow: int = 0, deny: int = 0) -> None:
        """Change permissions in a channel; who comes to see it is told of the active threads there."""
        guild, saw = self.guild_of(channel), self.visible(channel)
        channel.overwrites[whom.id] = Overwrite(allow, deny, isinstance(whom, Member))
        self.tell("CHANNEL_UPDATE", self._shown(channel))
        if self.visible(channel) and not saw:
            threads = [thread for thread in guild.threads_of([channel.id]) if not thread.archived]
            sync = {"channel_ids": [str(channel.id)], "threads": [wire.channel(each) for each in threads]}
            self.tell("THREAD_LIST_SYNC", {"guild_id": str(guild.id), **sync, "members": []})

    def delete_channel(self, channel: Channel) -> None:
        """Its threads go with it, without events of their own."""
        guild, gone = self.guild_of(channel), self._shown(channel)
        for thread in guild.threads_of([channel.id]):
            del guild.threads[thread.id]
        del guild.channels[channel.id]
        self.tell("CHANNEL_DELETE", gone)

    def forum_post(self, forum: Channel, author: Member, title: str, text: str) -> Thread:
        """A thread whose starter has the thread's id."""
        thread = self._open_thread(forum, author, title, PUBLIC_THREAD)
        self.add_message(Message(thread.id, thread.id, author, text))
        return thread

    def create_thread(self, parent: Channel, owner: Member, title: str, *, private: bool = False) -> Thread:
        """A thread of a text channel, without a message to start from."""
        return self._open_thread(parent, owner, title, PRIVATE_THREAD if private else PUBLIC_THREAD)

    def rename(self, thread: Thread, title: str) -> None:
        thread.name = title
        self.tell("THREAD_UPDATE", wire.channel(thread), thread)

    def archive(self, thread: Thread, *, archived: bool = True) -> None:
        thread.archived = archived
        thread.changed_at = self._now_us()
        self.tell("THREAD_UPDATE", wire.channel(thread), thread)

    def delete_thread(self, thread: Thread) -> None:
        guild = self.guild_of(thread)
        gone = {"id": str(thread.id), "guild_id": str(guild.id), "parent_id": str(thread.parent_id)}
        self.tell("THREAD_DELETE", {**gone, "type": thread.type}, thread)
        del guild.threads[thread.id]

    def post(self, channel: Channel, author: Member, text: str, reply_to: Message | None = None) -> Message:
        reply = reply_to.id if reply_to else None
        return self.add_message(Message(self.new_id(), channel.id, author, text, reply))

    def add_message(self, message: Message) -> Message:
        """Posting in an archived thread opens it again, as on Discord."""
        channel = self.channel(message.channel_id)
        assert channel and channel.type != FORUM, "posts go into a text channel or a thread"
        if isinstance(channel, Thread) and channel.archived:
            self.archive(channel, archived=False)
        channel.history.add(message)
        self.tell("MESSAGE_CREATE", wire.message_event(message, self.replied_to(message)), channel)
        return message

    def edit(self, message: Message, text: str | None = None, **extra: Any) -> None:
        if text is not None:
            message.text = text
        message.extra = {**message.extra, **extra}
        message.edited_at = self.clock()
        data = wire.message_event(message, self.replied_to(message))
        self.tell("MESSAGE_UPDATE", data, self.channel_of(message))

    def delete(self, message: Message) -> None:
        channel = self.channel_of(message)
        channel.history.remove(message.id)
        self.tell("MESSAGE_DELETE", {"id": str(message.id), **wire.where(channel)}, channel)

    def bulk_delete(self, messages: Iterable[Message]) -> None:
        """All of one channel."""
        gone = list(messages)
        channel = self.channel_of(gone[0])
        for message in gone:
            channel.history.remove(message.id)
        self.tell("MESSAGE_DELETE_BULK", {"ids": [str(each.id) for each in gone], **wire.where(channel)}, channel)

    def channel(self, id_: int) -> Channel | None:
        home = self._home.get(id_)
        return home.channel(id_) if home else None

    def channel_of(self, message: Message) -> Channel:
        channel = self.channel(message.channel_id)
        assert channel is not None, "the channel was deleted"
        return channel

    def guild_of(self, channel: Channel) -> Guild:
        return self.guilds[channel.guild_id]

    def me(self, guild: Guild) -> Member:
        return guild.members[self.bot_id]

    def replied_to(self, message: Message) -> Message | None:
        return self.channel_of(message).history.get(message.reply_to) if message.reply_to else None

    def visible(self, channel: Channel) -> bool:
        """Does the bot see it?"""
        guild = self.guild_of(channel)
        return sees(guild, self.me(guild), channel)

    def my_permissions(self, channel: Channel) -> int:
        guild = self.guild_of(channel)
        return permissions_in(guild, self.me(guild), channel)

    def guild_create(self, guild: Guild) -> JSON:
        channels = [self._shown(each) for each in guild.channels.values()]
        return wire.guild(guild, self.me(guild), channels, self.active_threads(guild))

    def active_threads(self, guild: Guild) -> list[Thread]:
        """Those that the bot sees."""
        return [each for each in guild.threads.values() if not each.archived and self.visible(each)]

    def tell(self, event: str, data: JSON, channel: Channel | None = None) -> None:
        """Events of channels themselves (no ``channel`` given) come even if they are hidden, then without details."""
        visible = channel is None or self.visible(channel)
        self.log.append(Change(event, data, visible))
        if visible:
            for listener in self.listeners:
                listener(event, data)
        self.changes.notify()

    def _shown(self, channel: Channel) -> JSON:
        return wire.channel(channel) if self.visible(channel) else wire.hidden_channel(channel)

    def _join(self, guild: Guild, member: Member) -> Member:
        member.joined_at = self.clock()
        guild.members[member.id] = member
        return member

    def _open_thread(self, parent: Channel, owner: Member, title: str, type_: int) -> Thread:
        guild = self.guild_of(parent)
        thread = Thread(
            self.new_id(), guild.id, type_, title, parent_id=parent.id, owner_id=owner.id, changed_at=self._now_us()
        )
        thread.members.add(owner.id)
        guild.threads[thread.id] = thread
        self._home[thread.id] = guild
        self.tell("THREAD_CREATE", {**wire.channel(thread), "newly_created": True}, thread)
        return thread

    def _now_us(self) -> int:
        """Rising, so that a page of archived threads never ends between two of the same moment."""
        self._last_us = max(self.clock() * 1000, self._last_us + 1)
        return self._last_us
