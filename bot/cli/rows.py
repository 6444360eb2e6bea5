"""Reading JSONL and CSV: a bad row is reported with its line number and does not stop the rest."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.errors import InputError

OPTIONAL = ("title", "reply_to", "author", "id")


@dataclass(slots=True)
class Faults:
    """What was wrong with which line, for the end of the run."""

    lines: list[str] = field(default_factory=list[str])

    def add(self, number: int, what: str) -> None:
        self.lines.append(f"line {number}: {what}")


def jsonl_rows(content: str, faults: Faults, typed: Sequence[str] = OPTIONAL) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file that have a `text`, in order; ``typed`` keys, if there, must be text too."""
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.add(number, f"not JSON ({error})")
            continue
        if fault := _fault(row, typed):
            faults.add(number, fault)
        else:
            yield row


def csv_rows(content: str, faults: Faults, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a CSV file with a header that names a `text` column."""
    reader = csv.DictReader(io.StringIO(content, newline=""))
    try:
        columns = reader.fieldnames or ()
    except csv.Error as error:
        raise InputError(f"{name} is neither JSONL nor CSV ({error}).") from error
    if "text" not in columns:
        raise InputError("The CSV has no `text` column in its first line. Name the column with the posts `text`.")
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.add(reader.line_num, f"not CSV ({error})")
            continue
        if fault := _fault({key: value for key, value in row.items() if value is not None}, OPTIONAL):
            faults.add(reader.line_num, fault)
        else:
            yield row


def optional(row: Mapping[str, Any], key: str) -> str | None:
    """An optional text of a row; empty counts as absent, a number (an id, say) as its digits."""
    value = row.get(key)
    return None if value is None or value == "" else whole(str(value))


def whole(text: str) -> str:
    """``text`` with half characters (lone surrogates, which JSON can spell) replaced: no file can hold them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _fault(row: object, typed: Sequence[str]) -> str | None:
    if not isinstance(row, dict):
        return "not an object with a `text`"
    if not isinstance(row.get("text"), str):  # pyright: ignore[reportUnknownMemberType]
        return "`text` is missing or not a string"
    for key in typed:
        if not isinstance(row.get(key), str | int | None):  # pyright: ignore[reportUnknownMemberType]
            return f"`{key}` is not a string"
    return None
