"""What a card has to look like, from the reviews on it."""

from collections.abc import Sequence

from discord import ui

from bot.client import Threadwatch
from bot.domain import Review
from cogs.review.buttons import verdict_rows
from cogs.review.card import box
from cogs.review.fold_card import fold_card
from cogs.review.removal import may_remove


def picture(bot: Threadwatch, reviews: Sequence[Review]) -> ui.LayoutView:
    """One review fills its card, several are folded."""
    info = bot.services.model
    if len(reviews) > 1:
        return fold_card(reviews, info)
    (review,) = reviews
    card = box(review, info)
    for row in verdict_rows(review, removable=may_remove(bot, review)):
        card.add_item(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(card)
    return view
