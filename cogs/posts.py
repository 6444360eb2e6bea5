"""From a Discord message to the post that the pipeline reads."""

import discord

from bot.domain import Place, Post, Source

REPLY_LIMIT = 1000


def to_post(message: discord.Message, place: Place, thread: discord.Thread | None) -> Post:
    """All the author's text in ``message``, and the context it stands in."""
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
        place=place,
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
