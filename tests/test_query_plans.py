"""No query reads all of a table that grows: on a fresh database, and with the statistics of a large one."""

import ast
import inspect
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store import Store
from tests.support.store_uses import NOW, REPOSITORIES, Recorder, Statement, uses

CALLS = {"execute", "executemany", "execute_fetchall", "fetch_all", "fetch_one"}
STATISTICS = {
    "cursors": {None: "10838"},
    "decisions": {"decisions_by_verdict": "1000000 50000 25000", "sqlite_autoindex_decisions_1": "1000000 1 1"},
    "evidence": {"evidence_by_age": "50000 1"},
    "guilds": {None: "20"},
    "heat_alerts": {"heat_alerts_by_posting": "136 7 1"},
    "posts": {
        "posts_by_channel": "950000 4750",
        "posts_by_thread": "855000 82",
        "posts_failed": "950 50",
        "posts_in_order": "950000 88 1",
        "posts_standing_in_threads": "845500 42275 1",
        "sqlite_autoindex_posts_1": "950000 950000 1",
    },
    "review_events": {"review_events_by_review": "69596 2"},
    "reviews": {
        "reviews_by_card": "48998 3",
        "reviews_by_card_channel": "48998 2450",
        "reviews_by_decision": "50000 1",
        "reviews_by_opening": "50000 1 1",
        "reviews_by_post": "50000 1",
        "reviews_by_posting": "16324 817 1",
        "reviews_cards_behind": "523 27 3 3",
        "reviews_one_open": "30404 1",
        "reviews_open": "30404 1521",
        "reviews_waiting": "1002 51 1",
    },
    "threshold_changes": {"threshold_changes_by_guild": "4000 200 1"},
    "thresholds": {"thresholds": "200 10 1 1"},
    "unchecked": {"unchecked_by_guild": "4000 200 1"},
    "watched_channels": {"watched_channels_by_guild": "200 10"},
}
"""What ANALYZE writes on a million decisions of 20 servers (``tests/bench/million.py``)."""

MUCH = re.compile(
    r"SCAN (?!w$|lively$|json_each|(\d+ )?CONSTANT ROW).*"  # those stand in the statement itself
    r"|SEARCH .*\((<expr>|\w+)[<>].*"  # a range over all servers
    r"|.*(TEMP B-TREE|AUTOMATIC).*"
)
EXCEPTIONS = {
    ("decisions.cursors", "SCAN cursors"): "all of them, once, at the start",
    ("servers.watched", "SCAN watched_channels"): "all of them, and there are few",
    ("servers.watched", "USE TEMP B-TREE FOR ORDER BY"): "the same",
    ("cards.channel_lost", "SCAN guilds"): "a row for each server",
    ("reviews.guilds_behind", "SCAN reviews USING INDEX reviews_cards_behind"): "what is to be drawn is all it holds",
    ("reviews.guilds_behind", "SCAN reviews USING INDEX reviews_waiting"): "what waits for a card is all it holds",
    ("reviews.guilds_behind", "UNION USING TEMP B-TREE"): "of servers",
    ("reviews.guilds_open", "SCAN reviews USING INDEX reviews_open"): "what is to be decided is all it holds",
    ("decisions.sweep_evidence", "SEARCH evidence USING COVERING INDEX evidence_by_age (stored_at<?)"): "all too old",
    ("decisions.sweep_evidence", "SEARCH evidence USING INDEX evidence_by_age (stored_at<?)"): "all too old",
    ("heat.hot", "SEARCH r USING INDEX reviews_by_opening (opened_at>?)"): "the last ten minutes",
    ("heat.hot", "USE TEMP B-TREE FOR GROUP BY"): "of channels, in the last ten minutes",
    ("cards.standing", "USE TEMP B-TREE FOR count(DISTINCT)"): "of the posts on one card",
    ("cards.with_open_reviews", "USE TEMP B-TREE FOR DISTINCT"): "of one server's open reviews, once a session",
    ("cards.with_open_reviews", "USE TEMP B-TREE FOR ORDER BY"): "the same",
    ("history.threads_standing", "USE TEMP B-TREE FOR DISTINCT"): "of the threads of the last two days",
}


@pytest_asyncio.fixture
async def statements(path: Path) -> list[Statement]:
    recorder = Recorder()
    async with Store.open(path, clock=lambda: NOW) as store:
        recorder.listen(store)
        for recorder.method, use in uses(store):
            await use
    return recorder.statements


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threadwatch.db"


@pytest.fixture(params=["fresh", "large"])
def planner(request: pytest.FixtureRequest, path: Path, statements: list[Statement]) -> Iterator[sqlite3.Connection]:
    """A connection that plans as on a database that is fresh, or large and analysed."""
    assert statements
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if request.param == "large":
            connection.execute("ANALYZE")
            connection.execute("DELETE FROM sqlite_stat1")
            rows = [(table, index, stat) for table, stats in STATISTICS.items() for index, stat in stats.items()]
            connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", rows)
            connection.execute("ANALYZE sqlite_schema")
        yield connection


def faults(planner: sqlite3.Connection, statements: Sequence[Statement]) -> set[tuple[str, str]]:
    """Every step of a plan that may read much: (method, step)."""
    steps = {
        (each.method, row[3])
        for each in statements
        for row in planner.execute(f"EXPLAIN QUERY PLAN {each.sql}", each.parameters)
    }
    return {(method, step) for method, step in steps if MUCH.fullmatch(step)}


async def test_every_method_of_the_store_is_looked_at(path: Path) -> None:
    async with Store.open(path) as store:
        methods = {
            f"{name}.{method}"
            for name, repository in vars(store).items()
            for method, _ in inspect.getmembers(repository, inspect.iscoroutinefunction)
            if not method.startswith("_")
        }
        looked_at: set[str] = set()
        for method, use in uses(store):
            await use
            looked_at.add(method)
    assert looked_at == methods


def test_every_statement_of_the_store_is_looked_at(statements: list[Statement]) -> None:
    run = {each.place for each in statements}
    for file in REPOSITORIES:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in CALLS:
                lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
                assert any((file.name, line) in run for line in lines), f"{file.name}:{call.lineno} is never run"


def test_no_statement_reads_much_of_a_table_that_grows(
    planner: sqlite3.Connection, statements: list[Statement]
) -> None:
    assert faults(planner, statements) <= set(EXCEPTIONS)


def test_every_index_is_in_the_statistics_and_spares_a_statement_much_reading(
    planner: sqlite3.Connection, statements: list[Statement]
) -> None:
    indexes = planner.execute("SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'index'").fetchall()
    assert {(table, name) for table, name, _ in indexes} <= {
        (table, index) for table, stats in STATISTICS.items() for index in stats
    }
    for table, name, sql in indexes:
        if table != "watched_channels" and sql and not sql.startswith("CREATE UNIQUE"):
            planner.execute("BEGIN")
            planner.execute(f"DROP INDEX {name}")
            try:
                assert not faults(planner, statements) <= set(EXCEPTIONS), f"{name} is of no use"
            except sqlite3.OperationalError as error:
                assert "no such index" in str(error)
            planner.execute("ROLLBACK")
