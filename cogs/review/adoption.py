"""What stands in the review channel without the database knowing: the bot was killed just after posting it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.store.cards import Waiting
from cogs.review.channel import Channel
from cogs.review.fold import companions
from cogs.review.notice import is_notice

LOOK_BACK = 500
"""Messages."""
SLACK = timedelta(minutes=5)
"""Discord's clock and ours may differ."""

_NAMES_REVIEW = re.compile(r"review:(?P<kind>confirm|one_by_one):(?P<id>\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """A card in the channel: the review that its buttons name, and whether it shows others of its group too."""

    message_id: int
    posted_at: int
    review_id: int
    is_fold: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """Our own messages among the latest, newest first; cards only with buttons, and lines about waiting cards."""

    messages: set[int]
    cards: list[Found]
    notices: list[int]


async def look_through(channel: Channel, since_ms: int) -> Sight:
    """Our own messages in ``channel`` back to ``since_ms``, or as far as is reasonable."""
    since = datetime.fromtimestamp(since_ms / 1000, UTC) - SLACK
    sight = Sight(set(), [], [])
    async for message in channel.history(limit=LOOK_BACK):
        if message.created_at < since:
            break
        if message.author != channel.guild.me:
            continue
        sight.messages.add(message.id)
        if is_notice(message):
            sight.notices.append(message.id)
        matches = map(_NAMES_REVIEW.fullmatch, _custom_ids(message.components))
        posted_at = int(message.created_at.timestamp() * 1000)
        sight.cards.extend(
            Found(message.id, posted_at, int(match["id"]), match["kind"] == "one_by_one") for match in matches if match
        )
    return sight


def owners(found: Sequence[Found], waiting: Sequence[Waiting]) -> Iterator[tuple[Found, list[int]]]:
    """The reviews that belong on each card: a fold's buttons name only one, the others are of its group."""
    left = {each.review_id: each for each in waiting}
    named = {each.review_id for each in found}
    for each in found:
        if first := left.pop(each.review_id, None):
            unnamed = [first, *(other for other in left.values() if other.review_id not in named)]
            together = companions(first, unnamed)[1] if each.is_fold else [first]
            for other in together:
                left.pop(other.review_id, None)
            yield each, [other.review_id for other in together]


def _custom_ids(components: Sequence[Any]) -> Iterator[str]:
    """Any: discord.py's union of components has neither a common base nor common attributes."""
    for component in components:
        if custom_id := getattr(component, "custom_id", None):
            yield custom_id
        yield from _custom_ids(getattr(component, "children", ()))
