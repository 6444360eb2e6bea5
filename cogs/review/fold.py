"""Which reviews share a card. Pure functions.

The first two cards of a thread (or of an author) stay single; then what comes shares the newest one, as long as that
was posted lately, has anything open and is not full. Many that wait together are posted on one card at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain import Card
from bot.store.cards import Standing, Waiting

SINGLES = 2
LARGEST = 200
WINDOW_MS = 10 * 60 * 1000

Group = int | str
"""A thread, or channel without threads, by its id; an author by hers, which is text."""


class Board:
    """The cards that were posted lately, and what may still be put on them."""

    def __init__(self, standing: Iterable[Standing]) -> None:
        self._cards = {each.card: each for each in standing}
        self._of: defaultdict[Group, list[Card]] = defaultdict(list)
        for each in self._cards.values():
            for group in (each.channel_id, each.author_id):
                if group is not None:
                    self._of[group].append(each.card)

    def place(self, review: Waiting) -> Card | None:
        """Put ``review`` on a card that stands; None if it has to have a new one."""
        for group in (review.channel_id, review.author_id):
            cards = self.of(group)
            if cards and _takes_more(cards[-1], len(cards)):
                self._cards[cards[-1].card] = _with(cards[-1], review)
                return cards[-1].card
        return None

    def of(self, group: Group) -> list[Standing]:
        """The cards of a thread or an author, oldest first. One with many posts of a thread is the thread's."""
        cards = [self._cards[card] for card in self._of[group]]
        return [
            each
            for each in cards
            if each.channel_id == group or (each.author_id == group and (each.size == 1 or each.channel_id is None))
        ]


def _takes_more(newest: Standing, cards: int) -> bool:
    return newest.still_open > 0 and newest.size < LARGEST and (newest.size > 1 or cards > SINGLES)


def _with(standing: Standing, review: Waiting) -> Standing:
    return replace(
        standing,
        size=standing.size + 1,
        channel_id=standing.channel_id if standing.channel_id == review.channel_id else None,
        author_id=standing.author_id if standing.author_id == review.author_id else None,
    )


def companions(review: Waiting, waiting: Sequence[Waiting]) -> tuple[Group, list[Waiting]]:
    """Which of ``waiting`` may share a card with ``review``, itself included: of its thread, else of its author."""
    for_thread = [other for other in waiting if other.channel_id == review.channel_id]
    if len(for_thread) > 1:
        return review.channel_id, for_thread[:LARGEST]
    return review.author_id, [other for other in waiting if other.author_id == review.author_id][:LARGEST]


def new_cards(waiting: Sequence[Waiting], board: Board, room: int) -> list[list[Waiting]]:
    """What to post on new cards, at most ``room``, the longest wait first."""
    crowded, left = len(waiting) > room, list(waiting)
    cards: list[list[Waiting]] = []
    while left and len(cards) < room:
        group, together = companions(left[0], left)
        if not crowded and len(board.of(group)) + len(together) <= SINGLES:
            together = left[:1]
        cards.append(together)
        placed = {each.review_id for each in together}
        left = [each for each in left if each.review_id not in placed]
    return cards
