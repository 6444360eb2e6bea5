"""The picture of a fold: one Components V2 message for many reviews of a thread, or of an author."""

from collections import Counter
from collections.abc import Sequence

from discord import ui

from bot.domain import Outcome, Review
from bot.policy import axis_of
from bot.wording import NAMES, shorten
from cogs.common import plain
from cogs.review.buttons import OneByOneButton
from cogs.review.card import colour_of
from models.classifier import ModelInfo

LINES = 10
ROOM = 3500
"""Characters for the lines; a message holds 4,000 in all."""
EXCERPT = 100

_OUTCOMES = {
    Outcome.CONFIRMED: ("✅", "flag was right"),
    Outcome.FALSE_ALARM: ("☑️", "false alarm"),
    Outcome.REMOVED: ("🗑️", "removed"),
    Outcome.REMOVING: ("❔", "removal begun"),
}


def fold_card(reviews: Sequence[Review], info: ModelInfo) -> ui.LayoutView:
    """The card as it has to look now; ``reviews`` are those on it, which share a thread or else an author."""
    in_one_thread = len({review.place.message_channel_id for review in reviews}) == 1
    ordered = sorted(reviews, key=lambda review: (review.outcome is not None, -_clearness(review), review.id))
    still_open = [review for review in ordered if review.outcome is None]
    axis = axis_of(still_open[0].verdict.flags[0], info) if still_open else None
    card: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour_of(axis))
    card.add_item(ui.TextDisplay(f"{_headline(reviews, in_one_thread)}\n{_tally(reviews)}"))
    card.add_item(ui.TextDisplay(_list(ordered, in_one_thread)))
    if still_open or in_one_thread:
        card.add_item(_row(reviews, in_one_thread, anything_open=bool(still_open)))
    view = ui.LayoutView(timeout=None)
    view.add_item(card)
    return view


def _clearness(review: Review) -> float:
    """How far the clearest score stands over its threshold."""
    key = review.verdict.flags[0]
    return review.scores[key] - review.thresholds[key]


def _headline(reviews: Sequence[Review], in_one_thread: bool) -> str:
    place, author = reviews[0].place, reviews[0].author_id
    whose = f"in <#{place.message_channel_id}>" if in_one_thread else f"by <@{author}>"
    return f"### {len(reviews)} flagged posts {whose}"


def _tally(reviews: Sequence[Review]) -> str:
    counts = Counter(review.outcome for review in reviews)
    still_open = counts.pop(None, 0)
    decided = [f"{sign} {counts[kind]} {words}" for kind, (sign, words) in _OUTCOMES.items() if counts[kind]]
    return "-# " + " · ".join([f"{still_open} still to decide" if still_open else "All decided", *decided])


def _list(ordered: Sequence[Review], in_one_thread: bool) -> str:
    """The clearest open ones, then decided ones, as many as there is room for."""
    lines, room = list[str](), ROOM
    for review in ordered[:LINES]:
        line = _line(review, in_one_thread)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(ordered):
        lines.append(f"-# … and {len(ordered) - len(lines)} more")
    return "\n".join(lines)


def _line(review: Review, in_one_thread: bool) -> str:
    who = f"by <@{review.author_id}>" if in_one_thread else f"in <#{review.place.message_channel_id}>"
    head = f"[{_label(review)}]({review.jump_url}) {who}"
    if review.outcome is not None:
        sign, words = _OUTCOMES[review.outcome]
        return f"- {sign} {head}: {words}, says <@{review.resolved_by}>"
    return f"- {head}{_since(review)}\n  {_excerpt(review)}"


def _label(review: Review) -> str:
    strongest, flags = review.verdict.strongest_label, review.verdict.flags
    return NAMES[strongest if strongest and strongest in flags else flags[0]].capitalize()


def _since(review: Review) -> str:
    if review.deleted:
        return " · 🗑️ deleted meanwhile"
    return " · ✏️ edited meanwhile" if review.edited or review.unread else ""


def _excerpt(review: Review) -> str:
    evidence = review.evidence
    if evidence is None:
        return "-# The text is no longer kept."
    words = evidence.decisive.cut(evidence.text) if evidence.decisive else evidence.text
    return f"“{plain(shorten(words, EXCERPT))}”"


def _row(reviews: Sequence[Review], in_one_thread: bool, *, anything_open: bool) -> ui.ActionRow[ui.LayoutView]:
    place = reviews[0].place
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if anything_open:
        row.add_item(OneByOneButton(reviews[0].id))
    if in_one_thread:
        url = f"https://discord.com/channels/{place.guild_id}/{place.message_channel_id}"
        row.add_item(ui.Button(label="Go to thread" if place.thread_id else "Go to channel", url=url))
    return row
