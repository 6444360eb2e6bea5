"""`/backfill`: read back what was written before, as a rehearsal or for good."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Threadwatch
from bot.cursors import snowflake
from bot.domain import Decision, Post, jump_url
from bot.errors import ScoringFailed
from bot.wording import NAMES
from cogs.catchup.reader import DAY_MS, pages
from cogs.catchup.targets import Readable, Target, readable, targets
from cogs.common import Interaction, NotAllowed, WatchableChannel, fit, guild_of, require_manager
from cogs.posts import is_wanted, to_post
from models.labels import ScoreKey

SHOWN = 10
GROUP = 8


@dataclass(slots=True)
class Tally:
    """What reading back found. ``clearest``: (how far over its threshold, what, link)."""

    read: int = 0
    flagged: int = 0
    failed: int = 0
    unreadable: int = 0
    by_key: Counter[ScoreKey] = field(default_factory=Counter[ScoreKey])
    clearest: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])

    def add(self, decision: Decision) -> None:
        self.read += 1
        if decision.verdict.flagged:
            key = decision.verdict.flags[0]
            self.flagged += 1
            self.by_key[key] += 1
            over = decision.scores[key] - decision.thresholds[key]
            found = (over, NAMES[decision.verdict.strongest_label or key], _link(decision.post))
            self.clearest = sorted([*self.clearest, found], reverse=True)[:SHOWN]


class Backfill(commands.Cog):
    def __init__(self, bot: Threadwatch) -> None:
        self.bot = bot
        self.services = bot.services
        self._busy: set[int] = set()

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        channel="Channel, forum or thread to read",
        days="How many days back",
        dry_run="Only say what would have been flagged (default); otherwise the flagged posts get review cards",
    )
    async def backfill(
        self,
        interaction: Interaction,
        channel: WatchableChannel,
        days: app_commands.Range[int, 1, 365],
        dry_run: bool = True,
    ) -> None:
        """Read older posts: what would have been flagged?"""
        require_manager(interaction)
        guild = guild_of(interaction)
        if guild.id in self._busy:
            raise NotAllowed("I am reading back on this server already; please wait until that is done.")
        self._busy.add(guild.id)
        try:
            await interaction.response.defer(ephemeral=True)
            found = guild.get_channel_or_thread(channel.id) or await guild.fetch_channel(channel.id)
            if not readable(found):
                raise NotAllowed(
                    f"I may not read <#{channel.id}>: give me View Channel and Read Message History there."
                )
            tally = await self._read(guild, found.id, days, dry_run)
        finally:
            self._busy.discard(guild.id)
        if not dry_run:
            self.bot.dispatch("reviews_changed", guild.id)
        await self._tell(interaction, _said(tally, found.id, days, dry_run))

    async def _read(self, guild: discord.Guild, channel_id: int, days: int, dry_run: bool) -> Tally:
        begin = self.services.clock() - days * DAY_MS
        since = snowflake(begin)
        tally = Tally()
        async for target in targets(guild, {channel_id: begin}):
            if not isinstance(target, Target):
                tally.unreadable += 1
                continue
            async for posts in self._posts(target.channel, since):
                await (self._rehearse(posts, tally) if dry_run else self._decide(posts, tally))
        return tally

    async def _posts(self, channel: Readable, since: int) -> AsyncIterator[list[Post]]:
        settings = await self.services.store.servers.get(channel.guild.id)
        async for page in pages(channel, since):
            yield [to_post(message, channel) for message in page if is_wanted(message, settings)]

    async def _rehearse(self, posts: list[Post], tally: Tally) -> None:
        """In small groups: live posts wait for one of them at most."""
        for start in range(0, len(posts), GROUP):
            group = posts[start : start + GROUP]
            try:
                await self._judge(group, tally)
            except ScoringFailed:  # one post spoils the group: find it
                for post in group:
                    await self._judge_alone(post, tally)

    async def _judge_alone(self, post: Post, tally: Tally) -> None:
        try:
            await self._judge([post], tally)
        except ScoringFailed:
            tally.failed += 1

    async def _judge(self, posts: list[Post], tally: Tally) -> None:
        for decision in await self.services.pipeline.judge(posts):
            tally.add(decision)

    async def _decide(self, posts: list[Post], tally: Tally) -> None:
        waiting = [await self.services.intake.put_behind(post) for post in posts]
        for future in waiting:
            try:
                tally.add((await future).decision)
            except ScoringFailed:
                tally.failed += 1

    async def _tell(self, interaction: Interaction, text: str) -> None:
        """Discord takes an answer to a command for fifteen minutes; after that the review channel has to do."""
        try:
            await interaction.followup.send(text, ephemeral=True)
        except discord.HTTPException:
            settings = await self.services.store.servers.get(guild_of(interaction).id)
            if settings.review_channel_id is None:
                raise
            await self.bot.get_partial_messageable(settings.review_channel_id).send(text)


def _said(tally: Tally, channel_id: int, days: int, dry_run: bool) -> str:
    share = f" ({tally.flagged / tally.read:.1%})" if tally.read else ""
    would = "would have been flagged" if dry_run else "are flagged"
    last = "the last day" if days == 1 else f"the last {days} days"
    lines = [f"**<#{channel_id}>, {last}:** {tally.read} posts read, {tally.flagged} {would}{share}."]
    lines += [f"- {NAMES[key]}: {count}" for key, count in tally.by_key.most_common()]
    if tally.clearest:
        lines += ["The clearest:", *(f"- {what}: {link}" for _, what, link in tally.clearest)]
    if tally.failed:
        lines.append(f"⚠️ {tally.failed} of them could not be scored.")
    if tally.unreadable:
        lines.append("⚠️ Not all of it could be read: some of it is hidden from me.")
    if tally.flagged and not dry_run:
        lines.append("-# Each has a review card now, unless somebody has judged it before.")
    if dry_run:
        lines.append("-# This was only a test: nothing was saved. With `dry_run:False` these posts get review cards.")
    return fit(lines)


def _link(post: Post) -> str:
    assert post.place is not None, "only posts on Discord are read back"
    return jump_url(post.place, post.external_id)
