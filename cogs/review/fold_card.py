"""The picture of a fold: one Components V2 message for many reviews of a thread, or of an author."""

from collections import Counter
from collections.abc import Sequence

from discord import ui

from bot.domain import Outcome, Review
from bot.wording import headline, shorten
from cogs.common import plain
from cogs.review.buttons import OneByOneButton
from cogs.review.card import colour_of
from models.classifier import ModelInfo

LINES = 10
ROOM = 3500
"""Characters for the lines; a message holds 4,000 in all."""
EXCERPT = 100

_TALLIES = {
    Outcome.CONFIRMED: ("✅ 1 flag was right", "✅ {} flags were right"),
    Outcome.FALSE_ALARM: ("☑️ 1 false alarm", "☑️ {} false alarms"),
    Outcome.REMOVED: ("🗑️ 1 removed", "🗑️ {} removed"),
    Outcome.REMOVING: ("❔ 1 removal begun", "❔ {} removals begun"),
}
_OUTCOMES = {
    Outcome.CONFIRMED: ("✅", "flag was right, says {who}"),
    Outcome.FALSE_ALARM: ("☑️", "false alarm, says {who}"),
    Outcome.REMOVED: ("🗑️", "removed by {who}"),
    Outcome.REMOVING: ("❔", "removal begun by {who}"),
}
_GONE = "already gone when {who} wanted to remove it"


def fold_card(reviews: Sequence[Review], info: ModelInfo) -> ui.LayoutView:
    """The card as it has to look now; ``reviews`` are those on it, which share a thread or else an author."""
    in_one_thread = len({review.place.message_channel_id for review in reviews}) == 1
    ordered = sorted(reviews, key=lambda review: (not review.to_decide, -_clearness(review), review.id))
    to_decide = any(review.to_decide for review in reviews)
    card: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour_of(ordered[0], info))
    card.add_item(ui.TextDisplay(f"{_headline(reviews, in_one_thread)}\n{_tally(reviews)}"))
    card.add_item(ui.TextDisplay(_list(ordered, in_one_thread, info)))
    if to_decide or in_one_thread:
        card.add_item(_row(reviews, in_one_thread, to_decide=to_decide))
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
    counts = Counter(review.outcome for review in reviews if not review.was_gone)
    still_open = sum(review.to_decide for review in reviews)
    parts = [f"{still_open} still to decide" if still_open else "Nothing left to do"]
    parts += [
        (one if counts[kind] == 1 else many.format(counts[kind]))
        for kind, (one, many) in _TALLIES.items()
        if counts[kind]
    ]
    if gone := sum(review.was_gone or (review.outcome is None and review.deleted) for review in reviews):
        parts.append(f"🗑️ {gone} deleted by the author or a moderator")
    return "-# " + " · ".join(parts)


def _list(ordered: Sequence[Review], in_one_thread: bool, info: ModelInfo) -> str:
    """The clearest that are to decide, then the others, as many as there is room for."""
    lines, room = list[str](), ROOM
    for review in ordered[:LINES]:
        line = _line(review, in_one_thread, info)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(ordered):
        lines.append(f"-# … and {len(ordered) - len(lines)} more")
    return "\n".join(lines)


def _line(review: Review, in_one_thread: bool, info: ModelInfo) -> str:
    what = headline(review.verdict, info)
    who = f"by <@{review.author_id}>" if in_one_thread else f"in <#{review.place.message_channel_id}>"
    head = f"{what if review.is_gone else f'[{what}]({review.jump_url})'} {who}"
    if review.outcome is not None:
        sign, words = _OUTCOMES[review.outcome]
        words = (_GONE if review.was_gone else words).format(who=f"<@{review.resolved_by}>")
        return f"- {sign} {head}: {words}"
    return f"- {head}{_since(review)}\n  {_excerpt(review)}"


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


def _row(reviews: Sequence[Review], in_one_thread: bool, *, to_decide: bool) -> ui.ActionRow[ui.LayoutView]:
    place = reviews[0].place
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if to_decide:
        row.add_item(OneByOneButton(reviews[0].id))
    if in_one_thread:
        url = f"https://discord.com/channels/{place.guild_id}/{place.message_channel_id}"
        row.add_item(ui.Button(label="Go to thread" if place.thread_id else "Go to channel", url=url))
    return row
