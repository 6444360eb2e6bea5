"""`/status`: is the bot doing its work?"""

import discord
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.client import Threadwatch
from bot.domain import Place, Unchecked, jump_url
from bot.health import CatchUp
from cogs.common import Interaction, channels, fit, guild_of, plain, require_reviewer

SHOWN = 5
ANY = 1_000_000
"""More often than anything fails."""


class Status(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.guild_only()
    async def status(self, interaction: Interaction) -> None:
        """Is all well? What is watched, what waits for you, what could not be done."""
        settings = await require_reviewer(interaction)
        services, guild = self.bot.services, guild_of(interaction)
        store, health = services.store, services.health
        watched, report = list(await store.servers.watched(guild.id)), health.catch_ups.get(guild.id)
        decided, flagged, failed = await store.decisions.count(guild.id)
        warnings = [
            *([] if watched else ["⚠️ No channel is watched: `/setup watch:`"]),
            *_review_channel_warning(guild, settings.review_channel_id),
            *_not_scored(await store.history.failed(guild.id, attempts=ANY), failed),
            *_not_read(report, await store.history.unchecked(guild.id, SHOWN)),
        ]
        waiting = await store.reviews.count_waiting(guild.id)
        latency = health.median_latency_ms
        speed = "no post yet" if latency is None else f"{latency:.0f} ms from post to decision (median)"
        lines = [
            _headline(len(warnings)),
            *warnings,
            f"**Watched:** {channels(watched) or 'nothing'}",
            f"**To decide:** {await store.reviews.count_open(guild.id)} flagged posts, {waiting} wait for a card",
            f"**Posts:** {decided} scored, {flagged} flagged, {failed} could not be scored",
            f"**Caught up:** {_caught_up(report)}",
            f"**Last problem:** {_last_error(health.last_error)}",
            f"-# Threadwatch {__version__}, model {services.model.version} · started "
            f"<t:{health.started_at // 1000}:R> · queue: {len(services.intake)} posts · {speed}"
            + _shard(self.bot, guild.id),
        ]
        await interaction.response.send_message(fit(lines), ephemeral=True)


def _shard(bot: Threadwatch, guild_id: int) -> str:
    """The connection that brings this server's posts; nothing where there is only one."""
    if bot.shard_count in (None, 1):
        return ""
    shard_id = bot.shard_of(guild_id)
    lost, began = bot.lost_at(shard_id), bot.session_began(shard_id)
    state = (
        f"connection lost <t:{lost // 1000}:R>"
        if lost is not None
        else f"its session began <t:{(began or 0) // 1000}:R>"
    )
    return f" · shard ID {shard_id} of {bot.shard_count} shards, {state}"


def _headline(warnings: int) -> str:
    if not warnings:
        return "✅ **All is well.**"
    return f"⚠️ **{warnings} {'thing needs' if warnings == 1 else 'things need'} a look:**"


def _last_error(error: tuple[int, str] | None) -> str:
    """It may be over: what still is in the way stands among the warnings."""
    return "none since the start" if error is None else f"<t:{error[0] // 1000}:R> {plain(error[1])[:600]}"


def _not_scored(failed: list[tuple[Place, int]], count: int) -> list[str]:
    if not count:
        return []
    links = " ".join(jump_url(place, message_id) for place, message_id in failed[:SHOWN])
    posts = "1 post" if count == 1 else f"{count} posts"
    return [f"⚠️ {posts} could not be scored; I try again every hour, three times in all. Please look: {links}"]


def _not_read(report: CatchUp | None, unchecked: list[Unchecked]) -> list[str]:
    lines: list[str] = []
    unreadable: dict[str, list[int]] = {}
    for channel_id, reason in report.unreadable if report else []:
        unreadable.setdefault(reason, []).append(channel_id)
    lines += [f"⚠️ Could not check {channels(ids, 10)}: {reason}" for reason, ids in unreadable.items()]
    if report and report.failures:
        lines.append("⚠️ Not all that I missed could be read; I try again every minute.")
    return lines + [
        f"⚠️ Not read: <#{gap.channel_id}>, <t:{gap.since // 1000}:f> to <t:{gap.until // 1000}:f>: {gap.reason}"
        for gap in unchecked
    ]


def _caught_up(report: CatchUp | None) -> str:
    """What was missed and has been read."""
    if report is None:
        return "not yet"
    when = f"<t:{report.finished_at // 1000}:R>" if report.finished_at else f"begun <t:{report.started_at // 1000}:R>"
    return (
        f"{when}, {report.messages} messages looked at in {report.channels} channels and threads: {report.posts} new "
        f"or edited, {report.flagged} of them flagged; {report.deleted} found deleted"
    )


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
