"""A made-up folder of labelled sets, as training and evaluation read it."""

import csv
import gzip
from collections.abc import Collection, Mapping
from pathlib import Path

from models.train.sources import SOURCES

COLUMNS = ["text", "label", "inflammatory", "misinfo", "sublabels", "split", "lang", "context", "scope"]
Rows = Mapping[str, list[dict[str, str]]]


def data(folder: Path, rows: Rows, scopes: Mapping[str, str] | None = None, test: Collection[str] = ()) -> Path:
    """A data folder with ``rows``; every set of the recipe exists and is empty unless named.

    Sets called ``test_…`` and those in ``test`` are for testing only.
    """
    sets = {source.name: [] for source in SOURCES} | dict(rows)
    with (folder / "MANIFEST.csv").open("w", encoding="utf-8", newline="") as file:
        manifest = csv.DictWriter(file, ["name", "use", "scope", "licence", "source"])
        manifest.writeheader()
        for name in sets:
            use = "test" if name in test or name.startswith("test_") else "train"
            scope = (scopes or {}).get(name, "toxicity")
            manifest.writerow({"name": name, "use": use, "scope": scope, "licence": "made up", "source": "here"})
    for name, content in sets.items():
        with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, restval="")
            table.writeheader()
            table.writerows({"lang": "en", **row} for row in content)
    return folder
