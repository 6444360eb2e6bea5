"""The benchmark of the store, on a small scale: it runs, and what it measures is what it says."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store import Store
from bot.store.check import examine
from tests.bench.million import BIG_SERVER, NOW, fill
from tests.bench.store import BATCHES, measure


async def test_the_large_database_holds_what_it_is_said_to(tmp_path: Path) -> None:
    path = tmp_path / "threadwatch.db"
    async with Store.open(path, clock=lambda: NOW) as store:
        fill(path, 20_000)
        decided, flagged, failed = await store.decisions.count(BIG_SERVER)
        assert decided == 10_000 and 400 < flagged < 600 and failed
        assert 0 < await store.reviews.count_waiting(BIG_SERVER) < await store.reviews.count_open(BIG_SERVER)
        assert len(await store.reviews.guilds_open()) == 20 and await store.cards.behind(BIG_SERVER, limit=1)
    assert examine(path).faults == ()
    with closing(sqlite3.connect(path)) as connection:
        ((edits,),) = connection.execute(
            "SELECT count(*) FROM decisions d JOIN posts p ON current_decision_id > d.id AND p.id = post_id"
        )
        ((judged,),) = connection.execute("SELECT count(*) FROM reviews WHERE outcome IS NOT NULL")
    assert edits == 1_000 and 300 < judged < 500


async def test_every_figure_is_measured_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    figures = await measure(decisions=20_000, posts=64)
    assert {each.batch for each in figures.writing} == {each.batch for each in figures.overhead} == set(BATCHES)
    assert figures.writing[-1].before == 20_000
    printed = capsys.readouterr().out
    for each in (*figures.answers, *figures.upkeep):
        assert each.ms > 0 and each.what in printed
