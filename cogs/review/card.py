"""The picture of one review, in Components V2: on a card of its own, or on a page."""

import discord
from discord import ui

from bot.domain import Evidence, Outcome, Review
from bot.policy import axis_of
from bot.wording import NAMES, headline, shorten, suspicions
from cogs.common import plain
from models.classifier import ModelInfo
from models.labels import Axis

EXCERPT = 450
"""Characters of the post that are shown: escaping may double them, and a message holds 4,000 in all."""
CONTEXT = 150

_COLOURS = {Axis.INFLAMMATORY: discord.Colour.red(), Axis.MISINFORMATION: discord.Colour.orange()}
_GONE = "🗑️ **Already gone** when {who} wanted to remove it"
_OUTCOMES = {
    Outcome.CONFIRMED: "✅ **The flag was right**, says {who}. Nothing was done to the post",
    Outcome.FALSE_ALARM: "☑️ **False alarm**, says {who}. Nothing was done to the post",
    Outcome.REMOVED: "🗑️ **Post removed** by {who}",
    Outcome.REMOVING: "❔ **Removal begun** by {who}; whether Discord carried it out is not known. Look at the post.",
}


def box(review: Review, info: ModelInfo) -> ui.Container[ui.LayoutView]:
    """The card as it has to look now, without its buttons."""
    card: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour_of(review, info))
    for text in _texts(review, info):
        card.add_item(ui.TextDisplay(text))
    return card


def colour_of(review: Review | None, info: ModelInfo) -> discord.Colour:
    """Grey if there is nothing to decide, or nobody knows any more what the flag counted for."""
    axis = axis_of(suspicions(review.verdict, info)[0], info) if review and review.to_decide else None
    return _COLOURS[axis] if axis else discord.Colour.dark_grey()


def _texts(review: Review, info: ModelInfo) -> list[str]:
    texts = [f"### {headline(review.verdict, info)}\n{_scores(review)}", _where(review)]
    if review.evidence is None:
        texts.append("-# The text is no longer kept: it is deleted from the records after a set time.")
    else:
        texts.append(_words(review.evidence))
    if review.deleted and review.outcome not in (Outcome.REMOVED, Outcome.REMOVING):
        what = "" if review.outcome else " Nothing to do; you can still judge the flag."
        texts.append(f"🗑️ This post has been deleted meanwhile, by the author or a moderator.{what}")
    elif review.unread:
        texts.append("✏️ This post has been edited meanwhile: above is the old text, the new one could not be scored.")
    elif review.edited:
        texts.append("✏️ This post has been edited meanwhile: above is the old text, the new one was not flagged.")
    if review.to_decide:
        texts.append("-# “Flag was right” and “False alarm” only record what you think; the author is never told.")
    elif review.outcome is not None:
        assert review.resolved_at is not None, "the schema ties the two together"
        line = (_GONE if review.was_gone else _OUTCOMES[review.outcome]).format(who=f"<@{review.resolved_by}>")
        texts.append(f"{line} · <t:{review.resolved_at // 1000}:R>")
    return texts


def _scores(review: Review) -> str:
    """Every threshold that was reached, the clearest first."""
    return "-# Score: " + ", ".join(
        f"{NAMES[key]} {review.scores[key]:.2f} (threshold {review.thresholds[key]:.2f})"
        for key in review.verdict.flags
    )


def _where(review: Review) -> str:
    evidence, posted = review.evidence, review.posted_at // 1000
    if evidence is None:
        return f"Posted by <@{review.author_id}> in <#{review.place.message_channel_id}>, <t:{posted}:R>"
    name = plain(shorten(evidence.author_name, 40))
    lines = [f"Posted by <@{review.author_id}> ({name}), <t:{posted}:R>"]
    if evidence.thread_title:
        lines.append(f"-# Thread: {plain(shorten(evidence.thread_title, CONTEXT))}")
    else:
        lines.append(f"-# In <#{review.place.message_channel_id}>")
    if evidence.reply_to:
        lines.append(f"-# In reply to: {plain(shorten(evidence.reply_to, CONTEXT))}")
    return "\n".join(lines)


def _words(evidence: Evidence) -> str:
    """An excerpt around the decisive sentence, which is bold, as a block quote."""
    text, span = evidence.text, evidence.decisive
    if span is None:
        return f"> {plain(shorten(text, EXCERPT))}"
    core = shorten(span.cut(text), EXCERPT)
    room = (EXCERPT - len(core)) // 2
    before, after = " ".join(text[: span.start].split()), " ".join(text[span.end :].split())
    if len(before) > room:
        before = "…" + before[len(before) - room :]
    if len(after) > room:
        after = after[:room] + "…"
    return "> " + " ".join(part for part in (plain(before), f"**{plain(core)}**", plain(after)) if part)
