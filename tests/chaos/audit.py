"""What the records have to say when the storm is over, compared with the world that it came from."""

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.storm import Storm, revision
from tests.loopback.interactions import walk
from tests.loopback.model import Message


@dataclass(slots=True)
class Audit:
    """``faults``: what is not as it must be, in words; none if the bot kept its promises."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def audit(storm: Storm, database: Path) -> Audit:
    found = Audit()
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        records = _Records(connection)
    finally:
        connection.close()
    _audit_posts(found, storm, records)
    _audit_decisions(found, storm, records)
    _audit_reviews(found, storm, records)
    _audit_cards(found, storm, records)
    found.faults += [f"the database is damaged: {problem}" for problem in records.problems]
    return found


class _Records:
    """Everything in one look."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        def rows(sql: str) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(sql)]

        connection.execute("BEGIN")
        self.posts = {int(row["external_id"]): row for row in rows("SELECT * FROM posts")}
        self.decisions = rows("SELECT d.*, p.external_id FROM decisions d JOIN posts p ON p.id = d.post_id")
        self.reviews = rows("SELECT r.*, p.external_id FROM reviews r JOIN posts p ON p.id = r.post_id")
        self.events = rows("SELECT * FROM review_events")
        self.cursors = {row["channel_id"]: row["position"] for row in rows("SELECT * FROM cursors")}
        self.problems = [row for row in rows("PRAGMA integrity_check") if row != {"integrity_check": "ok"}]
        self.problems += rows("PRAGMA foreign_key_check")


def _standing(storm: Storm) -> dict[int, Message]:
    """Everybody's posts that exist now and that the bot may see."""
    town, guild = storm.town, storm.town.guild
    channels = [town.chat, *(thread for thread in guild.threads.values() if thread.parent_id == town.forum.id)]
    return {message.id: message for channel in channels for message in channel.history}


def _audit_posts(found: Audit, storm: Storm, records: _Records) -> None:
    standing = _standing(storm)
    found.counts["posts that stand"] = len(standing)
    revisions = {row["id"]: row["revision"] for row in records.decisions}
    for message_id, message in standing.items():
        row = records.posts.get(message_id)
        if row is None or row["current_decision_id"] is None:
            found.faults.append(f"post {message_id} was never decided")
        elif revisions[row["current_decision_id"]] != revision(storm.town, message):
            found.faults.append(f"post {message_id}: its present state is not the decided one")
        elif row["deleted_at"] is not None:
            found.faults.append(f"post {message_id} stands, and is recorded as deleted")
    for message_id, row in records.posts.items():
        if message_id not in standing and row["deleted_at"] is None:
            found.faults.append(f"post {message_id} is gone, and the records do not say so")
    last = defaultdict(int)
    for message in standing.values():
        last[message.channel_id] = max(last[message.channel_id], message.id)
    behind = [channel_id for channel_id, id_ in last.items() if records.cursors.get(channel_id, 0) < id_]
    found.faults += [f"the cursor of channel {channel_id} is behind its last post" for channel_id in behind]


def _audit_decisions(found: Audit, storm: Storm, records: _Records) -> None:
    found.counts["decisions"] = len(records.decisions)
    found.counts["states that posts ever had"] = sum(map(len, storm.revisions.values()))
    doubled = Counter((row["external_id"], row["revision"]) for row in records.decisions)
    found.faults += [
        f"{times} decisions on one state of post {id_}" for (id_, _), times in doubled.items() if times > 1
    ]
    for row in records.decisions:
        if row["revision"] not in storm.revisions.get(int(row["external_id"]), ()):
            found.faults.append(f"decision {row['id']} is on something that nobody wrote")


def _audit_reviews(found: Audit, storm: Storm, records: _Records) -> None:
    found.counts["reviews"] = len(records.reviews)
    found.counts["reviews resolved"] = sum(row["outcome"] is not None for row in records.reviews)
    still_open = Counter(row["post_id"] for row in records.reviews if row["outcome"] is None)
    found.faults += [f"{times} open reviews of post {id_}" for id_, times in still_open.items() if times > 1]
    reviewed = {row["decision_id"] for row in records.reviews}
    current = {row["current_decision_id"] for row in records.posts.values() if row["deleted_at"] is None}
    for row in records.decisions:
        if row["flagged"] and row["id"] in current and row["id"] not in reviewed:
            found.faults.append(f"flagged decision {row['id']} has no review")
    verdicts = Counter(row["review_id"] for row in records.events if row["kind"] in ("confirmed", "false_alarm"))
    found.faults += [f"review {id_} was resolved {times} times" for id_, times in verdicts.items() if times > 1]


def _audit_cards(found: Audit, storm: Storm, records: _Records) -> None:
    messages = {message.id: message for message in storm.town.review.history}
    rows = {row["id"]: row for row in records.reviews}
    found.counts["cards"] = len({row["card_message_id"] for row in records.reviews} - {None})
    for row in records.reviews:
        if row["card_message_id"] is None:
            if row["outcome"] is None:
                found.faults.append(f"open review {row['id']} has no card")
        elif row["card_message_id"] not in messages:
            found.faults.append(f"the card of review {row['id']} is not in the channel")
        elif row["shown_version"] < row["version"]:
            found.faults.append(f"the card of review {row['id']} is behind")
    for message in messages.values():
        for review_id in _named(message):
            row = rows.get(review_id)
            if row is None or row["card_message_id"] != message.id:
                found.faults.append(f"message {message.id} shows review {review_id}, whose card it is not")


def _named(message: Message) -> set[int]:
    """The reviews that the buttons of ``message`` belong to."""
    ids = (each.get("custom_id", "") for each in walk(message.extra.get("components", [])))
    return {int(id_.split(":")[2]) for id_ in ids if id_.startswith("review:")}
