"""`make bench`: everything in one run, as ratios where there is something to compare with; writes docs/performance.md.

It takes some twenty minutes. On a machine that does something else at the same time only the ratios mean anything.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from bot.config import PROJECT_ROOT
from tests.bench import detoxify_way, footprint, growth, load, machine, profile, speed, store
from tests.bench.plots import write_plots
from tests.bench.report import Measured, document

Figures = TypeVar("Figures")
DOCUMENT = PROJECT_ROOT / "docs" / "performance.md"


def main() -> None:
    found = Measured(
        machine=_said(machine.lines_of, machine.measure()),
        speeds=_said(speed.lines_of, speed.measure()),
        profile=_said(profile.lines_of, profile.measure()),
        loads=_said(load.lines_of, asyncio.run(load.measure())),
        behind=_said(load.lines_of, asyncio.run(load.measure(load.LIVE, backlog=True))),
        footprint=_said(footprint.lines_of, _footprint()),
        store=asyncio.run(store.measure()),
        growth=_said(growth.lines_of, asyncio.run(growth.measure())),
    )
    DOCUMENT.write_text(document(found, DOCUMENT.stem), encoding="utf-8")
    write_plots(found.loads, found.growth, DOCUMENT.with_suffix(""))
    print(f"wrote {DOCUMENT} and its plots")


def _footprint() -> footprint.Figures:
    with tempfile.TemporaryDirectory() as folder:
        files = detoxify_way.checkpoint(Path(folder))
        return asyncio.run(footprint.measure([sys.executable, "-m", detoxify_way.__name__, *map(str, files)]))


def _said(lines_of: Callable[[Figures], Iterable[str]], figures: Figures) -> Figures:
    """Print what was measured, and hand it on."""
    print("", *lines_of(figures), sep="\n", flush=True)
    return figures


if __name__ == "__main__":
    main()
