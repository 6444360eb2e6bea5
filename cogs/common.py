"""What several cogs need: who may do what, and user text that is safe to show."""

import re
from typing import Any

import discord
from discord import app_commands

from bot.client import Threadwatch
from bot.domain import ServerSettings
from models.labels import ScoreKey, parse_score_key

Interaction = discord.Interaction[Threadwatch]
WatchableChannel = discord.TextChannel | discord.ForumChannel | discord.Thread

_SPECIAL = re.compile(r"([\\*_~`|<>\[\]()#@:\-])")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
MESSAGE_LIMIT = 2000


class NotAllowed(app_commands.CheckFailure):
    """The user may not do this; the message says who may."""


def plain(text: str) -> str:
    """User text that Discord shows as it is: no markup, mentions, links or invisible control characters."""
    return _SPECIAL.sub(r"\\\1", _INVISIBLE.sub("", text))


def fit(lines: list[str]) -> str:
    """``lines`` as one message, the last of them left out, and said to be, if Discord would not take it."""
    kept, room = list[str](), MESSAGE_LIMIT - 40
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, f"… and {len(lines) - len(kept)} more lines."])
        kept.append(line)
    return "\n".join(kept)


def channels(ids: list[int], limit: int = 30) -> str:
    """Mentions of channels, the rest counted."""
    more = f" and {len(ids) - limit} more" if len(ids) > limit else ""
    return ", ".join(f"<#{id_}>" for id_ in ids[:limit]) + more


def guild_of(interaction: discord.Interaction[Any]) -> discord.Guild:
    """The server of an interaction; our commands and buttons exist in servers only."""
    if interaction.guild is None:
        raise NotAllowed("This works inside a server only.")
    return interaction.guild


def is_reviewer(interaction: discord.Interaction[Any], settings: ServerSettings) -> bool:
    """Reviewers hold the role chosen in `/setup`, or Manage Messages."""
    roles = interaction.user.roles if isinstance(interaction.user, discord.Member) else []
    return interaction.permissions.manage_messages or any(role.id == settings.reviewer_role_id for role in roles)


async def require_reviewer(interaction: Interaction) -> ServerSettings:
    """Checked on our side, whatever the server's command permissions say. Raises ``NotAllowed``."""
    settings = await interaction.client.services.store.servers.get(guild_of(interaction).id)
    if not is_reviewer(interaction, settings):
        raise NotAllowed(
            "This is for reviewers: members with the reviewer role (see `/setup`) or with Manage Messages."
        )
    return settings


def require_manager(interaction: Interaction) -> None:
    """Raises ``NotAllowed`` unless the user may manage the server."""
    guild_of(interaction)
    if not interaction.permissions.manage_guild:
        raise NotAllowed("Changing this needs the Manage Server permission.")


def parent_id(channel: WatchableChannel) -> int:
    """Threads inherit from the channel or forum they are in."""
    return channel.parent_id if isinstance(channel, discord.Thread) else channel.id


def score_key(name: str, known: list[ScoreKey]) -> ScoreKey:
    """The axis or label a user named; raises ``NotAllowed`` that lists those that can be chosen."""
    try:
        key = parse_score_key(name)
    except ValueError:
        key = None
    if key is None or key not in known:
        raise NotAllowed(f"There is no axis or label “{plain(name[:60])}”. Choose one of: {', '.join(known)}.")
    return key
