"""The batcher: callers share batches of neighbours in length; an error stays with the callers of its batch."""

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import pytest

from models.batcher import Batcher, BatcherClosed

SECONDS = 10
"""Patience with another thread; nothing here takes that long."""


class Network:
    """Answers each text with its capitals, once it is let; remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.free = threading.Event()

    def __call__(self, batch: Sequence[str]) -> list[str]:
        self.batches.append(list(batch))
        self.begun.release()
        if not self.free.is_set():
            assert self.let.acquire(timeout=SECONDS)
        if "bad" in batch:
            raise ArithmeticError("bad")
        return [text.upper() for text in batch]

    def batcher(self, budget: int = 12, capacity: int = 100) -> Batcher[str, str]:
        return Batcher("network", self, len, budget, capacity)

    def go_on(self) -> None:
        self.free.set()
        self.let.release()


@pytest.fixture
def network() -> Network:
    return Network()


Busy = Callable[[Batcher[str, str]], "Future[list[str]]"]


@pytest.fixture
def busy(network: Network) -> Busy:
    """Gives the network something to do, so that what is asked next has to wait."""

    def keep(batcher: Batcher[str, str]) -> "Future[list[str]]":
        asked = batcher.ask(["first"])
        assert network.begun.acquire(timeout=SECONDS)
        return asked

    return keep


def test_a_lone_item_does_not_wait_for_a_batch_to_fill(network: Network) -> None:
    network.free.set()
    assert network.batcher(budget=1_000).ask(["alone"]).result(SECONDS) == ["ALONE"]
    assert network.batches == [["alone"]]


def test_answers_come_in_the_order_asked_whatever_the_batches(network: Network) -> None:
    network.free.set()
    asked = ["ccc", "a", "bbbbbbbb", "", "dd", "e" * 40]
    assert network.batcher().ask(asked).result(SECONDS) == [text.upper() for text in asked]


def test_nothing_asked_is_answered_at_once(network: Network) -> None:
    assert network.batcher().ask([]).result(0) == []


def test_callers_share_batches_of_neighbours_in_length_within_the_budget(network: Network, busy: Busy) -> None:
    batcher = network.batcher(budget=12)
    busy(batcher)
    one, other = batcher.ask(["aaaa", "b", "cccccc"]), batcher.ask(["dddd", "e", "ffff"])
    network.go_on()
    assert one.result(SECONDS) == ["AAAA", "B", "CCCCCC"] and other.result(SECONDS) == ["DDDD", "E", "FFFF"]
    shared = network.batches[1:]
    assert sorted(map(sorted, shared)) == [["aaaa", "b", "e"], ["cccccc"], ["dddd", "ffff"]]
    assert all(max(map(len, batch)) * len(batch) <= 12 for batch in shared)


def test_who_has_waited_longest_is_in_the_next_batch(network: Network, busy: Busy) -> None:
    batcher = network.batcher(budget=12)
    busy(batcher)
    asked = [batcher.ask([text]) for text in ("x" * 12, *["y"] * 30)]
    network.go_on()
    assert asked[0].result(SECONDS) == ["X" * 12]
    assert network.batches[1] == ["x" * 12]


def test_an_item_over_the_budget_goes_alone(network: Network) -> None:
    network.free.set()
    assert network.batcher(budget=3).ask(["aaaaaaaa", "b"]).result(SECONDS) == ["AAAAAAAA", "B"]
    assert sorted(network.batches) == [["aaaaaaaa"], ["b"]]


def test_an_error_reaches_the_callers_in_its_batch_and_nobody_else(network: Network, busy: Busy) -> None:
    batcher = network.batcher(budget=6)
    before = busy(batcher)
    spoilt, beside, apart = batcher.ask(["bad", "xxxxxx"]), batcher.ask(["abc"]), batcher.ask(["1234567890"])
    network.go_on()
    for waiting in (spoilt, beside):
        with pytest.raises(ArithmeticError, match="bad"):
            waiting.result(SECONDS)
    assert before.result(SECONDS) == ["FIRST"] and apart.result(SECONDS) == ["1234567890"]
    assert ["xxxxxx"] not in network.batches, "the rest of a failed call is not computed"
    assert batcher.ask(["after"]).result(SECONDS) == ["AFTER"]


def test_even_what_is_no_exception_reaches_the_caller(network: Network) -> None:
    def panic(_: Sequence[str]) -> list[str]:
        raise SystemExit(1)

    batcher: Batcher[str, str] = Batcher("panics", panic, len, 10)
    for _ in range(2):
        with pytest.raises(SystemExit):
            batcher.ask(["x"]).result(SECONDS)


def test_a_network_that_answers_too_little_is_an_error(network: Network) -> None:
    batcher: Batcher[str, str] = Batcher("short", lambda batch: ["one"], len, 10)
    with pytest.raises(ValueError, match="shorter"):
        batcher.ask(["a", "b"]).result(SECONDS)


def test_what_a_caller_gave_up_is_not_computed(network: Network, busy: Busy) -> None:
    batcher = network.batcher()
    busy(batcher)
    given_up, kept = batcher.ask(["given", "up"]), batcher.ask(["kept"])
    assert given_up.cancel()
    network.go_on()
    assert kept.result(SECONDS) == ["KEPT"]
    assert network.batches[1:] == [["kept"]]


def test_a_caller_may_give_up_what_is_being_computed(network: Network, busy: Busy) -> None:
    batcher = network.batcher()
    asked = busy(batcher)
    assert asked.cancel()
    network.go_on()
    assert batcher.ask(["next"]).result(SECONDS) == ["NEXT"]


def test_who_asks_too_much_waits_for_room_and_loses_nothing(network: Network, busy: Busy) -> None:
    batcher = network.batcher(capacity=2)
    busy(batcher)
    early = batcher.ask(["a", "b"])
    late: list[str] = []
    asking = threading.Thread(target=lambda: late.extend(batcher.ask(["c"]).result(SECONDS)))
    asking.start()
    asking.join(0.05)
    assert asking.is_alive() and network.batches == [["first"]]
    network.go_on()
    asking.join(SECONDS)
    assert early.result(SECONDS) == ["A", "B"] and late == ["C"]


def test_what_was_answered_is_not_kept(network: Network) -> None:
    class Text(str):
        """One that can be referred to weakly."""

    network.free.set()
    batcher = network.batcher()
    text = Text("x")
    batcher.ask([text]).result(SECONDS)
    network.batches.clear()
    kept = weakref.ref(text)
    del text
    for _ in range(100):  # its thread may still be about to let go of it
        if kept() is None:
            return
        time.sleep(0.01)
    pytest.fail("the last batch is kept until the next")


def test_who_asks_a_thread_that_died_is_told(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.free.set()
    batcher = network.batcher()
    monkeypatch.setattr("models.batcher._Queue._batch", Failing())
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    for _ in range(2):
        with pytest.raises(BatcherClosed):
            batcher.ask(["x"]).result(SECONDS)


class Failing:
    def __call__(self) -> list[str]:
        raise MemoryError


def test_a_thread_that_hangs_does_not_keep_the_program_from_ending() -> None:
    script = """
import threading
from models import worker
from models.batcher import Batcher, BatcherClosed
worker.PATIENCE_SECONDS = 0.2
Batcher("hangs", lambda _: threading.Event().wait(), len, 1).ask(["x"])
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_the_program_waits_for_what_is_being_computed_and_drops_the_rest() -> None:
    """A thread that is cut off inside compiled code would abort the process."""
    script = """
import time
from models.batcher import Batcher, BatcherClosed
def compute(batch):
    time.sleep(0.3)
    print("computed", *batch, flush=True)
    return batch
batcher = Batcher("slow", compute, len, 1)
asked = batcher.ask(["one", "two"])
time.sleep(0.1)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True, text=True)
    assert ended.stdout == "computed one\n"


def test_its_thread_ends_with_it(network: Network) -> None:
    network.free.set()
    before = set(threading.enumerate())
    batcher = network.batcher()
    batcher.ask(["x"]).result(SECONDS)
    (thread,) = set(threading.enumerate()) - before
    del batcher
    thread.join(SECONDS)
    assert not thread.is_alive()
