"""From a Discord message to the post that the pipeline reads, live or from history."""

from collections.abc import Mapping

import discord

from bot.cursors import snowflake
from bot.domain import Place, Post, ServerSettings, Source

REPLY_LIMIT = 1000
WRITTEN = (
    discord.MessageType.default,
    discord.MessageType.reply,
    discord.MessageType.chat_input_command,
    discord.MessageType.context_menu_command,
)
"""Unlike `is_system()`, without the first line of a thread and the result of a poll, which nobody wrote."""

Channel = discord.abc.GuildChannel | discord.Thread


def place_of(channel: Channel) -> Place:
    if isinstance(channel, discord.Thread):
        return Place(channel.guild.id, channel.parent_id, channel.id)
    return Place(channel.guild.id, channel.id)


def watched_since(channel: Channel, watched: Mapping[int, int]) -> int | None:
    """The id after which every message of ``channel`` is owed a decision; None if it is not watched.

    ``watched`` gives the time (Unix ms) since which each channel, forum or thread is watched.
    """
    place = place_of(channel)
    since = watched.get(place.message_channel_id, watched.get(place.channel_id))
    if since is None:
        return None
    return max(snowflake(since) - 1, channel.id - 1 if isinstance(channel, discord.Thread) else 0)


def is_wanted(message: discord.Message, settings: ServerSettings) -> bool:
    """People's posts; those of bots and webhooks where the server asks. Never our own."""
    assert message.guild is not None, "checked by the callers"
    if message.author.id == message.guild.me.id or message.type not in WRITTEN:
        return False
    return settings.watch_bots or not (message.author.bot or message.webhook_id is not None)


def to_post(message: discord.Message, channel: Channel) -> Post:
    """All the author's text in ``message``, and the context it stands in."""
    thread = channel if isinstance(channel, discord.Thread) else None
    return Post(
        source=Source.DISCORD,
        external_id=str(message.id),
        author_id=str(message.author.id),
        author_name=message.author.display_name,
        parts=_parts(message),
        created_at=int(message.created_at.timestamp() * 1000),
        thread_title=thread.name if thread else None,
        is_starter=thread is not None and _starts(message, thread),
        reply_to=_replied_to(message),
        place=place_of(channel),
        edited_at=int(message.edited_at.timestamp() * 1000) if message.edited_at else None,
    )


def _starts(message: discord.Message, thread: discord.Thread) -> bool:
    """Only in a forum is the title the words of the first post's author."""
    return isinstance(thread.parent, discord.ForumChannel) and message.id == thread.id


def _parts(message: discord.Message) -> tuple[str, ...]:
    """Content, forwarded content, poll, attachment descriptions: in this order, empty ones left out."""
    parts = [message.content, *_descriptions(message.attachments)]
    for snapshot in message.message_snapshots:
        parts += [snapshot.content, *_descriptions(snapshot.attachments)]
    if message.poll is not None:
        parts += [message.poll.question or "", *(answer.text or "" for answer in message.poll.answers)]
    return tuple(part for part in parts if part)


def _descriptions(attachments: list[discord.Attachment]) -> list[str]:
    return [attachment.description for attachment in attachments if attachment.description]


def _replied_to(message: discord.Message) -> str | None:
    """The words of the post that this one answers, if Discord sent them or they are remembered."""
    if message.reference is None or message.reference.type is not discord.MessageReferenceType.default:
        return None
    answered = message.reference.resolved or message.reference.cached_message
    if not isinstance(answered, discord.Message):
        return None
    return "\n\n".join(_parts(answered))[:REPLY_LIMIT] or None
