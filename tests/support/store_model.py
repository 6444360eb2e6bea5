"""What the store has to hold, in plain Python; queries for the same in its file, and for what may never be there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import Decision, Outcome, Place, Post, Source, Verdict
from models.classifier import Span
from models.labels import SCORE_KEYS, Axis, Label

GUILD, FORUM = 1, 20
POSTS = (1, 2, 3, 4)
WORDS = {"idiot": True, "total idiot": True, "kill": True, "friend": False, "good day": False}
"""What people write, and whether it is flagged."""


def thread_of(post: int) -> int:
    return 300 + post % 2


def post_of(post: int, text: str, edited_at: int) -> Post:
    place = Place(GUILD, FORUM, thread_of(post))
    return Post(Source.DISCORD, str(post), "5", "alice", (text,), 0, place=place, edited_at=edited_at or None)


def decision_of(post: Post, at: int) -> Decision:
    flagged = WORDS[post.text]
    return Decision(
        post=post,
        model_version="test-1",
        scores=dict.fromkeys(SCORE_KEYS, 0.9 if flagged else 0.1),
        thresholds=dict.fromkeys(SCORE_KEYS, 0.5),
        context=frozenset(),
        verdict=Verdict((Axis.INFLAMMATORY,) if flagged else (), Label.INSULT),
        decided_at=at,
        latency_ms=1.0,
        decisive=Span(0, len(post.text)) if flagged else None,
    )


TEXT_OF = {post_of(1, text, 0).revision: text for text in WORDS}

FAULTS = {
    "a revision with two decisions": "SELECT 1 FROM decisions GROUP BY post_id, revision HAVING count(*) > 1",
    "two open reviews of a post": "SELECT 1 FROM reviews WHERE outcome IS NULL GROUP BY post_id HAVING count(*) > 1",
    "a review of another post's or an unflagged decision": """
        SELECT 1 FROM reviews r JOIN decisions d ON d.id = r.decision_id WHERE d.post_id != r.post_id OR NOT d.flagged
    """,
    "a current decision of another post": """
        SELECT 1 FROM posts p JOIN decisions d ON d.id = p.current_decision_id WHERE d.post_id != p.id
    """,
    "a card ahead of its row": "SELECT 1 FROM reviews WHERE shown_version > version",
    "words of an unflagged post": "SELECT 1 FROM evidence JOIN decisions d ON d.id = decision_id WHERE NOT d.flagged",
    "a verdict that nobody logged": """
        SELECT 1 FROM reviews r WHERE outcome IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM review_events e
            WHERE e.review_id = r.id AND e.actor_id = r.resolved_by AND e.kind IN (r.outcome, 'removing'))
    """,
    "a second verdict": """
        SELECT 1 FROM review_events GROUP BY review_id
        HAVING sum(kind IN ('confirmed', 'false_alarm', 'removing')) > 1 + sum(kind = 'removal_failed')
    """,
    "a review that was opened twice or never": """
        SELECT 1 FROM reviews r WHERE 1 != (
            SELECT count(*) FROM review_events e WHERE e.review_id = r.id AND e.kind = 'opened')
    """,
}
TABLES = {
    "decisions": "SELECT external_id, revision, NULL FROM decisions d JOIN posts p ON p.id = d.post_id",
    "posts": """
        SELECT external_id, revision, coalesce(edited_at, 0), failure IS NOT NULL, deleted_at IS NOT NULL
        FROM posts p LEFT JOIN decisions d ON d.id = p.current_decision_id
    """,
    "evidence": """
        SELECT external_id, revision, stored_at
        FROM evidence JOIN decisions d ON d.id = decision_id JOIN posts p ON p.id = d.post_id
    """,
    "reviews": """
        SELECT r.id, d.revision, external_id, outcome, resolved_by, card_message_id, s.revision
        FROM reviews r JOIN posts p ON p.id = r.post_id JOIN decisions d ON d.id = r.decision_id
        LEFT JOIN decisions s ON s.id = r.shown_decision_id
    """,
    "cursors": "SELECT channel_id, NULL, position FROM cursors",
}


@dataclass
class PostModel:
    current: str | None = None
    newest: int = 0
    failed: bool = False
    deleted: bool = False


@dataclass
class ReviewModel:
    post: int
    text: str
    outcome: Outcome | None = None
    by: int | None = None
    card: int | None = None
    shown: str | None = None

    def takes(self, seen: str | None) -> bool:
        """Whether a verdict counts from a moderator who saw ``seen`` (None: the card, if there is one)."""
        said = seen or self.shown or (self.text if self.card is None else None)
        return self.outcome is None and said == self.text


class Model:
    """What the store has to hold."""

    def __init__(self) -> None:
        self.posts: defaultdict[int, PostModel] = defaultdict(PostModel)
        self.decisions: set[tuple[int, str]] = set()
        self.evidence: dict[tuple[int, str], int] = {}
        self.reviews: dict[int, ReviewModel] = {}
        self.cursors: dict[int, int] = {}

    def open_review(self, post: int) -> ReviewModel | None:
        return next((each for each in self.reviews.values() if each.post == post and each.outcome is None), None)

    def decided(self, post: int, text: str, edited_at: int, at: int, open_reviews: bool) -> None:
        state = self.posts[post]
        if WORDS[text] and (post, text) not in self.decisions:
            self.evidence[post, text] = at
        self.decisions.add((post, text))
        if edited_at < state.newest:
            return
        is_other, state.current, state.newest, state.failed = state.current != text, text, edited_at, False
        judged = any((each.post, each.text) == (post, text) and each.outcome for each in self.reviews.values())
        if WORDS[text] and open_reviews and is_other and not judged:
            self.evidence.setdefault((post, text), at)  # swept meanwhile
            if review := self.open_review(post):
                review.text = text
            else:
                self.reviews[len(self.reviews) + 1] = ReviewModel(post, text)

    def failed(self, post: int, edited_at: int) -> None:
        state = self.posts[post]
        if edited_at >= state.newest:
            state.newest, state.failed = edited_at, True

    def deleted(self, posts: Sequence[int]) -> None:
        news = [post for post in posts if post in self.posts and not self.posts[post].deleted]
        for post in news:
            self.posts[post].deleted = True
        for review in self.reviews.values():
            if review.post in news and review.outcome is Outcome.REMOVING:
                review.outcome = Outcome.REMOVED

    def lost(self, cards: set[int]) -> None:
        for review in self.reviews.values():
            review.card = None if review.card in cards else review.card

    def moved(self, thread: int, position: int) -> None:
        self.cursors[thread] = max(position, self.cursors.get(thread, 0))

    def tables(self) -> dict[str, set[tuple[Any, ...]]]:
        return {
            "decisions": {(str(post), text, None) for post, text in self.decisions},
            "posts": {(str(id_), p.current, p.newest, p.failed, p.deleted) for id_, p in self.posts.items()},
            "evidence": {(str(post), text, at) for (post, text), at in self.evidence.items()},
            "reviews": {
                (id_, r.text, str(r.post), r.outcome, r.by, r.card, r.shown) for id_, r in self.reviews.items()
            },
            "cursors": {(thread, None, position) for thread, position in self.cursors.items()},
        }
