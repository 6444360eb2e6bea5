"""The buttons of cards, and the private page on which a moderator goes through the posts of a folded one.

Each carries the review's id, and counts only on that review's card. On a private message it also carries the post and
the decision that were shown: the shared card may show other words by then, and a verdict covers only those that the
moderator saw.
"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import discord
from discord import ui
from typing_extensions import override

from bot.domain import Outcome, Review
from cogs.common import Interaction, NotAllowed
from cogs.review.base import (
    SEEN,
    Overtaken,
    ReviewButton,
    Seen,
    known_review,
    older_than_records,
    overtaken,
    page,
    require_its_card,
    require_open_to,
    row_of,
)
from cogs.review.card import box
from cogs.review.removal import may_remove, question, remove


class VerdictButton(ReviewButton, template="review"):
    """Acts on one review; ``seen`` is given on a private message."""

    closes: ClassVar[tuple[Outcome | None, ...]] = (None,)
    """The outcomes that it may replace."""

    def __init__(self, review_id: int, seen: Seen | None = None, *, label: str | None = None) -> None:
        super().__init__(review_id, suffix=f":{seen.decision_id}:{seen.post_id}" if seen else "", label=label)
        self.seen = seen

    @override
    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["id"]), Seen(int(match["decision"]), match["post"]) if match["post"] else None)

    @override
    async def act(self, interaction: Interaction) -> None:
        review = await known_review(interaction, self.review_id)
        if self.seen is None:
            require_its_card(interaction, review)
        elif self.seen.post_id != review.post_id:
            raise older_than_records()
        try:
            require_open_to(interaction, review, *self.closes)
            await self.press(interaction, review)
        except Overtaken as why:
            if self.seen is None:
                raise
            await _turn(interaction, self.review_id, f"-# {why}")

    @abstractmethod
    async def press(self, interaction: Interaction, review: Review) -> None:
        """Do what the button says; a moment ago the user could still resolve ``review``."""

    async def resolve(self, interaction: Interaction, review: Review, outcome: Outcome) -> None:
        """Win the review, or raise ``Overtaken`` that says who did."""
        reviews = interaction.client.services.store.reviews
        seen = self.seen and self.seen.decision_id
        if not await reviews.resolve(review.id, outcome, interaction.user.id, seen, was=review.outcome):
            raise overtaken(await reviews.get(review.id) or review)

    async def judge(self, interaction: Interaction, review: Review, outcome: Outcome) -> None:
        """Record a verdict that changes nothing but the review; on a page, go on to the next."""
        await interaction.response.defer()
        await self.resolve(interaction, review, outcome)
        _changed(interaction, review)
        if self.seen is not None:
            removable = outcome is Outcome.CONFIRMED and may_remove(interaction.client, review)
            offered = [RemoveButton(review.id, self.seen, label="Remove that post")] if removable else []
            await _turn(interaction, review.id, f"-# Noted: {self.label.lower()}.", offered)


class ConfirmButton(VerdictButton, template=f"review:confirm:{SEEN}"):
    label = "Flag was right"
    style = discord.ButtonStyle.secondary
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
    closes = (None, Outcome.CONFIRMED)

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        row = row_of(ReallyRemoveButton(review.id, self.seen or Seen.of(review)), KeepButton(review.id))
        view = page(ui.TextDisplay(question(review)), row)
        if self.seen is None:
            await interaction.response.send_message(view=view, ephemeral=True)
        else:
            await interaction.response.edit_message(view=view)


class ReallyRemoveButton(VerdictButton, template=f"review:really_remove:{SEEN}"):
    label = "Yes, remove the post"
    style = discord.ButtonStyle.danger
    prefix = "really_remove"
    closes = (None, Outcome.CONFIRMED)

    @override
    async def press(self, interaction: Interaction, review: Review) -> None:
        await interaction.response.defer()
        await self.resolve(interaction, review, Outcome.REMOVING)
        try:
            said = await remove(interaction.client, review, interaction.user)
        finally:  # the card tells, even if nobody can be told here
            _changed(interaction, review)
        await _turn(interaction, review.id, said)


class OneByOneButton(ReviewButton, template=r"review:one_by_one:(?P<id>\d+)"):
    """Opens the page; its review is any of those on the card."""

    label = "Review one by one"
    style = discord.ButtonStyle.primary
    prefix = "one_by_one"

    @override
    async def act(self, interaction: Interaction) -> None:
        require_its_card(interaction, await known_review(interaction, self.review_id))
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


class KeepButton(ReviewButton, template=r"review:keep:(?P<id>\d+)"):
    """Takes the question back whether a post is to be removed."""

    label = "No, keep it"
    style = discord.ButtonStyle.secondary
    prefix = "keep"

    @override
    async def act(self, interaction: Interaction) -> None:
        await _turn(interaction, self.review_id, "-# The post was kept.")


BUTTONS = (ConfirmButton, FalseAlarmButton, RemoveButton, ReallyRemoveButton, OneByOneButton, PageButton, KeepButton)


def verdict_rows(review: Review, *, removable: bool, seen: Seen | None = None) -> list[ui.ActionRow[ui.LayoutView]]:
    """A row of buttons under one review, if there is anything to press."""
    buttons: list[ui.Item[Any]] = []
    if review.outcome is None:
        buttons += [ConfirmButton(review.id, seen), FalseAlarmButton(review.id, seen)]
    if removable and review.outcome in RemoveButton.closes:
        buttons.append(RemoveButton(review.id, seen))
    if not review.is_gone:
        buttons.append(ui.Button(label="Go to post", url=review.jump_url))
    return [row_of(*buttons)] if buttons else []


def _changed(interaction: Interaction, review: Review) -> None:
    """Ask for the card to be drawn anew; its publisher alone does that."""
    interaction.client.dispatch("reviews_changed", review.place.guild_id)


async def _turn(
    interaction: Interaction, review_id: int, note: str | None = None, offered: Sequence[VerdictButton] = ()
) -> None:
    """Show ``review_id`` on the page that was pressed, or the open one that follows it."""
    view = await _view_of(interaction, review_id, note, offered)
    if interaction.response.is_done():
        await interaction.edit_original_response(view=view)
    else:
        await interaction.response.edit_message(view=view)


async def _view_of(
    interaction: Interaction,
    review_id: int,
    note: str | None,
    offered: Sequence[VerdictButton] = (),
    *,
    from_start: bool = False,
) -> ui.LayoutView:
    store = interaction.client.services.store
    at = await known_review(interaction, review_id)
    head: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay(note)] if note else []
    head += [row_of(*offered)] if offered else []
    if head and (at.card is None or len(await store.cards.reviews_on(at.card.message_id)) == 1):
        return page(*head)  # there is nothing to turn to
    if at.card is None:
        raise NotAllowed("The card of these posts is being posted anew; please go on from there.")
    still_open = await store.cards.open_on(at.card.message_id, not_by=interaction.user.id)
    shown = next((each for each in still_open if from_start or each >= review_id), next(iter(still_open), None))
    review = None if shown is None else await store.reviews.get(shown)
    if shown is None or review is None:
        return page(*head, ui.TextDisplay("Nothing on this card is left for you to decide. Thank you."))
    number = still_open.index(shown)
    head.append(ui.TextDisplay(f"**{number + 1} of {len(still_open)}** still to decide"))
    card = box(review, interaction.client.services.model)
    for row in verdict_rows(review, removable=may_remove(interaction.client, review), seen=Seen.of(review)):
        card.add_item(row)
    turns: list[PageButton] = []
    if number > 0:
        turns.append(PageButton(still_open[number - 1], label="◂ Previous"))
    if number + 1 < len(still_open):
        turns.append(PageButton(still_open[number + 1]))
    return page(*head, card, *([row_of(*turns)] if turns else []))
