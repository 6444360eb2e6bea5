"""Base of all review buttons: who may press, acknowledging, telling of failures."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import discord
from discord import ui
from typing_extensions import override

from bot.domain import DISCORD_EPOCH_MS, Outcome, Review
from cogs.common import Interaction, NotAllowed, require_reviewer

_SAID = {
    Outcome.CONFIRMED: "the flag was right",
    Outcome.FALSE_ALARM: "false alarm",
    Outcome.REMOVED: "post removed",
    Outcome.REMOVING: "removal begun",
}


SEEN = r"(?P<id>\d+)(?::(?P<decision>\d+):(?P<post>\d+))?"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a private message showed of a review."""

    decision_id: int
    post_id: str

    @classmethod
    def of(cls, review: Review) -> Self:
        return cls(review.decision_id, review.post_id)


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


def require_its_card(interaction: Interaction, review: Review) -> None:
    """Raises ``NotAllowed`` unless the pressed message is the card of ``review``.

    After a restore ids are given anew: an old card may name the review of another post. A review without a card may be
    pressed on one that is younger than itself: it was posted a moment ago.
    """
    assert interaction.message is not None, "a button stands on a message"
    message_id = interaction.message.id
    if review.card:
        is_its_card = message_id == review.card.message_id
    else:
        is_its_card = (message_id >> 22) + DISCORD_EPOCH_MS >= review.opened_at
    if not is_its_card:
        raise older_than_records()


def require_open_to(interaction: Interaction, review: Review, *outcomes: Outcome | None) -> None:
    """Raises ``NotAllowed`` unless the user may resolve ``review``, and its outcome is one of ``outcomes``."""
    if review.author_id == str(interaction.user.id):
        raise NotAllowed("This is your own post: another reviewer has to decide.")
    if review.outcome not in outcomes:
        raise overtaken(review)


def overtaken(review: Review) -> Overtaken:
    """Why ``review`` could not be resolved, as it is now."""
    if review.outcome is None:
        return Overtaken("This review was changed at the same moment; please look at the card again.")
    return Overtaken(f"<@{review.resolved_by}> has resolved this already: {_SAID[review.outcome]}.")


def older_than_records() -> NotAllowed:
    return NotAllowed("This card is older than my records; please use the newer card.")


def page(*items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """A private message of ``items``."""
    view = ui.LayoutView(timeout=None)
    for item in items:
        view.add_item(item)
    return view


def row_of(*buttons: ui.Item[Any]) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in buttons:
        row.add_item(button)
    return row
