"""`/setup`: where reviews go, who reviews, what is watched, and which permissions are missing."""

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Threadwatch
from bot.cursors import time_of
from bot.domain import ServerSettings
from cogs.common import Interaction, NotAllowed, WatchableChannel, channels, fit, guild_of, require_manager

REVIEW_PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "read_message_history": "Read Message History",
}
WATCH_PERMISSIONS = {"view_channel": "View Channel", "read_message_history": "Read Message History"}
REMOVE_PERMISSIONS = {"manage_messages": "Manage Messages"}


class Setup(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        review_channel="Where flagged posts are shown; must be hidden from @everyone",
        reviewer_role="Who may resolve reviews, besides members with Manage Messages",
        watch="Start watching this channel, forum or thread",
        unwatch="Stop watching this channel, forum or thread",
        watch_bots="Read the posts of bots and webhooks too",
    )
    async def setup(
        self,
        interaction: Interaction,
        review_channel: discord.TextChannel | None = None,
        reviewer_role: discord.Role | None = None,
        watch: WatchableChannel | None = None,
        unwatch: WatchableChannel | None = None,
        watch_bots: bool | None = None,
    ) -> None:
        """Set up Threadwatch on this server; without options, show the set-up and what is missing."""
        require_manager(interaction)
        guild, servers = guild_of(interaction), self.services.store.servers
        if review_channel is not None:
            _require_hidden(guild, review_channel)
        if watch is not None and unwatch is not None and watch.id == unwatch.id:
            raise NotAllowed("You asked to watch and to unwatch the same channel. Nothing was changed.")
        if reviewer_role is not None and reviewer_role.is_default():
            raise NotAllowed("@everyone cannot review: choose a role that you give to people. Nothing was changed.")
        await interaction.response.defer(ephemeral=True)  # the database may be busy for longer than Discord waits
        watched = await servers.watched(guild.id)
        if unwatch is not None and unwatch.id not in watched:
            raise NotAllowed(f"<#{unwatch.id}> was not watched. Nothing was changed.")
        settings = await servers.get(guild.id)
        review_id = review_channel.id if review_channel else settings.review_channel_id
        if review_id in {*watched, watch.id if watch else 0} - {unwatch.id if unwatch else 0}:
            raise NotAllowed("Watching the review channel would flag your own discussions. Nothing was changed.")
        settings = replace(
            settings,
            review_channel_id=review_id,
            reviewer_role_id=reviewer_role.id if reviewer_role else settings.reviewer_role_id,
            watch_bots=settings.watch_bots if watch_bots is None else watch_bots,
        )
        await servers.save(settings)
        if watch is not None:
            await servers.watch(guild.id, [watch.id], interaction.user.id, time_of(interaction.id))
        if unwatch is not None:
            await servers.unwatch(unwatch.id)
        report = _report(guild, settings, list(await servers.watched(guild.id)))
        await interaction.followup.send(report)
        self.bot.dispatch("reviews_changed", guild.id)
        self.bot.dispatch("watch_changed", guild.id)


def _require_hidden(guild: discord.Guild, channel: discord.TextChannel) -> None:
    """Cards quote flagged posts: strangers must not read them."""
    if channel.permissions_for(guild.default_role).view_channel:
        raise NotAllowed(
            f"@everyone can read <#{channel.id}>, and reviews quote people's posts. Choose a private channel, or deny "
            "@everyone View Channel there (Edit Channel, then Permissions), then run `/setup` again. "
            "Nothing was changed."
        )


def _report(guild: discord.Guild, settings: ServerSettings, watched: list[int]) -> str:
    """The set-up in words, and each permission that is missing, with where."""
    review = f"<#{settings.review_channel_id}>" if settings.review_channel_id else "none yet: `/setup review_channel:`"
    role = f"<@&{settings.reviewer_role_id}>, and " if settings.reviewer_role_id else ""
    listed = channels(watched) or "nothing yet: `/setup watch:`"
    lines = [
        f"**Review channel:** {review}",
        f"**Reviewers:** {role}members with Manage Messages; where I may delete posts, they can do so through me",
        f"**Watched:** {listed}",
        f"**Posts of bots and webhooks:** {'watched' if settings.watch_bots else 'ignored'}",
        "",
    ]
    missing = _missing(guild, settings, watched)
    optional = [
        line
        for channel_id in watched
        for line in _missing_in(guild, channel_id, REMOVE_PERMISSIONS, "*Remove post* is not offered there")
    ]
    if missing:
        lines += ["**Missing:**", *missing]
        lines.append("To mend: Edit Channel, Permissions, add Threadwatch, switch these on; then run `/setup` again.")
    if not settings.review_channel_id or not watched:
        lines.append("⚠️ Not ready yet: choose a review channel, and something to watch.")
    elif not missing:
        lines.append("✅ Ready: new posts are read from now on. No permission is missing.")
    if optional:
        lines += ["", "**Optional:**", *optional]
    return fit(lines)


def _missing(guild: discord.Guild, settings: ServerSettings, watched: list[int]) -> list[str]:
    lines: list[str] = []
    if settings.review_channel_id:
        lines += _missing_in(guild, settings.review_channel_id, REVIEW_PERMISSIONS, "cards cannot be posted")
        lines += _unsuited(guild, settings)
    for channel_id in watched:
        lines += _missing_in(guild, channel_id, WATCH_PERMISSIONS, "posts there cannot be read")
    return lines


def _unsuited(guild: discord.Guild, settings: ServerSettings) -> list[str]:
    """A review channel that the wrong people see, or that the right ones do not."""
    channel = guild.get_channel(settings.review_channel_id or 0)
    role = guild.get_role(settings.reviewer_role_id or 0)
    lines: list[str] = []
    if channel and channel.permissions_for(guild.default_role).view_channel:
        lines.append(f"- @everyone can read <#{channel.id}>, where posts are quoted: deny @everyone View Channel there")
    if channel and role and not channel.permissions_for(role).view_channel:
        lines.append(f"- <@&{role.id}> cannot see <#{channel.id}>: give the role View Channel there")
    return lines


def _missing_in(guild: discord.Guild, channel_id: int, wanted: dict[str, str], without: str) -> list[str]:
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return [f"- <#{channel_id}> is deleted or hidden from me: {without}"] if "view_channel" in wanted else []
    mine = channel.permissions_for(guild.me)
    names = [name for flag, name in wanted.items() if not getattr(mine, flag)]
    return [f"- {', '.join(names)} in <#{channel_id}>: {without}"] if names else []


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(Setup(bot))
