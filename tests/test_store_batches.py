"""A batch is written by a few statements, and leaves the same rows as its decisions written one by one."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Decision, Post, Source
from bot.store import Store
from bot.store.writing import write_decision
from tests.support.properties import profile
from tests.support.store_model import POSTS, WORDS, decision_of, post_of
from tests.support.store_uses import Recorder

WRITTEN = ("posts", "decisions", "evidence", "reviews", "review_events")

states = st.tuples(st.sampled_from(POSTS), st.sampled_from(list(WORDS)), st.integers(0, 3))
batches = st.lists(st.tuples(st.lists(states, max_size=8), st.booleans()), min_size=1, max_size=4)


def decisions_of(batch: Sequence[tuple[int, str, int]]) -> list[Decision]:
    return [decision_of(post_of(number, text, edited_at), 5) for number, text, edited_at in batch]


def content(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in WRITTEN}


@given(batches=batches)
@profile(50, 1)
async def test_a_batch_leaves_what_its_decisions_one_by_one_would(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[tuple[int, str, int]], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    async with (
        Store.open(folder / "together.db", clock=lambda: 9) as together,
        Store.open(folder / "alone.db") as alone,
    ):
        for batch, open_reviews in batches:
            new = await together.decisions.record(decisions_of(batch), open_reviews=open_reviews)
            async with alone.decisions._database.transaction() as connection:
                one_by_one = [
                    await write_decision(connection, decision, open_reviews, 9) for decision in decisions_of(batch)
                ]
            assert new == sum(one_by_one)
    assert content(folder / "together.db") == content(folder / "alone.db")


async def test_the_statements_of_a_batch_do_not_grow_with_it(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "threadwatch.db") as store:
        recorder, counts = Recorder(), list[int]()
        recorder.listen(store)
        for batch in (range(1, 3), range(3, 200)):
            recorder.statements.clear()
            decisions = decisions_of([(number, "friend", 0) for number in batch])
            assert await store.decisions.record(decisions, open_reviews=True, cursors={1: 2, 3: 4}) == len(batch)
            found = await store.decisions.find([decision.post for decision in decisions])
            assert [decision and decision.post.external_id for decision in found] == [str(number) for number in batch]
            counts.append(len(recorder.statements))
        assert counts[0] == counts[1]


async def test_decisions_are_found_for_each_revision_of_a_batch_in_its_order(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "threadwatch.db") as store:
        known = decisions_of([(1, "friend", 0), (1, "idiot", 1), (2, "idiot", 0)])
        await store.decisions.record(known, open_reviews=True)
        asked = [known[2].post, post_of(1, "kill", 2), known[0].post, known[2].post, post_of(3, "idiot", 0)]
        assert await store.decisions.find(asked) == [known[2], None, known[0], known[2], None]
        assert await store.decisions.find([]) == []


@pytest.mark.parametrize("odd", ["a\x00b", "a'b", "?", "ü😀"])
async def test_a_post_with_an_odd_id_is_known_again_and_no_other(tmp_path: Path, odd: str) -> None:
    def decision(external_id: str) -> Decision:
        return replace(
            decision_of(post_of(1, "friend", 0), 1), post=Post(Source.FILE, external_id, "5", "alice", ("friend",), 0)
        )

    async with Store.open(tmp_path / "threadwatch.db") as store:
        for _ in range(2):
            await store.decisions.record([decision(odd), decision("a")], open_reviews=False)
        assert len(content(tmp_path / "threadwatch.db")["decisions"]) == 2
        assert None not in await store.decisions.find([decision(odd).post, decision("a").post])
