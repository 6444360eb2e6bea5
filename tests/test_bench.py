"""The benchmarks of a running bot, on a small scale: they run, and what they measure is what they say."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import onnxruntime
import pytest

from models.classifier import ClassifierInput
from models.labels import Label
from models.train.corpus import CorpusPost
from tests.bench import footprint, growth, posts
from tests.bench.growth import Growth, Mark, tenths_of
from tests.support.datasets import data


def corpus_post(text: str, split: str = "train", *labels: Label, unsure: tuple[Label, ...] = ()) -> CorpusPost:
    return CorpusPost(
        "x1", "town", split, "plain", "town/1", ClassifierInput(text), False, frozenset(labels), frozenset(unsure)
    )


def test_posts_are_as_long_as_they_are_said_to_be_and_no_two_are_alike() -> None:
    made = posts.texts(3_000)
    assert len(set(made)) == len(made) == 3_000
    found = posts.lengths(made)
    assert 33 < found.mean < 39 and 23 < found.median < 30 and 200 < found.longest <= posts.LONGEST


def test_the_same_seed_makes_the_same_posts() -> None:
    assert posts.texts(20, seed=1) == posts.texts(20, seed=1) != posts.texts(20, seed=2)


def test_posts_are_made_of_civil_sentences_outside_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    def corpus() -> Iterator[CorpusPost]:
        yield corpus_post("Yes. The council met on Tuesday.")
        yield corpus_post("Held out.", "test")
        yield corpus_post("You clown.", "train", Label.INSULT)
        yield corpus_post("Everybody hides something.", unsure=(Label.CONSPIRACY,))

    monkeypatch.setattr(posts, "corpus", corpus)
    words = {word for text in posts.texts(50) for word in text.split()}
    assert words == {"The", "council", "met", "on", "Tuesday."}, "the one word of “Yes.” is always replaced"


def test_a_post_that_was_made_before_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "corpus", lambda: [corpus_post("Yes. The council met.")])
    monkeypatch.setattr(posts, "MEAN_WORDS", 2)
    made = posts.texts(40)
    assert len(set(made)) == len(made) == 40


def test_labelled_posts_are_english_short_enough_and_from_no_test_set_or_test_split(tmp_path: Path) -> None:
    kept = {"A post about the budget", "Another one, about the bridge"}
    left_out = [
        {"text": "Held out", "split": "test"},
        {"text": "Ein Beitrag", "lang": "de"},
        {"text": " "},
        {"text": "long " * 1_000},
    ]
    folder = data(
        tmp_path,
        {"cad": [{"text": text} for text in kept] + left_out, "olid": [{"text": text} for text in kept]}
        | {"test_set": [{"text": "For testing only"}]},
    )
    found = posts.labelled(10, folder)
    assert set(found) == kept and len(found) == len(kept)
    assert len(posts.labelled(1, folder)) == 1


def scan_of(batches: int, seconds: float, *, slower_from: int = sys.maxsize, factor: float = 1) -> Iterator[Mark]:
    """As a scan in batches of 64 is seen that takes ``seconds`` a batch, and two looks at each."""
    at = 5.0
    for batch in range(batches + 1):
        yield Mark(batch * 64, at, 2 * at, 100 + batch)
        yield Mark(batch * 64, at + seconds / 2, 2 * at + seconds, 100 + batch)
        at += seconds * (factor if batch >= slower_from else 1)


def test_a_steady_scan_has_ten_equal_tenths() -> None:
    tenths = tenths_of(list(scan_of(101, 0.5)), 101 * 64)
    assert len(tenths) == 10 and tenths[-1].posts == 101 * 64
    assert [round(each.per_second) for each in tenths] == [128] * 10
    assert [round(each.cpu_ms, 3) for each in tenths] == [15.625] * 10
    assert [each.resident_mb for each in tenths[:2]] == [111, 121]


def test_a_scan_that_slows_down_and_grows_shows_it() -> None:
    marks = list(scan_of(100, 0.5, slower_from=90, factor=2))
    grown = Growth("nowhere", 6_400, posts.lengths(["a post"]), 0, tenths_of(marks, 6_400), 200)
    assert grown.speed_ratio == pytest.approx(0.5) and grown.cpu_ratio == pytest.approx(2)
    assert grown.memory_ratio == pytest.approx(200 / 110)


def test_tenths_that_pass_together_and_an_end_that_nobody_saw_count_once() -> None:
    marks = [Mark(0, 0, 0, 50), Mark(64, 1, 1, 60), Mark(320, 2, 2, 70), Mark(576, 3, 3, 80), Mark(600, 4, 4, 80)]
    tenths = tenths_of(marks, 640)
    assert [each.posts for each in tenths] == [320, 576, 600]
    assert [each.per_second for each in tenths] == [256, 256, 24]


async def test_a_scan_is_watched_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "texts", lambda count: [f"Notice {number} of the council." for number in range(count)])
    figures = await growth.measure(1_000, made=True)
    assert figures.posts == 1_000 and figures.flagged < 500 and figures.source == "the corpus"
    assert figures.tenths and all(each.per_second > 0 and each.cpu_ms > 0 for each in figures.tenths)
    assert 50 < figures.tenths[0].resident_mb <= figures.peak_mb < 1_000
    printed = "\n".join(growth.lines_of(figures))
    assert "1000 posts of the corpus" in printed and f"x{figures.memory_ratio:.2f}" in printed


async def test_the_bot_on_onnx_starts_without_torch_and_its_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "REST_SECONDS", 0)
    start, log = await footprint._start(3, "weights", THREADWATCH_RUNTIME="onnx", PYTHONPROFILEIMPORTTIME="1")
    assert 0 < start.loaded_s <= start.connected_s <= start.ready_s and start.posts_s > 0
    assert 50 < start.ready_mb <= start.peak_mb and 50 < start.rest_mb <= start.peak_mb
    assert start.libraries == {"onnxruntime"}
    measured = footprint.OnRuntime("onnx", [start], footprint.imports_of(log))
    assert {"discord", "onnxruntime", "cogs"} <= measured.imports.keys() and measured.heavy == []
    printed = "\n".join(footprint.lines_of(footprint.Figures(3, [measured], {})))
    assert re.search(rf"at most\s+{start.peak_mb:.2f}\s+{start.peak_mb:.2f} MB", printed)


def test_imports_are_summed_up_by_package_slowest_first() -> None:
    log = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      1500 |       1500 |   discord.http\n"
        "2026-01-01 INFO    bot.login: model, database\n"
        "import time:      2500 |       4000 | discord\n"
        "import time:       900 |       4900 | torch\n"
    )
    found = footprint.imports_of("import time:       100 |        100 | bot\n" + log)
    assert list(found.items()) == [("discord", 4.0), ("torch", 0.9), ("bot", 0.1)]
    assert footprint.OnRuntime("onnx", [], found).heavy == ["torch"]


def test_another_model_is_measured_when_it_has_scored_and_its_peak_is_remembered() -> None:
    program = "import sys; bytearray(200_000_000); print('scored', flush=True); sys.stdin.read()"
    scored = footprint.score_one([sys.executable, "-c", program])
    assert scored.seconds > 0 and 5 < scored.resident_mb < 100
    assert scored.peak_mb - scored.resident_mb > 150


def test_another_model_that_does_not_score_is_no_figure() -> None:
    with pytest.raises(AssertionError, match="ended with 3"):
        footprint.score_one([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_library_is_seen_where_its_code_is_mapped() -> None:
    assert onnxruntime.__version__
    assert "onnxruntime" in footprint.libraries_of(os.getpid())
