"""`/threshold`: from which score on a post is flagged, for the server or one channel."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Threadwatch
from bot.domain import Origin
from bot.policy import can_flag, resolve_thresholds
from bot.wording import NAMES
from cogs.common import (
    Interaction,
    WatchableChannel,
    channels,
    fit,
    guild_of,
    parent_id,
    require_manager,
    require_reviewer,
    score_key,
)
from models.labels import Axis, ScoreKey

HISTORY = 15


@app_commands.guild_only()
class Thresholds(commands.GroupCog, group_name="threshold", group_description="When is a post flagged?"):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services

    @app_commands.command()
    @app_commands.describe(channel="A channel, forum or thread; leave empty for the whole server")
    async def show(self, interaction: Interaction, channel: WatchableChannel | None = None) -> None:
        """Show the thresholds in force and where each comes from."""
        await require_reviewer(interaction)
        await interaction.response.send_message(await self._shown(guild_of(interaction), channel), ephemeral=True)

    @app_commands.command()
    @app_commands.describe(
        key="Axis or label",
        value="0 to 1: higher means fewer flags",
        channel="One channel or forum (its threads inherit); leave empty for the whole server",
    )
    async def set(
        self,
        interaction: Interaction,
        key: str,
        value: app_commands.Range[float, 0.0, 1.0],
        channel: WatchableChannel | None = None,
    ) -> None:
        """Change a threshold; it holds from the next post on."""
        await self._change(interaction, key, value, channel)

    @app_commands.command()
    @app_commands.describe(key="Axis or label", channel="One channel or forum; leave empty for the whole server")
    async def reset(self, interaction: Interaction, key: str, channel: WatchableChannel | None = None) -> None:
        """Forget a threshold that was set, and inherit it again."""
        await self._change(interaction, key, None, channel)

    @app_commands.command()
    async def history(self, interaction: Interaction) -> None:
        """Show who changed which threshold, and when."""
        await require_reviewer(interaction)
        changes = await self.services.store.thresholds.history(guild_of(interaction).id, HISTORY)
        lines = [
            f"<t:{change.changed_at // 1000}:f> <@{change.changed_by}>: {NAMES[change.key]} "
            f"{_where(change.channel_id)}: {_number(change.old)} → {_number(change.new)}"
            for change in changes
        ]
        text = "\n".join(lines) or "No threshold has been changed yet."
        await interaction.response.send_message(text, ephemeral=True)

    @set.autocomplete("key")
    @reset.autocomplete("key")
    async def _keys(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        typed = current.lower()
        return [
            app_commands.Choice(name=NAMES[key], value=key.value)
            for key in self._flagging_keys()
            if typed in key.value or typed in NAMES[key].lower()
        ]

    def _flagging_keys(self) -> list[ScoreKey]:
        model = self.services.model
        return [key for key in NAMES if can_flag(key, model)]

    async def _change(
        self, interaction: Interaction, name: str, value: float | None, channel: WatchableChannel | None
    ) -> None:
        require_manager(interaction)
        key = score_key(name, self._flagging_keys())
        guild = guild_of(interaction)
        channel_id = parent_id(channel) if channel else None
        await interaction.response.defer(ephemeral=True)  # the database may be busy for longer than Discord waits
        old = await self.services.store.thresholds.set(guild.id, channel_id, key, value, interaction.user.id)
        said = f"{NAMES[key]} {_where(channel_id)}: {_number(old)} → **{_number(value)}**, from the next post on."
        if value == 0:
            said += f"\n⚠️ At 0 every post is flagged. To undo: `/threshold reset key:{key}`"
        await interaction.followup.send(fit([said, "", *(await self._shown(guild, channel)).splitlines()]))

    async def _shown(self, guild: discord.Guild, channel: WatchableChannel | None) -> str:
        table, model = self.services.store.thresholds, self.services.model
        server = await table.of(guild.id, None)
        own = await table.of(guild.id, parent_id(channel)) if channel else {}
        in_force = resolve_thresholds(model, server, own)
        origins = {
            Origin.CHANNEL: f"set for <#{parent_id(channel)}>" if channel else "",
            Origin.SERVER: "set for the whole server" if channel is None else "inherited from the whole server",
            Origin.DEFAULT: "the model's default",
        }
        where = f"in <#{channel.id}>" if channel else "on the whole server"
        lines = [f"**Thresholds {where}**"]
        if isinstance(channel, discord.Thread):
            lines.append(f"A thread has none of its own; it inherits from <#{channel.parent_id}>.")
        lines.append(
            "A post is flagged as soon as **any one** of its scores reaches the threshold. Higher = fewer flags. "
            "A score runs from 0 to 1 and is a suspicion, not a proof."
        )
        for key in self._flagging_keys():
            threshold = in_force[key]
            name = f"**{NAMES[key]}**" if isinstance(key, Axis) else f"-# {NAMES[key]}"
            lines.append(f"{name}: {threshold.value:.3g}, {origins[threshold.origin]}")
        others = [id_ for id_ in await table.channels(guild.id) if channel is None]
        if others:
            lines.append("Channels with thresholds of their own: " + channels(others))
        return fit(lines)


def _where(channel_id: int | None) -> str:
    return "on the whole server" if channel_id is None else f"in <#{channel_id}>"


def _number(value: float | None) -> str:
    return "inherited" if value is None else f"{value:.3g}"


async def setup(bot: Threadwatch) -> None:
    await bot.add_cog(Thresholds(bot))
