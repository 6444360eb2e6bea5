"""Who may do what where: Discord's documented computation of permissions."""

from tests.loopback.model import PRIVATE_THREAD, Channel, Guild, Member, Thread

ADMINISTRATOR = 1 << 3
MANAGE_GUILD = 1 << 5
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_THREADS = 1 << 34
SEND_MESSAGES_IN_THREADS = 1 << 38
ALL = (1 << 53) - 1

TALK = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | USE_APPLICATION_COMMANDS | SEND_MESSAGES_IN_THREADS
REVIEW_ONLY = 274878024704
"""What the bot asks for in its invite link."""


def permissions_in(guild: Guild, member: Member, channel: Channel) -> int:
    """Threads have no overwrites of their own: their parent's count."""
    granted = guild.roles[guild.id].permissions
    for role_id in member.roles:
        granted |= guild.roles[role_id].permissions
    if member.id == guild.owner_id or granted & ADMINISTRATOR:
        return ALL
    overwrites = guild.channels[channel.parent_id if isinstance(channel, Thread) else channel.id].overwrites
    for ids in ([guild.id], member.roles, [member.id]):
        found = [overwrites[id_] for id_ in ids if id_ in overwrites]
        for overwrite in found:
            granted &= ~overwrite.deny
        for overwrite in found:
            granted |= overwrite.allow
    return granted


def sees(guild: Guild, member: Member, channel: Channel) -> bool:
    """View Channel; private threads besides only for those in them and for Manage Threads."""
    granted = permissions_in(guild, member, channel)
    if isinstance(channel, Thread) and channel.type == PRIVATE_THREAD and member.id not in channel.members:
        return granted & VIEW_CHANNEL != 0 and granted & MANAGE_THREADS != 0
    return granted & VIEW_CHANNEL != 0
