"""How things look on the wire: the shapes of Discord's documentation, as far as the bot and discord.py read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.loopback.model import DEFAULT, REPLY, Channel, Guild, Member, Message, Overwrite, Role, Thread
from tests.loopback.permissions import VIEW_CHANNEL, permissions_in

JSON = dict[str, Any]
DISCORD_EPOCH_MS = 1_420_070_400_000
OBFUSCATED = 1 << 17
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(snowflake: int) -> int:
    """The Unix millisecond in which an id was made."""
    return (snowflake >> 22) + DISCORD_EPOCH_MS


def shard_of(guild_id: int, shards: int) -> int:
    return (guild_id >> 22) % shards


def iso(at: int) -> str:
    """``at`` is in Unix milliseconds."""
    return iso_us(at * 1000)


def iso_us(at: int) -> str:
    """Discord's timestamps have microseconds, and so has ``at``."""
    return (UNIX_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")


def user(member: Member) -> JSON:
    return {
        "id": str(member.id),
        "username": member.name,
        "global_name": None,
        "discriminator": "0",
        "avatar": None,
        "bot": member.bot,
    }


def bot_user(id_: int) -> JSON:
    """Who the bot is told that it is."""
    return {**user(Member(id_, 0, "Threadwatch", bot=True)), "verified": True, "mfa_enabled": False, "flags": 0}


def member_without_user(member: Member) -> JSON:
    return {
        "nick": member.nick,
        "avatar": None,
        "roles": [str(id_) for id_ in member.roles],
        "joined_at": iso(member.joined_at),
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def member_with_user(member: Member) -> JSON:
    return {**member_without_user(member), "user": user(member)}


def role(given: Role) -> JSON:
    return {
        "id": str(given.id),
        "name": given.name,
        "permissions": str(given.permissions),
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def _overwrite(id_: int, overwrite: Overwrite) -> JSON:
    return {
        "id": str(id_),
        "type": int(overwrite.is_member),
        "allow": str(overwrite.allow),
        "deny": str(overwrite.deny),
    }


def channel(given: Channel) -> JSON:
    if isinstance(given, Thread):
        return _thread(given)
    return {
        **_any_channel(given),
        "position": 0,
        "nsfw": False,
        "topic": None,
        "parent_id": None,
        "permission_overwrites": [_overwrite(id_, each) for id_, each in given.overwrites.items()],
        "available_tags": [],
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
    }


def where(given: Channel) -> JSON:
    return {"channel_id": str(given.id), "guild_id": str(given.guild_id)}


def hidden_channel(given: Channel) -> JSON:
    """A channel that the bot may not view: it is told that there is one, and little else."""
    everyone = {"id": str(given.guild_id), "type": 0, "allow": "0", "deny": str(VIEW_CHANNEL)}
    obscured = {"name": "___hidden___", "last_message_id": None, "flags": OBFUSCATED}
    return {**channel(given), **obscured, "permission_overwrites": [everyone]}


def _any_channel(given: Channel) -> JSON:
    return {
        "id": str(given.id),
        "guild_id": str(given.guild_id),
        "type": given.type,
        "name": given.name,
        "last_message_id": str(given.history.last_id) if given.history.last_id else None,
        "rate_limit_per_user": 0,
        "flags": 0,
    }


def _thread(given: Thread) -> JSON:
    return {
        **_any_channel(given),
        "parent_id": str(given.parent_id),
        "owner_id": str(given.owner_id),
        "message_count": len(given.history),
        "member_count": len(given.members),
        "total_message_sent": len(given.history),
        "applied_tags": [],
        "thread_metadata": {
            "archived": given.archived,
            "auto_archive_duration": 4320,
            "archive_timestamp": iso_us(given.changed_at),
            "create_timestamp": iso(time_of(given.id)),
            "locked": False,
        },
    }


def guild(given: Guild, me: Member, channels: list[JSON], threads: list[Thread]) -> JSON:
    """GUILD_CREATE, as ``me`` gets it."""
    return {
        "id": str(given.id),
        "name": given.name,
        "owner_id": str(given.owner_id),
        "unavailable": False,
        "large": False,
        "member_count": len(given.members),
        "joined_at": iso(me.joined_at),
        "preferred_locale": "en-US",
        "features": [],
        "emojis": [],
        "stickers": [],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "roles": [role(each) for each in given.roles.values()],
        "members": [member_with_user(me)],
        "channels": channels,
        "threads": [channel(each) for each in threads],
    }


def message(given: Message, replied_to: Message | None = None) -> JSON:
    """As REST answers; ``replied_to`` is the message that this one answers, if it still exists."""
    sent: JSON = {
        "id": str(given.id),
        "channel_id": str(given.channel_id),
        "author": user(given.author),
        "content": given.text,
        "timestamp": iso(time_of(given.id)),
        "edited_timestamp": iso(given.edited_at) if given.edited_at else None,
        "type": REPLY if given.reply_to else DEFAULT,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
        **given.extra,
    }
    if given.nonce is not None:
        sent["nonce"] = given.nonce
    if given.reply_to:
        sent["message_reference"] = {
            "type": 0,
            "message_id": str(given.reply_to),
            "channel_id": str(given.channel_id),
            "guild_id": str(given.author.guild_id),
        }
        sent["referenced_message"] = message(replied_to) if replied_to else None
    return sent


def message_event(given: Message, replied_to: Message | None = None) -> JSON:
    """As the gateway sends it: with the server, and who the author is there."""
    return {
        **message(given, replied_to),
        "guild_id": str(given.author.guild_id),
        "member": member_without_user(given.author),
    }


def interaction_member(guild: Guild, member: Member, channel: Channel) -> JSON:
    return {**member_with_user(member), "permissions": str(permissions_in(guild, member, channel))}
