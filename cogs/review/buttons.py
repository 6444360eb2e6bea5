"""The buttons of cards, and the private page on which a moderator goes through the posts of a folded one.

Each carries the review's id. On a page it also carries the decision that was shown: the shared card may show other
words by then, and a verdict covers only those that the moderator saw.
"""

import re
from abc import abstractmethod
from typing import Any, Self

import discord
from discord import ui
from typing_extensions import override

from bot.domain import Outcome, Review
from cogs.common import Interaction, NotAllowed
from cogs.review.base import Overtaken, ReviewButton, known_review, open_review, overtaken
from cogs.review.card import box
from cogs.review.removal import may_remove, question, remove

SEEN = r"(?P<id>\d+)(?::(?P<seen>\d+))?"


class VerdictButton(ReviewButton, template="review"):
    """Acts on one open review; ``seen`` is given on a page."""

    def __init__(self, review_id: int, seen: int | None = None) -> None:
        super().__init__(review_id, suffix="" if seen is None else f":{seen}")
        self.seen = seen

    @override
    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["id"]), int(match["seen"]) if match["seen"] else None)

    @override
    async def act(self, interaction: Interaction) -> None:
        try:
            await self.press(interaction, await open_review(interaction, self.review_id))
        except Overtaken as why:
            if self.seen is None:
                raise
            await _turn(interaction, self.review_id, f"-# {why}")

    @abstractmethod
    async def press(self, interaction: Interaction, review: Review) -> None:
        """Do what the button says; ``review`` was open a moment ago and the user may resolve it."""

    async def resolve(self, interaction: Interaction, review: Review, outcome: Outcome) -> None:
        """Win the review, or raise ``Overtaken`` that says who did."""
        reviews = interaction.client.services.store.reviews
        if not await reviews.resolve(review.id, outcome, interaction.user.id, self.seen):
            raise overtaken(await reviews.get(review.id) or review)

    async def judge(self, interaction: Interaction, review: Review, outcome: Outcome) -> None:
        """Record a verdict that changes nothing but the review; on a page, go on to the next."""
        await interaction.response.defer()
        await self.resolve(interaction, review, outcome)
        _changed(interaction, review)
        if self.seen is not None:
            await _turn(interaction, review.id, f"-# Noted: {self.label.lower()}.")


class ConfirmButton(VerdictButton, template=f"review:confirm:{SEEN}"):
    label = "Flag was right"
    style = discord.ButtonStyle.primary
    prefix = "confirm"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await self.judge(interaction, review, Outcome.CONFIRMED)


class FalseAlarmButton(VerdictButton, template=f"review:false_alarm:{SEEN}"):
    label = "False alarm"
    style = discord.ButtonStyle.secondary
    prefix = "false_alarm"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await self.judge(interaction, review, Outcome.FALSE_ALARM)


class RemoveButton(VerdictButton, template=f"review:remove:{SEEN}"):
    label = "Remove post"
    style = discord.ButtonStyle.danger
    prefix = "remove"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        really = ReallyRemoveButton(review.id, self.seen)
        if self.seen is None:
            view = ui.View(timeout=None)
            view.add_item(really)
            asked = f"{question(review)}\n-# To keep it, dismiss this message."
            await interaction.response.send_message(asked, view=view, ephemeral=True)
        else:
            row = _row_of(really, PageButton(review.id, label="No, keep it"))
            await interaction.response.edit_message(view=_page(ui.TextDisplay(question(review)), row))


class ReallyRemoveButton(VerdictButton, template=f"review:really_remove:{SEEN}"):
    label = "Yes, remove the post"
    style = discord.ButtonStyle.danger
    prefix = "really_remove"

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await interaction.response.defer()
        await self.resolve(interaction, review, Outcome.REMOVING)
        try:
            said = await remove(interaction.client, review, interaction.user)
        finally:  # the card tells, even if nobody can be told here
            _changed(interaction, review)
        if self.seen is None:
            await interaction.edit_original_response(content=said, view=None)
        else:
            await _turn(interaction, review.id, said)


class OneByOneButton(ReviewButton, template=r"review:one_by_one:(?P<id>\d+)"):
    """Opens the page; its review is any of those on the card."""

    label = "Review one by one"
    style = discord.ButtonStyle.primary
    prefix = "one_by_one"

    @override
    async def act(self, interaction: Interaction) -> None:
        view = await _view_of(interaction, self.review_id, None, from_start=True)
        await interaction.response.send_message(view=view, ephemeral=True)


class PageButton(ReviewButton, template=r"review:page:(?P<id>\d+)"):
    """Shows its review on the page, or the next one that is open."""

    label = "Next ▸"
    style = discord.ButtonStyle.secondary
    prefix = "page"

    @override
    async def act(self, interaction: Interaction) -> None:
        await _turn(interaction, self.review_id)


BUTTONS = (ConfirmButton, FalseAlarmButton, RemoveButton, ReallyRemoveButton, OneByOneButton, PageButton)


def verdict_row(review: Review, *, removable: bool, seen: int | None = None) -> ui.ActionRow[ui.LayoutView]:
    """The buttons under one review."""
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if review.outcome is None:
        row.add_item(ConfirmButton(review.id, seen))
        row.add_item(FalseAlarmButton(review.id, seen))
        if removable:
            row.add_item(RemoveButton(review.id, seen))
    row.add_item(ui.Button(label="Go to post", url=review.jump_url))
    return row


def _changed(interaction: Interaction, review: Review) -> None:
    """Ask for the card to be drawn anew; its publisher alone does that."""
    interaction.client.dispatch("reviews_changed", review.place.guild_id)


async def _turn(interaction: Interaction, review_id: int, note: str | None = None) -> None:
    """Show ``review_id`` on the page that was pressed, or the open one that follows it."""
    view = await _view_of(interaction, review_id, note)
    if interaction.response.is_done():
        await interaction.edit_original_response(view=view)
    else:
        await interaction.response.edit_message(view=view)


async def _view_of(
    interaction: Interaction, review_id: int, note: str | None, *, from_start: bool = False
) -> ui.LayoutView:
    store = interaction.client.services.store
    at = await known_review(interaction, review_id)
    if at.card is None:
        raise NotAllowed("The card of these posts is being posted anew; please go on from there.")
    still_open = await store.cards.open_on(at.card.message_id, not_by=interaction.user.id)
    shown = next((each for each in still_open if from_start or each >= review_id), next(iter(still_open), None))
    review = None if shown is None else await store.reviews.get(shown)
    head = [ui.TextDisplay[ui.LayoutView](note)] if note else []
    if shown is None or review is None:
        return _page(*head, ui.TextDisplay("Nothing on this card is left for you to decide. Thank you."))
    number = still_open.index(shown)
    head.append(ui.TextDisplay(f"**{number + 1} of {len(still_open)}** still to decide"))
    card = box(review, interaction.client.services.model)
    card.add_item(verdict_row(review, removable=may_remove(interaction.client, review), seen=review.decision_id))
    turns: list[PageButton] = []
    if number > 0:
        turns.append(PageButton(still_open[number - 1], label="◂ Previous"))
    if number + 1 < len(still_open):
        turns.append(PageButton(still_open[number + 1]))
    return _page(*head, card, *([_row_of(*turns)] if turns else []))


def _page(*items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for item in items:
        view.add_item(item)
    return view


def _row_of(*buttons: ReviewButton) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in buttons:
        row.add_item(button)
    return row
