"""The buttons of a card. Each carries the review's id and nothing else, so it outlives a restart."""

import re
from abc import abstractmethod
from typing import Any, ClassVar, Self

import aiohttp
import discord
from discord import ui
from typing_extensions import override

from bot.client import Threadwatch
from bot.domain import Outcome, Review
from bot.patience import patiently
from bot.wording import shorten
from cogs.common import Interaction, NotAllowed, plain, require_reviewer

_SAID = {
    Outcome.CONFIRMED: "the flag was right",
    Outcome.FALSE_ALARM: "false alarm",
    Outcome.REMOVED: "post removed",
    Outcome.REMOVING: "removal begun",
}


class ReviewButton(ui.DynamicItem[ui.Button[Any]], template="review"):
    """Base of all review buttons: checks, acknowledges, tells the user of failures (discord.py only logs them)."""

    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle]
    prefix: ClassVar[str]

    def __init__(self, review_id: int) -> None:
        super().__init__(ui.Button(label=self.label, style=self.style, custom_id=f"review:{self.prefix}:{review_id}"))
        self.review_id = review_id

    @override
    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["id"]))

    @override
    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            review = await self._open_review(interaction)
            await self.press(interaction, review)
        except Exception as error:  # nobody above would tell the moderator
            await interaction.client.report(interaction, error)

    @abstractmethod
    async def press(self, interaction: Interaction, review: Review) -> None:
        """Do what the button says; ``review`` was open a moment ago and the user may resolve it."""

    async def _open_review(self, interaction: Interaction) -> Review:
        await require_reviewer(interaction)
        review = await interaction.client.services.store.reviews.get(self.review_id)
        if review is None or review.place.guild_id != interaction.guild_id:
            raise NotAllowed("This review is not in my records any more; you can delete this card.")
        if review.author_id == str(interaction.user.id):
            raise NotAllowed("This is your own post: another reviewer has to decide.")
        if review.outcome is not None:
            raise _lost(review)
        return review


class ConfirmButton(ReviewButton, template=r"review:confirm:(?P<id>\d+)"):
    label = "Flag was right"
    style = discord.ButtonStyle.primary
    prefix = "confirm"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await interaction.response.defer()
        await _resolve(interaction, review, Outcome.CONFIRMED)
        _changed(interaction, review)


class FalseAlarmButton(ReviewButton, template=r"review:false_alarm:(?P<id>\d+)"):
    label = "False alarm"
    style = discord.ButtonStyle.secondary
    prefix = "false_alarm"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await interaction.response.defer()
        await _resolve(interaction, review, Outcome.FALSE_ALARM)
        _changed(interaction, review)


class RemoveButton(ReviewButton, template=r"review:remove:(?P<id>\d+)"):
    label = "Remove post"
    style = discord.ButtonStyle.danger
    prefix = "remove"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        what = f"Delete the post of <@{review.author_id}> for everybody? This cannot be undone."
        if review.evidence:
            what += f"\n> {plain(shorten(review.evidence.text, 200))}"
        if review.edited:
            what += "\n⚠️ It was edited since: the text that you delete is a newer one. Look at the post first."
        if review.is_starter:
            what += "\nIt is the first post of its thread: the thread, its title and all replies stay."
        what += "\n-# To keep it, dismiss this message."
        view = ui.View(timeout=None)
        view.add_item(ReallyRemoveButton(review.id))
        await interaction.response.send_message(what, view=view, ephemeral=True)


class ReallyRemoveButton(ReviewButton, template=r"review:really_remove:(?P<id>\d+)"):
    label = "Yes, remove the post"
    style = discord.ButtonStyle.danger
    prefix = "really_remove"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await interaction.response.defer()
        await _resolve(interaction, review, Outcome.REMOVING)
        try:
            said = await _remove(interaction.client, review, interaction.user)
        finally:  # the card tells, even if nobody can be told here
            _changed(interaction, review)
        await interaction.edit_original_response(content=said, view=None)


BUTTONS = (ConfirmButton, FalseAlarmButton, RemoveButton, ReallyRemoveButton)


async def _resolve(interaction: Interaction, review: Review, outcome: Outcome) -> None:
    """Win the review, or raise ``NotAllowed`` that says who did."""
    reviews = interaction.client.services.store.reviews
    if not await reviews.resolve(review.id, outcome, interaction.user.id):
        raise _lost(await reviews.get(review.id) or review)


def _lost(review: Review) -> NotAllowed:
    if review.outcome is None:
        return NotAllowed("This review was changed at the same moment; please look at the card again.")
    return NotAllowed(f"<@{review.resolved_by}> has resolved this already: {_SAID[review.outcome]}.")


def _changed(interaction: Interaction, review: Review) -> None:
    """Ask for the card to be drawn anew; its publisher alone does that."""
    interaction.client.dispatch("reviews_changed", review.place.guild_id)


async def _remove(bot: Threadwatch, review: Review, moderator: discord.abc.User) -> str:
    """Delete the post of a review that was won as REMOVING; returns what the moderator is told."""
    reviews, health = bot.services.store.reviews, bot.services.health
    reason = f"Threadwatch review {review.id}: removed by {moderator.id}"
    try:
        await bot.http.delete_message(review.place.message_channel_id, int(review.post_id), reason=reason)
    except discord.NotFound:
        await patiently(health, lambda: reviews.finish_removal(review.id))
        return "The post was gone already."
    except discord.Forbidden:
        await patiently(health, lambda: reviews.reopen(review.id, "forbidden"))
        return (
            "I may not delete this post: I am missing Manage Messages there (`/setup` lists it). "
            "The review is open again; you can delete the post yourself with *Go to post*."
        )
    except (aiohttp.ClientError, OSError) as error:
        health.note_error(f"removing the post of review {review.id}: Discord cannot be reached", error)
        return await _look_again(bot, review)
    except discord.HTTPException as error:
        if error.status < 500 and error.status != 429:  # refused for certain: an archived thread, for one
            reason = f"refused: {error.code}"
            await patiently(health, lambda: reviews.reopen(review.id, reason))
            return f"Discord refused to delete this post: {plain(error.text)} The review is open again."
        health.note_error(f"removing the post of review {review.id} failed: HTTP {error.status}", error)
        return await _look_again(bot, review)
    await patiently(health, lambda: reviews.finish_removal(review.id))
    return "Removed."


async def _look_again(bot: Threadwatch, review: Review) -> str:
    """Discord failed while deleting: is the post still there? If nobody can say, the review says so."""
    reviews, health = bot.services.store.reviews, bot.services.health
    channel = bot.get_partial_messageable(review.place.message_channel_id)
    try:
        await channel.fetch_message(int(review.post_id))
    except discord.NotFound:
        await patiently(health, lambda: reviews.finish_removal(review.id))
        return "Removed."
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return "Discord did not say whether the post was removed. The card says so too; please look at the post."
    await patiently(health, lambda: reviews.reopen(review.id, "failed"))
    return "Discord failed and the post still stands. The review is open again; please try again in a minute."
