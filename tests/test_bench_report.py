"""docs/performance.md is made of what was measured: figures worked out by hand end up where they belong."""

from pathlib import Path

from tests.bench.footprint import Figures as Footprint
from tests.bench.footprint import OnRuntime, Scored, Start
from tests.bench.growth import Growth, Tenth
from tests.bench.load import Load
from tests.bench.machine import Machine
from tests.bench.plots import write_plots
from tests.bench.posts import Lengths
from tests.bench.profile import Profile
from tests.bench.report import Measured, document
from tests.bench.speed import Speed
from tests.bench.store import Answer, Overhead, Writing
from tests.bench.store import Figures as StoreFigures

START = Start(1.0, 1.25, 3.3, 4.0, 150.0, 190.0, 195.0, frozenset({"onnxruntime"}))
MEASURED = Measured(
    machine=Machine("Abacus", 2, ("avx2",), 4.0, "3.11", "onnxruntime 1", int8_gops=1000.0, fp32_gops=250.0),
    speeds=[Speed("Detoxify", 10.0, 80.0), Speed("Threadwatch", 250.0, 5.0), Speed("torch", 100.0, None)],
    profile=Profile(0.03, 0.2, 2.0, 500.0, {"MatMulIntegerToFloat": 0.625, "Gelu": 0.375}),
    footprint=Footprint(
        200,
        [OnRuntime("auto", [START], {"numpy": 100.0}), OnRuntime("torch", [START], {"torch": 2000.0})],
        {"auto": Scored(0.5, 120.0, 121.0), "torch": Scored(6.0, 530.0, 540.0), "rival": Scored(7.0, 420.0, 860.0)},
    ),
    loads=[Load(10.0, 10.0, 0, 9.0, 20.0, 30.0, 6.0), Load(500.0, 300.0, 7, 2000.0, 3000.0, 4000.0, 90.0)],
    behind=[Load(5.0, 5.0, 0, 54.0, 121.0, 190.0, 8.0)],
    store=StoreFigures(
        [Writing(64, True, 0, 12_000.0), Writing(64, True, 1_000_000, 11_000.0)],
        [Overhead(128, True, 0.09)],
        [Answer("/status", 42.0), Answer("/setup", 3.0)],
        [Answer("migration 0004", 1500.0)],
    ),
    growth=Growth(
        "the corpus",
        100,
        Lengths(36.0, 26.0, 300),
        3,
        [Tenth(50, 300.0, 6.0, 190.0), Tenth(100, 270.0, 6.3, 209.0)],
        210.0,
    ),
)


def test_targets_are_compared_with_what_was_measured() -> None:
    written = document(MEASURED, "performance")
    for row in (
        "| throughput, against Detoxify | 20 times | 25.0 times |",
        "| a single post on an idle machine, against Detoxify | 1/10 | 1/16.0 |",
        "| resident memory of the running bot | 300 MB | 190 MB |",
        "| from start to watching | 6 s | 1.2 s |",
        "| event loop blocked, at most, below saturation | 20 ms | 6.0 ms |",
        "| decisions a second into SQLite | 5,000 | 12,000 |",
        "| pipeline without the model | 0.2 ms a post | 0.09 ms a post |",
        "| slowest command on a million decisions | 200 ms | 42 ms (/status) |",
        "| long scan, last tenth against first | flat | speed x0.90, memory x1.10 |",
    ):
        assert row in written, row
    assert "**50% of that peak**; its matrix multiplications alone 800, 80%." in written
    assert "| `THREADWATCH_RUNTIME=auto` | 1.2 | 3.3 | 190 | 195 | no |" in written
    assert "| Detoxify | 7.0 | 420 | 860 |" in written and "{" not in written


def test_every_picture_that_the_document_shows_is_drawn(tmp_path: Path) -> None:
    write_plots(MEASURED.loads, MEASURED.growth, tmp_path / "performance")
    for line in document(MEASURED, "performance").splitlines():
        if line.startswith("!["):
            assert (tmp_path / line.partition("](")[2].rstrip(")")).stat().st_size > 5_000
