"""Deleting the post of a review, and finding out whether Discord did."""

import aiohttp
import discord

from bot.client import Threadwatch
from bot.domain import Review
from bot.patience import patiently
from bot.wording import shorten
from cogs.common import plain


def may_remove(bot: Threadwatch, review: Review) -> bool:
    """Whether the bot could delete the post where it stands."""
    place = review.place
    guild = bot.get_guild(place.guild_id)
    channel = guild and (guild.get_channel_or_thread(place.message_channel_id) or guild.get_channel(place.channel_id))
    return bool(guild and channel and not review.deleted and channel.permissions_for(guild.me).manage_messages)


def question(review: Review) -> str:
    """What a moderator should know before removing the post."""
    what = f"Delete the post of <@{review.author_id}> for everybody? This cannot be undone."
    if review.evidence:
        what += f"\n> {plain(shorten(review.evidence.text, 200))}"
    if review.edited:
        what += "\n⚠️ It was edited since: the text that you delete is a newer one. Look at the post first."
    if review.is_starter:
        what += "\nIt is the first post of its thread: the thread, its title and all replies stay."
    return what


async def remove(bot: Threadwatch, review: Review, moderator: discord.abc.User) -> str:
    """Delete the post of a review that was won as REMOVING; returns what the moderator is told."""
    reviews, health = bot.services.store.reviews, bot.services.health
    reason = f"Threadwatch review {review.id}: removed by {moderator.id}"
    again = _as_before(review)
    try:
        await bot.http.delete_message(review.place.message_channel_id, int(review.post_id), reason=reason)
    except discord.NotFound:
        await patiently(health, lambda: reviews.found_gone(review.id))
        return "The post was gone already: nothing was removed."
    except discord.Forbidden:
        await patiently(health, lambda: reviews.reopen(review.id, "forbidden"))
        return (
            f"I may not delete this post: I am missing Manage Messages there (`/setup` lists it). {again} "
            "You can delete the post yourself with *Go to post*."
        )
    except (aiohttp.ClientError, OSError) as error:
        health.note_error(f"removing the post of review {review.id}: Discord cannot be reached", error)
        return await _look_again(bot, review)
    except discord.HTTPException as error:
        if error.status < 500 and error.status != 429:  # refused for certain: an archived thread, for one
            reason = f"refused: {error.code}"
            await patiently(health, lambda: reviews.reopen(review.id, reason))
            return f"Discord refused to delete this post: {plain(error.text)} {again}"
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
    return f"Discord failed and the post still stands. {_as_before(review)} Please try again in a minute."


def _as_before(review: Review) -> str:
    return "The review is open again." if review.outcome is None else "The card says as before that the flag was right."
