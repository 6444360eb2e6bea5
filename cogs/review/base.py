"""Base of all review buttons: who may press, acknowledging, telling of failures."""

import re
from abc import abstractmethod
from typing import Any, ClassVar, Self

import discord
from discord import ui
from typing_extensions import override

from bot.domain import Outcome, Review
from cogs.common import Interaction, NotAllowed, require_reviewer

_SAID = {
    Outcome.CONFIRMED: "the flag was right",
    Outcome.FALSE_ALARM: "false alarm",
    Outcome.REMOVED: "post removed",
    Outcome.REMOVING: "removal begun",
}


class Overtaken(NotAllowed):
    """Somebody else was faster, or the post was changed: the message says which."""


class ReviewButton(ui.DynamicItem[ui.Button[Any]], template="review"):
    """Carries a review's id, so that it outlives a restart. discord.py only logs errors of dynamic items."""

    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle]
    prefix: ClassVar[str]

    def __init__(self, review_id: int, *, suffix: str = "", label: str | None = None) -> None:
        custom_id = f"review:{self.prefix}:{review_id}{suffix}"
        super().__init__(ui.Button(label=label or self.label, style=self.style, custom_id=custom_id))
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
            await require_reviewer(interaction)
            await self.act(interaction)
        except Exception as error:  # nobody above would tell the moderator
            await interaction.client.report(interaction, error)

    @abstractmethod
    async def act(self, interaction: Interaction) -> None:
        """Do what the button says, for a user who is a reviewer."""


async def known_review(interaction: Interaction, review_id: int) -> Review:
    """The review, if it is one of this server; else raises ``NotAllowed``."""
    review = await interaction.client.services.store.reviews.get(review_id)
    if review is None or review.place.guild_id != interaction.guild_id:
        raise NotAllowed("This review is not in my records any more; you can delete this card.")
    return review


async def open_review(interaction: Interaction, review_id: int) -> Review:
    """The review, if the user may resolve it now; else raises ``NotAllowed``."""
    review = await known_review(interaction, review_id)
    if review.author_id == str(interaction.user.id):
        raise NotAllowed("This is your own post: another reviewer has to decide.")
    if review.outcome is not None:
        raise overtaken(review)
    return review


def overtaken(review: Review) -> Overtaken:
    """Why ``review`` could not be resolved, as it is now."""
    if review.outcome is None:
        return Overtaken("This review was changed at the same moment; please look at the card again.")
    return Overtaken(f"<@{review.resolved_by}> has resolved this already: {_SAID[review.outcome]}.")
