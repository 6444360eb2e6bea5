"""The queues between Discord and the pipeline: bounded, in order, worked off in batches, live posts first."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from bot.cursors import CursorTracker
from bot.domain import Post
from bot.errors import IntakeFull, ScoringFailed, StoreError
from bot.health import Health
from bot.patience import patiently
from bot.pipeline import Pipeline, Processed
from bot.store import Store

BATCH = 128
BACKLOG = 32
"""Posts from history that wait at a time, and make a batch: a live post that comes meanwhile waits for it."""
DRAIN_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    post: Post
    done: "asyncio.Future[Processed]"
    since: float = field(default_factory=time.perf_counter)


class Intake:
    """Use as ``async with``: a worker runs inside; leaving waits up to ten seconds for the queue to empty."""

    def __init__(
        self, pipeline: Pipeline, store: Store, cursors: CursorTracker, health: Health, capacity: int = 1000
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._cursors = cursors
        self._health = health
        self._live: asyncio.Queue[_Waiting] = asyncio.Queue(capacity)
        self._backlog: asyncio.Queue[_Waiting] = asyncio.Queue(BACKLOG)
        self._filled = asyncio.Event()
        self._outstanding: set[asyncio.Future[Processed]] = set()
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work(), name="intake")
        self._worker.add_done_callback(self._stopped)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await asyncio.wait_for(self.drain(), DRAIN_SECONDS)
        except TimeoutError:
            log.warning("stopping with %d posts unread; they stay behind their channels' cursors", len(self))
        assert self._worker is not None, "entered before left"
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        for waiting in [*_taken(self._live, len(self)), *_taken(self._backlog, len(self))]:
            waiting.done.cancel()

    def __len__(self) -> int:
        return self._live.qsize() + self._backlog.qsize()

    @property
    def working(self) -> bool:
        """Whether posts are being worked off."""
        return self._worker is not None and not self._worker.done()

    def put(self, post: Post) -> "asyncio.Future[Processed]":
        """Queue ``post``; the future gives its decision, or ``ScoringFailed`` or ``StoreError``.

        Raises ``IntakeFull`` at once when too many posts wait.
        """
        waiting = self._waiting(post)
        try:
            self._live.put_nowait(waiting)
        except asyncio.QueueFull:
            waiting.done.cancel()
            raise IntakeFull(f"{len(self)} posts are waiting already") from None
        self._filled.set()
        return waiting.done

    async def put_when_room(self, post: Post) -> "asyncio.Future[Processed]":
        """Like ``put``, but waits: for edits, which catch-up would not find behind the cursor."""
        return await self._put(self._live, post)

    async def put_behind(self, post: Post) -> "asyncio.Future[Processed]":
        """Like ``put_when_room``, for posts from history: they are decided when no live post waits."""
        return await self._put(self._backlog, post)

    async def _put(self, queue: asyncio.Queue[_Waiting], post: Post) -> "asyncio.Future[Processed]":
        waiting = self._waiting(post)
        try:
            await queue.put(waiting)
        except asyncio.CancelledError:
            waiting.done.cancel()  # or it would count as outstanding for ever
            raise
        self._filled.set()
        return waiting.done

    def _waiting(self, post: Post) -> _Waiting:
        done: asyncio.Future[Processed] = asyncio.get_running_loop().create_future()
        self._outstanding.add(done)
        done.add_done_callback(self._outstanding.discard)
        return _Waiting(post, done)

    def _stopped(self, worker: "asyncio.Task[None]") -> None:
        """The worker ends when it is told to; if it ends otherwise nothing is watched any more, so say it."""
        if not worker.cancelled() and (error := worker.exception()):
            self._health.note_error("The worker died: no post is scored until the bot is started again.", error)
            for done in list(self._outstanding):
                done.cancel()

    async def drain(self) -> None:
        """Return when everything queued so far is decided, or has failed; what comes later does not count."""
        if self._outstanding:
            await asyncio.wait(set(self._outstanding))

    async def _work(self) -> None:
        while True:
            await self._filled.wait()
            batch = _taken(self._live, BATCH) or _taken(self._backlog, BACKLOG)
            if not len(self):
                self._filled.clear()
            try:
                await self._settle(batch)
            except Exception as error:  # the worker must outlive any one batch; every waiter hears of it
                self._health.note_error(f"{len(batch)} posts could not be decided: {error}", error)
                _fail(
                    batch, error if isinstance(error, StoreError) else StoreError(f"a defect: {type(error).__name__}")
                )
            finally:
                for waiting in batch:
                    waiting.done.cancel()  # nothing happens to those that are done

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._decide(batch)
        except StoreError:
            raise  # not the fault of a post
        except Exception as error:
            if len(batch) > 1:  # one post spoils the batch: find it, let the others pass
                for waiting in batch:
                    await self._settle([waiting])
                return
            await self._mark_failed(batch[0], error)

    async def _decide(self, batch: Sequence[_Waiting]) -> None:
        posts = [waiting.post for waiting in batch]
        settled = _message_keys(posts)

        async def write() -> tuple[list[Processed], dict[int, int]]:
            positions = self._cursors.positions_after(settled)
            return await self._pipeline.process(posts, open_reviews=True, cursors=positions), positions

        processed, positions = await patiently(self._health, write)
        self._cursors.written(settled, positions)
        now = time.perf_counter()
        self._health.note_scored([(now - waiting.since) * 1000 for waiting in batch])
        for waiting, result in zip(batch, processed, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(result)

    async def _mark_failed(self, waiting: _Waiting, cause: Exception) -> None:
        error = cause if isinstance(cause, ScoringFailed) else ScoringFailed(f"a defect: {type(cause).__name__}")
        self._health.note_error(f"Post {waiting.post.external_id} could not be scored: {error}", cause)
        settled = _message_keys([waiting.post])

        async def write() -> dict[int, int]:
            positions = self._cursors.positions_after(settled)
            await self._store.decisions.mark_failed(waiting.post, str(error), positions)
            return positions

        self._cursors.written(settled, await patiently(self._health, write))
        _fail([waiting], error)


def _taken(queue: "asyncio.Queue[_Waiting]", most: int) -> list[_Waiting]:
    return [queue.get_nowait() for _ in range(min(most, queue.qsize()))]


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)


def _message_keys(posts: Sequence[Post]) -> list[tuple[int, int]]:
    return [(post.place.message_channel_id, int(post.external_id)) for post in posts if post.place is not None]
