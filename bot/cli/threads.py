"""Threads in files: JSON with comments, JSONL or CSV with a `text` column; `-` is standard input."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, cast

from bot.cli.rows import Faults, Lines, csv_rows, jsonl_rows, optional, whole
from bot.domain import Post, Source
from bot.errors import InputError

ARTICLE = "(article)"
ANONYMOUS = "(unknown)"
_FORMS = 'Expected JSON {"title", "body", "comments": [{"author", "text"}]}, or JSONL or CSV with a `text` column.'


def read_thread(lines: Lines, file: str, at: int, faults: Faults) -> Iterator[Post]:
    """The posts of ``file`` (``at``: the time they count as written, Unix ms), read as they are asked for.

    Only what is, or may be, one JSON thread is read as a whole: never a `.jsonl`. Raises ``InputError`` if the file
    as a whole cannot be used: at once if that shows before the first post, else where it shows.
    """
    name = Path(file).name
    posts = _posts(lines, name, faults, at)
    first = next(posts, None)
    if first is None:
        raise InputError(f"{name} holds no post. {_FORMS}{faults.first(5)}")
    return chain([first], posts)


def _posts(lines: Lines, name: str, faults: Faults, at: int) -> Iterator[Post]:
    identify = _Identities(name)
    if name.endswith(".jsonl"):
        yield from _row_posts(jsonl_rows(lines, faults), identify, at)
        return
    rest = iter(lines)
    head = _to_first_line(rest)
    if name.endswith(".json") or _may_open_thread("".join(head)):
        head += rest
    thread = _as_object("".join(head), name)
    if thread is not None:
        yield from _thread_posts(thread, identify, faults, at)
        return
    is_csv = _looks_like_csv("".join(head), name)
    rows = csv_rows(chain(head, rest), faults, name) if is_csv else jsonl_rows(chain(head, rest), faults)
    yield from _row_posts(rows, identify, at)


def _row_posts(rows: Iterable[Mapping[str, Any]], identify: "_Identities", at: int) -> Iterator[Post]:
    for row in rows:
        yield _post(row["text"], row, identify, at, title=optional(row, "title"))


def _to_first_line(lines: Iterator[str]) -> list[str]:
    """The lines up to the first that is not blank."""
    head: list[str] = []
    for line in lines:
        head.append(line)
        if line.strip():
            break
    return head


def _may_open_thread(head: str) -> bool:
    """Whether ``head`` is, or begins, a JSON object that is no row: then only the whole file tells."""
    if not head.lstrip().startswith("{"):
        return False
    try:
        return "text" not in json.loads(head)
    except (ValueError, RecursionError):
        return True


class _Identities:
    """Ids for posts that may have none: the file's own, else a hash of who said what where.

    The same words by the same author count again when they stand in the file again. This is all that is kept of a
    long file: some 100 bytes a row without an id of its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: Counter[bytes] = Counter()

    def of(self, row: Mapping[str, Any], title: str | None) -> str:
        given = optional(row, "id")
        if given is not None:
            return f"{self._name}#{given}"
        said = json.dumps([title, optional(row, "author"), optional(row, "reply_to"), row["text"]])
        digest = hashlib.sha256(said.encode()).digest()[:16]
        self._seen[digest] += 1
        return f"{digest.hex()}#{self._seen[digest]}"


def _as_object(content: str, name: str) -> dict[str, Any] | None:
    """The file as one JSON thread, or None if it looks like rows."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        if name.endswith(".json"):
            raise InputError(f"{name} is not valid JSON: {error}. {_FORMS}") from error
        return None
    if isinstance(value, dict) and "text" not in value and ("comments" in value or "body" in value):
        return cast("dict[str, Any]", value)
    if name.endswith(".json"):
        raise InputError(f"{name} is JSON, but not a thread. {_FORMS}")
    return None


def _looks_like_csv(content: str, name: str) -> bool:
    return name.endswith(".csv") or not content.lstrip().startswith("{")


def _thread_posts(thread: dict[str, Any], identify: _Identities, faults: Faults, at: int) -> Iterator[Post]:
    title, body, comments = thread.get("title"), thread.get("body"), thread.get("comments", [])
    if not isinstance(title, str | None) or not isinstance(body, str | None) or not isinstance(comments, list):
        raise InputError(f"`title` and `body` must be text and `comments` a list. {_FORMS}")
    if title or body:
        row = {"text": body or "", "author": ARTICLE}
        yield _post(body or "", row, identify, at, title=title, is_starter=True)
    for number, comment in enumerate(cast("list[object]", comments), start=1):
        if isinstance(comment, dict) and isinstance(comment.get("text"), str):  # pyright: ignore[reportUnknownMemberType]
            row = cast("dict[str, Any]", comment)
            yield _post(row["text"], row, identify, at, title=title)
        else:
            faults.add(f"comment {number} was skipped", "it is no object with a `text`")


def _post(
    text: str, row: Mapping[str, Any], identify: _Identities, at: int, *, title: str | None, is_starter: bool = False
) -> Post:
    author = optional(row, "author") or ANONYMOUS
    return Post(
        source=Source.FILE,
        external_id=identify.of(row, title),
        author_id=author,
        author_name=author,
        parts=(whole(text),),
        created_at=at,
        thread_title=whole(title) if title else title,
        is_starter=is_starter,
        reply_to=optional(row, "reply_to"),
    )
