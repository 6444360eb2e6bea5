"""Joins what several callers ask for into batches for a network, in a thread of its own.

The thread never waits for a batch to fill: it takes what is there. So a lone item is answered at once, and batches
grow by themselves as the load does.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from models.worker import run_in_thread

Item = TypeVar("Item")
Answer = TypeVar("Answer")

LOOKAHEAD = 512
"""Items among which neighbours in length are looked for."""
CAPACITY = 4096
"""Items that wait at most; who brings more waits for room."""


@dataclass(eq=False, slots=True)
class _Call(Generic[Answer]):
    """What one caller asked: answered when all its items are, or failed with the first of them."""

    answers: list[Answer | None]
    missing: int
    future: "Future[list[Answer]]" = field(default_factory=Future[Any])

    def answer(self, place: int, answer: Answer) -> None:
        self.answers[place] = answer
        self.missing -= 1
        if not self.missing and self._is_awaited():
            self.future.set_result(self.answers)  # pyright: ignore[reportArgumentType]  # none is missing

    def fail(self, error: BaseException) -> None:
        if self._is_awaited():
            self.future.set_exception(error)

    def _is_awaited(self) -> bool:
        return not self.future.done() and self.future.set_running_or_notify_cancel()


@dataclass(frozen=True, eq=False, slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    length: int
    call: _Call[Answer]
    place: int


class BatcherClosed(RuntimeError):
    """Nobody computes any more."""


class Batcher(Generic[Item, Answer]):
    """``compute`` answers a batch in order. A batch costs its longest item's length times its size: ``budget`` at most.

    An exception of ``compute`` reaches the callers that had an item in that batch, and nobody else. When the batcher is
    not referred to any more, its thread dies, or the program ends, what waits fails with ``BatcherClosed``.
    """

    def __init__(
        self,
        name: str,
        compute: Callable[[Sequence[Item]], Sequence[Answer]],
        length: Callable[[Item], int],
        budget: int,
        capacity: int = CAPACITY,
    ) -> None:
        self._length = length
        self._queue: _Queue[Item, Answer] = _Queue(budget, capacity)
        run_in_thread(name, partial(_work, self._queue, compute), self._queue.close)
        weakref.finalize(self, self._queue.close).atexit = False  # the thread sees to that itself

    def ask(self, items: Sequence[Item]) -> "Future[list[Answer]]":
        """The answers to ``items``; cancel it to drop those not begun. Blocks while too many items wait."""
        call: _Call[Answer] = _Call([None] * len(items), len(items))
        if items:
            self._queue.put([_Waiting(item, self._length(item), call, n) for n, item in enumerate(items)])
        else:
            call.future.set_result([])
        return call.future


class _Queue(Generic[Item, Answer]):
    def __init__(self, budget: int, capacity: int) -> None:
        self._budget = budget
        self._capacity = capacity
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, items: Sequence[_Waiting[Item, Answer]]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._capacity or self._closed)
            self._waiting.extend(items)
            if self._closed:
                self._drop()
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._drop()
            self._changed.notify_all()

    def take(self) -> "list[_Waiting[Item, Answer]]":
        """The item that has waited longest and its neighbours in length; nothing once closed."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._waiting = deque(waiting for waiting in self._waiting if not waiting.call.future.done())
                batch = self._batch()
                self._changed.notify_all()
                if batch or self._closed:
                    return batch

    def _drop(self) -> None:
        for waiting in self._waiting:
            waiting.call.fail(BatcherClosed("the thread that computes has ended"))
        self._waiting.clear()

    def _batch(self) -> "list[_Waiting[Item, Answer]]":
        """Of the first items by length, cut into batches: the one that holds the very first."""
        if not self._waiting:
            return []
        first = self._waiting[0]
        batch: list[_Waiting[Item, Answer]] = []
        count = min(LOOKAHEAD, len(self._waiting))
        for waiting in sorted((self._waiting[i] for i in range(count)), key=lambda waiting: waiting.length):
            if batch and (len(batch) + 1) * waiting.length > self._budget:
                if first in batch:
                    break
                batch = []
            batch.append(waiting)
        taken = set(batch)
        self._waiting = deque(waiting for waiting in self._waiting if waiting not in taken)
        return batch


def _work(queue: _Queue[Item, Answer], compute: Callable[[Sequence[Item]], Sequence[Answer]]) -> None:
    while batch := queue.take():
        _answer(batch, compute)
        del batch  # or its posts would be kept until the next


def _answer(batch: Sequence[_Waiting[Item, Answer]], compute: Callable[[Sequence[Item]], Sequence[Answer]]) -> None:
    try:
        answers = compute([waiting.item for waiting in batch])
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.call.answer(waiting.place, answer)
    except BaseException as error:  # whatever it is, the callers have to hear of it
        for waiting in batch:
            waiting.call.fail(error)
