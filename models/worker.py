"""Threads that compute: daemons, so that one that hangs holds up nobody, which yet end in order with the program."""

import atexit
import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 5.0
"""At the program's end, for what is being computed: a thread cut off inside compiled code aborts the process."""

_running: dict[threading.Thread, Callable[[], None]] = {}


def run_in_thread(name: str, work: Callable[[], None], close: Callable[[], None]) -> None:
    """Run ``work`` in a thread of its own; ``close`` makes it end once it is done with what it does at the moment.

    ``close`` is also called when ``work`` ends by itself, however it does: then nobody must wait for it any more.
    """

    def run() -> None:
        try:
            work()
        finally:
            close()

    for ended in [thread for thread in _running if not thread.is_alive()]:
        del _running[ended]  # not by itself: while it ends it may have a network to free, which takes compiled code
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    _running[thread] = close


@atexit.register
def _end() -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    threads = dict(_running)
    for close in threads.values():
        close()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
