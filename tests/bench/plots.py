"""The pictures of docs/performance.md."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt  # the backend must be chosen first: there may be no display

from tests.bench.growth import Growth
from tests.bench.load import Load


def write_plots(loads: Sequence[Load], growth: Growth, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _load(loads, folder / "load.png")
    _growth(growth, folder / "growth.png")


def _load(loads: Sequence[Load], path: Path) -> None:
    """Throughput and latency against the posts that are offered."""
    figure, (throughput, latency) = plt.subplots(1, 2, figsize=(9, 3.4))
    offered = [load.offered for load in loads]
    throughput.plot(offered, offered, color="0.8", linewidth=1, label="offered")
    throughput.plot(offered, [load.decided for load in loads], marker="o", label="decided")
    throughput.set_ylabel("posts a second")
    for name in ("p50", "p95", "p99"):
        latency.plot(offered, [getattr(load, name) for load in loads], marker="o", label=name)
    latency.set_yscale("log")
    latency.set_ylabel("ms from message to decision")
    for panel in (throughput, latency):
        panel.set_xlabel("posts offered a second")
        panel.legend(frameon=False)
    _save(figure, path)


def _growth(growth: Growth, path: Path) -> None:
    """Speed and memory of each tenth of a long scan."""
    figure, (speed, memory) = plt.subplots(1, 2, figsize=(9, 3))
    tenths = range(1, len(growth.tenths) + 1)
    speed.plot(tenths, [tenth.per_second for tenth in growth.tenths], marker="o")
    speed.set_ylabel("posts a second")
    memory.plot(tenths, [tenth.resident_mb for tenth in growth.tenths], marker="o")
    memory.set_ylabel("resident memory, MB")
    for panel in (speed, memory):
        panel.set_ylim(bottom=0)
        panel.set_xlabel(f"tenth of {growth.posts:,} posts")
    _save(figure, path)


def _save(figure: "plt.Figure", path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
