"""A short storm, and that its audit would see lost posts and doubled cards; `make chaos` is the long one."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.chaos.audit import audit
from tests.chaos.run import Outcome, Plan, run

PLAN = Plan(posts=250, kills=3, pace=60, seed=7, troubles=5, peace_seconds=90, restart_at_end=True)


@pytest.mark.timeout(200)
async def test_a_bot_that_is_killed_and_troubled_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = await run(PLAN, tmp_path)
    log = (tmp_path / "bot.log").read_text(encoding="utf-8")
    assert outcome.audit.faults == [], log[-20_000:]
    assert outcome.exit_code == 0
    assert outcome.happened["killed"] == PLAN.kills + 1
    assert outcome.audit.counts["reviews"] > 5 and outcome.audit.counts["posts that stand"] > 150
    for damage, fault in DAMAGES:
        assert fault in " ".join(_audit_after(damage, outcome, tmp_path)), damage


DAMAGES = (
    ("DELETE FROM posts WHERE id = (SELECT min(id) FROM posts WHERE deleted_at IS NULL)", "was never decided"),
    ("UPDATE posts SET deleted_at = NULL", "the records do not say so"),
    ("UPDATE posts SET deleted_at = 1", "is recorded as deleted"),
    ("UPDATE decisions SET revision = 'another' WHERE id = 1", "on something that nobody wrote"),
    ("UPDATE posts SET current_decision_id = (SELECT max(id) FROM decisions)", "is not the decided one"),
    ("UPDATE cursors SET position = position - 1", "is behind its last post"),
    ("DELETE FROM reviews", "has no review"),
    ("UPDATE reviews SET card_message_id = NULL, card_channel_id = NULL", "has no card"),
    ("UPDATE reviews SET card_message_id = 1, card_channel_id = 1", "is not in the channel"),
    ("UPDATE reviews SET version = version + 1", "is behind"),
    (
        "INSERT INTO review_events (review_id, kind, at) SELECT 1, 'confirmed', n FROM (SELECT 1 n UNION SELECT 2)",
        "review 1 was resolved",
    ),
)


def _audit_after(damage: str, outcome: Outcome, folder: Path) -> list[str]:
    """What the audit says of the same records with ``damage`` done to them."""
    copy = folder / "damaged.db"
    shutil.copy(folder / "threadwatch.db", copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        connection.execute(damage)
    finally:
        connection.close()
    return audit(outcome.storm, copy).faults
