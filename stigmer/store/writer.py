"""The one writer thread of a store, with group commit. It knows futures and groups, and no engine.

All jobs that wait when the writer comes round share one engine transaction and one sync; a job that raises is undone
alone. Futures resolve after the sync, never before, so what a caller was told is durable. Engines supply `Group`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from stigmer.errors import Internal, StigmerError
from stigmer.store.base import Transaction
from stigmer.store.limits import store_closed

T = TypeVar("T")

GROUP_JOBS = 256
"""The most jobs that share one sync: bounds how long the first of them waits for the others."""

GROUP_BYTES = 16 << 20
"""No further job joins a group that has written this much: bounds the dirty pages that one sync carries."""

logger = logging.getLogger(__name__)


class GroupRetryError(Exception):
    """The engine made room (a larger map, a reopened file): run the same jobs again in a new group."""


class GroupSplitError(Exception):
    """The jobs cannot share one engine transaction: the first goes alone, so that only the one at fault fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: the value it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


class Group(Protocol):
    """One engine transaction that carries several jobs."""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def run(self, fn: Callable[[Transaction], Any]) -> Outcome:
        """Run one job so that it can be undone alone. Raises only for faults of the whole group: GroupRetryError,
        GroupSplitError (when an earlier job has written), or a leaf of `stigmer.errors`."""
        ...

    def commit(self) -> int | None:
        """Make the group durable. The revision after it, or None when no job wrote anything. Raises like `run`."""
        ...

    def abort(self) -> None:
        """Undo everything. Idempotent, and harmless after `commit`."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    """`exclusive` jobs run between groups, outside of any transaction, and take no argument."""

    fn: Callable[..., Any]
    future: Future[Any]
    exclusive: bool = False


class GroupWriter:
    """Runs jobs in the order of submission on a thread of its own."""

    def __init__(self, begin: Callable[[], Group], name: str) -> None:
        self._begin = begin
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._listeners: tuple[Callable[[int], None], ...] = ()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on the writer thread, where waiting for the writer would wait for ever."""
        return threading.current_thread() is self._thread

    def submit(self, fn: Callable[[Transaction], T]) -> Future[T]:
        """Queue a job. After `close` the future carries Unavailable."""
        return self._enqueue(fn, exclusive=False)

    def exclusive(self, fn: Callable[[], T]) -> T:
        """Run `fn` while no transaction is open for writing, and return its result. From the writer thread itself
        this is only right between groups, in a commit listener."""
        if self.is_current:
            return fn()
        return cast("T", self._enqueue(fn, exclusive=True).result())

    def between(self, fn: Callable[[], object]) -> None:
        """Run `fn` like `exclusive` once the current group has ended; nobody waits for it. It must not raise."""
        self._enqueue(fn, exclusive=True)

    def on_commit(self, listener: Callable[[int], None]) -> Callable[[], None]:
        with self._wake:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._wake:
                self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def close(self) -> None:
        """Finish what is queued, then end the thread. Idempotent."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if not self.is_current:
            self._thread.join()

    def _enqueue(self, fn: Callable[..., Any], *, exclusive: bool) -> Future[Any]:
        future: Future[Any] = Future()
        with self._wake:
            if not self._closing:
                self._jobs.append(_Job(fn, future, exclusive))
                self._wake.notify()
                return future
        future.set_exception(store_closed())
        return future

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closing:
                    self._wake.wait()
                if not self._jobs:
                    return
                exclusive = self._jobs[0].exclusive
            if exclusive:
                self._serve_exclusive(self._jobs.popleft())
            else:
                self._serve_group()

    def _serve_exclusive(self, job: _Job) -> None:
        if job.future.set_running_or_notify_cancel():
            _settle(job, _attempt(job.fn))

    def _serve_group(self) -> None:
        taken: list[_Job] = []
        try:
            outcomes, revision = self._run_group(taken)
        except StigmerError as error:
            outcomes, revision = [Outcome(error=error)] * len(taken), None
        except Exception as error:
            logger.exception("the writer failed")
            fault = Internal(f"the writer failed: {error}")
            outcomes, revision = [Outcome(error=fault)] * len(taken), None
        for job, outcome in zip(taken, outcomes, strict=True):
            _settle(job, outcome)
        if revision is not None:
            self._notify(revision)

    def _run_group(self, taken: list[_Job]) -> tuple[list[Outcome], int | None]:
        """Run and commit one group, again as often as the engine asks for it. `taken` collects its jobs."""
        most = GROUP_JOBS
        while True:
            group = self._begin_group(taken)
            try:
                outcomes = [group.run(job.fn) for job in self._members(taken, group, most)]
                return outcomes, group.commit()
            except GroupRetryError:
                continue
            except GroupSplitError:
                self._jobs.extendleft(reversed(taken[1:]))
                del taken[1:]
                most = 1
            finally:
                group.abort()

    def _begin_group(self, taken: list[_Job]) -> Group:
        try:
            return self._begin()
        except BaseException:
            if not taken:
                self._take(taken)
            raise

    def _members(self, taken: list[_Job], group: Group, most: int) -> Iterator[_Job]:
        """The jobs already taken, then those that wait, as long as the group has room."""
        yield from tuple(taken)
        while len(taken) < most and group.size < GROUP_BYTES and self._take(taken):
            yield taken[-1]

    def _take(self, taken: list[_Job]) -> bool:
        """Move the next waiting job into `taken`, skipping those that were cancelled."""
        while self._jobs and not self._jobs[0].exclusive:
            job = self._jobs.popleft()
            if job.future.running() or job.future.set_running_or_notify_cancel():
                taken.append(job)
                return True
        return False

    def _notify(self, revision: int) -> None:
        for listener in self._listeners:
            try:
                listener(revision)
            except Exception:
                logger.exception("a commit listener failed")


def _attempt(fn: Callable[[], Any]) -> Outcome:
    try:
        return Outcome(fn())
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the waiting caller
        return Outcome(error=error)


def _settle(job: _Job, outcome: Outcome) -> None:
    if outcome.error is not None:
        job.future.set_exception(outcome.error)
    else:
        job.future.set_result(outcome.value)
