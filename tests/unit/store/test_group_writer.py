"""The writer thread against an engine that fails on demand. That real engines fail like this is tested under fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from stigmer.errors import Internal, ResourceExhausted, Unavailable
from stigmer.store.writer import GroupRetryError, GroupSplitError, GroupWriter, Outcome


class FakeEngine:
    """Jobs are functions of a list of what was committed so far. `faults` are raised by successive commits, `begins`
    by successive beginnings of a group; a job that returns GroupSplitError cannot share a group."""

    def __init__(self) -> None:
        self.committed: list[Any] = []
        self.groups: list[list[Any]] = []
        self.faults: list[Exception] = []
        self.begins: list[Exception] = []

    def begin(self) -> FakeGroup:
        if self.begins:
            raise self.begins.pop(0)
        return FakeGroup(self)


class FakeGroup:
    size = 0

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._values: list[Any] = []

    def run(self, fn: Callable[[Any], Any]) -> Outcome:
        try:
            value = fn(self)
        except ValueError as error:
            return Outcome(error=error)
        if value is GroupSplitError and self._values:
            raise GroupSplitError
        self._values.append(value)
        return Outcome(value)

    def commit(self) -> int | None:
        if self._engine.faults:
            raise self._engine.faults.pop(0)
        self._engine.committed += self._values
        self._engine.groups.append(self._values)
        return len(self._engine.committed)

    def abort(self) -> None:
        self._values = []


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def writer(engine: FakeEngine) -> Iterator[GroupWriter]:
    made = GroupWriter(engine.begin, "test-writer")
    yield made
    made.close()


def submit_together(writer: GroupWriter, *jobs: Callable[[Any], Any]) -> list[Future[Any]]:
    """Queue jobs while the writer is busy, so that they meet in one group."""
    hold, busy = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        hold.wait(10)

    blocker = threading.Thread(target=lambda: writer.exclusive(wait))
    blocker.start()
    assert busy.wait(10)
    futures = [writer.submit(job) for job in jobs]
    hold.set()
    blocker.join(10)
    return futures


def test_after_a_failed_commit_no_job_of_the_group_is_told_of_success(engine: FakeEngine, writer: GroupWriter) -> None:
    engine.faults = [ResourceExhausted("disk full")]
    futures = submit_together(writer, lambda tx: 1, lambda tx: int("x"), lambda tx: 2)
    assert [type(future.exception(10)) for future in futures] == [ResourceExhausted] * 3
    assert writer.submit(lambda tx: 3).result(10) == 3
    assert engine.committed == [3]


def test_a_group_that_is_asked_to_retry_runs_the_same_jobs_again(engine: FakeEngine, writer: GroupWriter) -> None:
    engine.faults = [GroupRetryError(), GroupRetryError()]
    runs: list[int] = []
    futures = submit_together(writer, runs.append, lambda tx: 2, lambda tx: 3)
    assert [future.result(10) for future in futures] == [None, 2, 3]
    assert (len(runs), engine.groups) == (3, [[None, 2, 3]])


def test_jobs_that_cannot_share_a_group_run_one_after_the_other(engine: FakeEngine, writer: GroupWriter) -> None:
    def alone(tx: Any) -> Any:
        return GroupSplitError

    futures = submit_together(writer, lambda tx: 1, alone, lambda tx: 2, alone, lambda tx: 3)
    assert [future.result(10) for future in futures] == [1, GroupSplitError, 2, GroupSplitError, 3]
    assert engine.groups == [[1], [GroupSplitError], [2], [GroupSplitError, 3]]


def test_an_engine_that_cannot_begin_fails_each_job_and_then_goes_on(engine: FakeEngine, writer: GroupWriter) -> None:
    engine.begins = [Unavailable("no disk"), Unavailable("no disk")]
    futures = submit_together(writer, lambda tx: 1, lambda tx: 2, lambda tx: 3)
    assert [type(future.exception(10)) for future in futures] == [Unavailable, Unavailable, type(None)]
    assert engine.committed == [3]


def test_a_fault_of_the_engine_itself_is_internal_and_the_thread_lives_on(
    engine: FakeEngine, writer: GroupWriter, caplog: pytest.LogCaptureFixture
) -> None:
    engine.faults = [KeyError("a bug")]
    assert isinstance(writer.submit(lambda tx: 1).exception(10), Internal)
    assert "the writer failed" in caplog.text
    assert writer.submit(lambda tx: 2).result(10) == 2


def test_exclusive_work_runs_between_groups_in_its_turn(engine: FakeEngine, writer: GroupWriter) -> None:
    order: list[object] = []
    hold = threading.Event()
    writer.submit(lambda tx: hold.wait(10))
    writer.submit(lambda tx: order.append("before"))
    exclusive = threading.Thread(target=lambda: writer.exclusive(lambda: order.append(len(engine.groups))))
    exclusive.start()
    while len(writer._jobs) < 2:
        time.sleep(0.001)
    after = writer.submit(lambda tx: order.append("after"))
    hold.set()
    after.result(10)
    exclusive.join(10)
    assert order == ["before", 1, "after"]


def test_an_exclusive_fault_reaches_its_caller(writer: GroupWriter) -> None:
    with pytest.raises(ValueError, match="mine"):
        writer.exclusive(lambda: raise_value_error("mine"))


def raise_value_error(text: str) -> None:
    raise ValueError(text)
