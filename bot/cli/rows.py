"""Reading JSONL and CSV row by row: a bad row is reported with its line number and does not stop the rest."""

import csv
import io
import json
import os
import stat
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.text import Text

from bot.errors import InputError

OPTIONAL = ("title", "reply_to", "author", "id")
FAULTS_TOLD = 50


@dataclass(slots=True)
class Faults:
    """What was wrong with which line, for the end of the run: how often, and the first of it."""

    count: int = 0
    told: list[str] = field(default_factory=list[str])

    def add(self, where: str, what: str) -> None:
        self.count += 1
        if len(self.told) < FAULTS_TOLD:
            self.told.append(f"{where}: {what}")

    def first(self, most: int) -> str:
        return "".join(f"\n- {fault}" for fault in self.told[:most])

    def show(self, file: str, err: Console) -> None:
        for fault in self.told:
            err.print(Text(f"{file}, {fault}", style="yellow"))
        if more := self.count - len(self.told):
            err.print(Text(f"{file}: {more} more could not be read", style="yellow"))


class Lines:
    """The lines of a UTF-8 file, for one loop over them; ``read`` of ``size`` bytes are behind it (None: unknown)."""

    def __init__(self, stream: BinaryIO, file: str, size: int | None) -> None:
        self._stream = stream
        self._file = file
        self.size = size
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        """Raises ``InputError`` where the file cannot be read or is not UTF-8."""
        try:
            for number, raw in enumerate(self._stream, start=1):
                yield self._decoded(raw, number)
                self.read += len(raw)
        except OSError as error:
            raise _unreadable(self._file, error) from error

    def _decoded(self, raw: bytes, number: int) -> str:
        try:
            return raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            place = f"line {number}, byte {self.read + error.start}"
            raise InputError(f"{self._file} is not UTF-8 text ({place}). Save it as UTF-8.") from error


@contextmanager
def open_lines(file: str) -> Generator[Lines]:
    """The lines of ``file``; ``-`` is standard input. Raises ``InputError``."""
    with ExitStack() as stack:
        try:
            stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
            found = None if file == "-" else os.fstat(stream.fileno())
        except OSError as error:
            raise _unreadable(file, error) from error
        yield Lines(stream, file, found.st_size if found and stat.S_ISREG(found.st_mode) else None)


def _unreadable(file: str, error: OSError) -> InputError:
    return InputError(f"{file} cannot be read: {error.strerror}")


def jsonl_rows(lines: Iterable[str], faults: Faults, typed: Sequence[str] = OPTIONAL) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file that have a `text`, in order; ``typed`` keys, if there, must be text too."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.removesuffix("\n"))
        except (ValueError, RecursionError) as error:
            faults.add(f"line {number}", f"not JSON ({error})")
            continue
        if fault := _fault(row, typed):
            faults.add(f"line {number}", fault)
        else:
            yield row


def csv_rows(lines: Iterable[str], faults: Faults, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a CSV file with a header that names a `text` column."""
    # A carriage return alone ends a row too, as in files of old Macs.
    reader = csv.DictReader(part for line in lines for part in io.StringIO(line, newline=""))
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
            faults.add(f"line {reader.line_num}", f"not CSV ({error})")
            continue
        if fault := _fault({key: value for key, value in row.items() if value is not None}, OPTIONAL):
            faults.add(f"line {reader.line_num}", fault)
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
