"""The things Threadwatch talks about. Pure values: no Discord, no SQL."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.classifier import ClassifierInput, Context, Span
from models.labels import Label, ScoreKey

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The millisecond at which Discord's ids begin to count (Unix, UTC)."""


class Source(StrEnum):
    DISCORD = "discord"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Place:
    """Where on Discord a post stands: ``channel_id`` is the channel or forum, ``thread_id`` the thread in it."""

    guild_id: int
    channel_id: int
    thread_id: int | None = None

    @property
    def message_channel_id(self) -> int:
        return self.thread_id or self.channel_id


def jump_url(place: Place, post_id: int | str) -> str:
    """The address of a post on Discord."""
    return f"https://discord.com/channels/{place.guild_id}/{place.message_channel_id}/{post_id}"


@dataclass(frozen=True, slots=True)
class Post:
    """What one author wrote, in one version.

    ``parts`` is all the text that counts (content, forwarded text, poll, attachment descriptions), raw.
    ``thread_title`` is the author's own text when ``is_starter``, and context for everybody else.
    """

    source: Source
    external_id: str
    author_id: str
    author_name: str
    parts: tuple[str, ...]
    created_at: int
    thread_title: str | None = None
    is_starter: bool = False
    reply_to: str | None = None
    place: Place | None = None
    edited_at: int | None = None
    """Unix ms: an older state of the post, read late from history, never covers a newer one."""

    @property
    def text(self) -> str:
        """All that the author said, as it is scored and shown."""
        return "\n\n".join(part for part in self._said if part)

    @property
    def revision(self) -> str:
        """Hash of what the author said: context is not part of it, the title of one's own thread is."""
        return hashlib.sha256(json.dumps(self._said).encode()).hexdigest()

    @property
    def _said(self) -> tuple[str, ...]:
        return (self.thread_title or "", *self.parts) if self.is_starter else self.parts

    @property
    def classifier_input(self) -> ClassifierInput:
        title = None if self.is_starter else self.thread_title
        return ClassifierInput(self.text, title=title, reply_to=self.reply_to)


class Origin(StrEnum):
    """Where a threshold in force comes from, nearest first."""

    CHANNEL = "channel"
    SERVER = "server"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A post is flagged when its score reaches ``value``: higher means fewer flags."""

    value: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Verdict:
    """``flags``: the axes and labels whose threshold was reached, the clearest first."""

    flags: tuple[ScoreKey, ...]
    strongest_label: Label | None

    @property
    def flagged(self) -> bool:
        return bool(self.flags)


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything needed to explain later why a post was, or was not, flagged.

    ``scores`` is empty if the post held nothing to read. ``decisive`` is the part of the text that the
    flag rests on; flagged posts only. ``latency_ms`` is the time the classifier took for the batch.
    """

    post: Post
    model_version: str
    scores: Mapping[ScoreKey, float]
    thresholds: Mapping[ScoreKey, float]
    context: frozenset[Context]
    verdict: Verdict
    decided_at: int
    latency_ms: float
    decisive: Span | None = None


class Outcome(StrEnum):
    """How a review ended. REMOVING is a removal whose result is not known (yet)."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    REMOVING = "removing"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words behind a flag; deleted when the retention time is over."""

    author_name: str
    text: str
    decisive: Span | None
    thread_title: str | None
    reply_to: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """The message that shows a review, or several (a fold)."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Review:
    """A flagged post in front of the moderators, as read from the store."""

    id: int
    version: int
    decision_id: int
    post_id: str
    author_id: str
    is_starter: bool
    place: Place
    scores: Mapping[ScoreKey, float]
    thresholds: Mapping[ScoreKey, float]
    verdict: Verdict
    evidence: Evidence | None
    opened_at: int
    deleted: bool
    edited: bool
    """The post says something else by now, and that was not flagged."""
    unread: bool
    """The post says something else by now, and that could not be scored."""
    was_gone: bool
    """REMOVED, but somebody else had deleted the post before."""
    outcome: Outcome | None
    resolved_by: int | None
    resolved_at: int | None
    card: Card | None
    card_posted_at: int | None

    @property
    def nonce(self) -> str:
        """The same for every try to post one card, another for its successor: Discord drops doubles."""
        return f"{self.id}-{self.card_posted_at or 0}"

    @property
    def is_gone(self) -> bool:
        """The post is known to stand no more: nothing can be done to it."""
        return self.deleted or self.outcome is Outcome.REMOVED

    @property
    def to_decide(self) -> bool:
        """Whether a moderator is asked for anything."""
        return self.outcome is None and not self.deleted

    @property
    def posted_at(self) -> int:
        """Unix milliseconds, as every Discord id tells."""
        return (int(self.post_id) >> 22) + DISCORD_EPOCH_MS

    @property
    def jump_url(self) -> str:
        return jump_url(self.place, self.post_id)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server chose in `/setup`."""

    guild_id: int
    review_channel_id: int | None = None
    reviewer_role_id: int | None = None
    watch_bots: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """One entry of the threshold log; ``channel_id`` None is the whole server, a value None is 'inherited'."""

    key: ScoreKey
    channel_id: int | None
    old: float | None
    new: float | None
    changed_by: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A stretch of a channel (Unix ms) whose posts were not read, and never will be."""

    channel_id: int
    since: int
    until: int
    reason: str
