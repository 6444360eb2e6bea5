"""`/status`: is the bot doing its work?"""

import discord
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.client import Threadwatch
from bot.health import CatchUp
from cogs.common import Interaction, channels, fit, guild_of, plain, require_reviewer


class Status(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.guild_only()
    async def status(self, interaction: Interaction) -> None:
        """Show version, model, queue, posts scored, last error and latency."""
        settings = await require_reviewer(interaction)
        services, guild = self.bot.services, guild_of(interaction)
        store, health = services.store, services.health
        decided, flagged, failed = await store.decisions.count(guild.id)
        waiting = await store.reviews.count_waiting(guild.id)
        latency = health.median_latency_ms
        lines = [
            f"**Threadwatch {__version__}**, model {services.model.version}",
            f"**Started:** <t:{health.started_at // 1000}:R>",
            f"**Queue:** {len(services.intake)} posts",
            f"**Posts on this server:** {decided} scored, {flagged} flagged, {failed} could not be scored",
            f"**Reviews:** {await store.reviews.count_open(guild.id)} open, {waiting} waiting for a card",
            f"**Latency:** {'no post yet' if latency is None else f'{latency:.0f} ms from post to decision (median)'}",
            f"**Last error:** {_last_error(health.last_error)}",
        ]
        if not await store.servers.watched(guild.id):
            lines.append("⚠️ No channel is watched: `/setup watch:`")
        lines += _catch_up(health.catch_ups.get(guild.id))
        lines += [
            f"⚠️ Not read: <#{gap.channel_id}>, <t:{gap.since // 1000}:f> to <t:{gap.until // 1000}:f>: {gap.reason}"
            for gap in await store.history.unchecked(guild.id, 5)
        ]
        lines += _review_channel_warning(guild, settings.review_channel_id)
        await interaction.response.send_message(fit(lines), ephemeral=True)


def _last_error(error: tuple[int, str] | None) -> str:
    return "none since the start" if error is None else f"<t:{error[0] // 1000}:R> {plain(error[1])[:600]}"


def _catch_up(report: CatchUp | None) -> list[str]:
    if report is None:
        return ["**Caught up:** not yet"]
    when = f"<t:{report.finished_at // 1000}:R>" if report.finished_at else f"begun <t:{report.started_at // 1000}:R>"
    lines = [
        f"**Caught up:** {when}: {report.messages} messages read in {report.channels} channels and threads, "
        f"{report.posts} posts decided, {report.flagged} flagged, {report.deleted} found deleted"
    ]
    if report.failures:
        lines.append(f"⚠️ {report.failures} failures while catching up; I try again every minute.")
    unreadable: dict[str, list[int]] = {}
    for channel_id, reason in report.unreadable:
        unreadable.setdefault(reason, []).append(channel_id)
    lines += [f"⚠️ Could not check {channels(ids, 10)}: {reason}" for reason, ids in unreadable.items()]
    return lines


def _review_channel_warning(guild: discord.Guild, channel_id: int | None) -> list[str]:
    if channel_id is None:
        return ["⚠️ No review channel is chosen: flagged posts wait. `/setup review_channel:`"]
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return ["⚠️ The review channel is deleted or hidden from me: flagged posts wait. `/setup review_channel:`"]
    if not channel.permissions_for(guild.me).send_messages:
        return [f"⚠️ I may not write in <#{channel_id}>: flagged posts wait. Give me Send Messages there."]
    if channel.permissions_for(guild.default_role).view_channel:
        return [
            f"⚠️ @everyone can read <#{channel_id}>, where flagged posts are quoted. Deny @everyone View Channel there."
        ]
    return []


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(Status(bot))
