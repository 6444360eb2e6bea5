"""What a server consists of. Plain state: who may change it is `rest`'s business, how it is sent is `wire`'s."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

TEXT, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 11, 12, 15
DEFAULT, REPLY = 0, 19


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: int


@dataclass(slots=True)
class Member:
    """Somebody on one server; ``id`` is the user's."""

    id: int
    guild_id: int
    name: str
    roles: list[int] = field(default_factory=list)
    nick: str | None = None
    bot: bool = False
    joined_at: int = 0


@dataclass(slots=True)
class Message:
    """``extra`` holds what the poster sent besides text: components, embeds, attachments, flags, as it came."""

    id: int
    channel_id: int
    author: Member
    text: str
    reply_to: int | None = None
    nonce: str | None = None
    edited_at: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Overwrite:
    """Permissions allowed and denied in one channel to a role or a member."""

    allow: int
    deny: int
    is_member: bool


class History:
    """The messages of a channel in the order of their ids, which is the order of posting."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self._ids: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Message]:
        return iter([self._messages[id_] for id_ in self._ids])

    def __contains__(self, id_: object) -> bool:
        return id_ in self._messages

    def get(self, id_: int) -> Message | None:
        return self._messages.get(id_)

    @property
    def last_id(self) -> int | None:
        return self._ids[-1] if self._ids else None

    def add(self, message: Message) -> None:
        assert not self._ids or message.id > self._ids[-1], "ids rise"
        self._messages[message.id] = message
        self._ids.append(message.id)

    def remove(self, id_: int) -> None:
        del self._messages[id_]
        del self._ids[bisect_left(self._ids, id_)]

    def page(
        self, limit: int, *, before: int | None = None, after: int | None = None, around: int | None = None
    ) -> list[Message]:
        """Newest first, as Discord answers; ``after`` takes the oldest messages behind that id."""
        ids = self._ids
        if around is not None:
            low = bisect_left(ids, around)
            chosen = ids[max(0, low - limit // 2) : low] + ids[low : low + limit - limit // 2]
        elif after is not None:
            low = bisect_right(ids, after)
            chosen = ids[low : low + limit]
        else:
            high = len(ids) if before is None else bisect_left(ids, before)
            chosen = ids[max(0, high - limit) : high]
        return [self._messages[id_] for id_ in reversed(chosen)]


@dataclass(slots=True)
class Channel:
    id: int
    guild_id: int
    type: int
    name: str
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    history: History = field(default_factory=History)


@dataclass(slots=True)
class Thread(Channel):
    """``changed_at`` is Discord's archive_timestamp, when it was last archived or unarchived, in microseconds."""

    parent_id: int = 0
    owner_id: int = 0
    archived: bool = False
    changed_at: int = 0
    members: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    threads: dict[int, Thread] = field(default_factory=dict)

    def channel(self, id_: int) -> Channel | None:
        return self.channels.get(id_) or self.threads.get(id_)

    def threads_of(self, parent_ids: Sequence[int]) -> list[Thread]:
        return [thread for thread in self.threads.values() if thread.parent_id in parent_ids]
