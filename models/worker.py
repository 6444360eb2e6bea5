"""A thread of its own for a network: one job after another, and no hold on the program when it hangs."""

import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeAlias

from typing_extensions import override

_Job: TypeAlias = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class OneThread(Executor):
    """Like a ``ThreadPoolExecutor`` of one, but its thread is a daemon: Python waits for others when it ends."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()
        weakref.finalize(self, self._jobs.put, None)  # the thread ends when nobody can give it jobs any more

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self._jobs.put((future, fn, args, kwargs))
        return future


def _work(jobs: "queue.SimpleQueue[_Job | None]") -> None:
    while job := jobs.get():
        future, fn, args, kwargs = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # whatever it is, the waiter has to hear of it
            future.set_exception(error)
        del job, future, fn, args, kwargs  # or the last job would be kept until the next
