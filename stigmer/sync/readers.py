"""Reading many files in several processes: the first apply of a large estate is mostly parsing.

Each reader is a process that runs `reader`, is fed with batches of scanned files over a socket, and answers with rows
of built-in types. It ends when its socket does, however this process ends. Whatever a reader cannot say (mistakes,
values from elsewhere, a file that has changed) is left to the loader, which reads that file itself: so there is one
place that explains, and a reader that dies costs only time.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NamedTuple

from manifests import Entry, ManifestError
from stigmer.backend.spawn import with_our_packages
from stigmer.contract import Contract, default_contract
from stigmer.sync.documents import Row, read_rows

FILES_PER_READER = 2_000
"""Files for which one more reader pays: starting one costs as much as reading some hundreds."""

MAX_READERS = 7

BATCH_FILES = 50
"""Files that a reader is given at once: some milliseconds of work, and an answer of some 100 kB."""

AHEAD = 2
"""Batches that a reader has at hand, so that it never waits for the next one."""

BATCH_PATHS = 16_384
"""Characters of paths that are given at once. Both sides write while nobody reads; what a reader is sent must always
fit into the socket's buffer."""

OWN_FILES = 10
"""Files that this process reads between two looks at its readers."""

MODULE = "stigmer.sync.reader"

Rows = dict[str, list[Row]]
"""By path; a file that the loader must read itself is missing."""


class Work(NamedTuple):
    """What all readers need to know."""

    contract: Contract
    org: str
    read: Callable[[Entry], bytes]


def reader_count(files: int, contract: Contract) -> int:
    """How many readers pay for so many files: none on one processor, nor for a contract that readers do not know."""
    if contract is not default_contract():
        return 0
    return max(0, min(processors() - 1, files // FILES_PER_READER, MAX_READERS))


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_files(files: Sequence[Entry], work: Work, count: int, progress: Callable[[int], None]) -> Rows:
    """The rows of the files, read by `count` readers and this process. `progress` is told how many are done."""
    rows: dict[str, list[Row]] = {}
    todo = deque(files)
    with _readers(count, work.org) as readers:
        busy = list(readers)
        while todo or any(reader.pending for reader in busy):
            for reader in busy:
                reader.feed(todo)
            for file in _taken(todo, OWN_FILES):
                _keep(rows, file.path, _read_here(work, file))
            busy = [reader for reader in busy if reader.collect(rows, may_wait=not todo)]
            progress(len(files) - len(todo) - sum(map(len, (batch for reader in busy for batch in reader.pending))))
    return rows


def _read_here(work: Work, file: Entry) -> list[Row] | None:
    try:
        return read_rows(work.contract, work.read(file), file.path, work.org)
    except ManifestError:
        return None


def _batch(todo: deque[Entry]) -> list[Entry]:
    batch: list[Entry] = []
    room = BATCH_PATHS
    while todo and len(batch) < BATCH_FILES and (not batch or len(todo[0].path) <= room):
        room -= len(todo[0].path)
        batch.append(todo.popleft())
    return batch


def _taken(todo: deque[Entry], most: int) -> list[Entry]:
    return [todo.popleft() for _ in range(min(most, len(todo)))]


def _keep(rows: dict[str, list[Row]], path: str, found: list[Row] | None) -> None:
    if found is not None:
        rows[path] = found


@dataclass(slots=True)
class _Reader:
    """One reader process, its end of the socket, and the batches it has not answered."""

    process: subprocess.Popen[bytes]
    connection: Connection
    pending: deque[list[Entry]]

    def feed(self, todo: deque[Entry]) -> None:
        while todo and len(self.pending) < AHEAD:
            batch = _batch(todo)
            self.pending.append(batch)
            try:
                self.connection.send_bytes(marshal.dumps([tuple(file) for file in batch]))
            except OSError:  # it has died, which `collect` finds out
                return

    def collect(self, rows: dict[str, list[Row]], *, may_wait: bool) -> bool:
        """Takes the answers that are there. False if the reader has died: its batches are the loader's then."""
        try:
            while self.pending and self.connection.poll(None if may_wait else 0):
                answer = marshal.loads(self.connection.recv_bytes())  # noqa: S302 -- a process of ours
                for file, found in zip(self.pending.popleft(), answer, strict=True):
                    _keep(rows, file.path, found)
        except (EOFError, OSError):
            return False
        return True


@contextmanager
def _readers(count: int, org: str) -> Iterator[list[_Reader]]:
    """Running readers, which are ended with the block."""
    readers: list[_Reader] = []
    try:
        for _ in range(count):
            readers.append(_start(org))  # noqa: PERF401 -- those that run are ended even if the next cannot start
        yield readers
    finally:
        for reader in readers:
            reader.connection.close()
            reader.process.kill()
            reader.process.wait()


def _start(org: str) -> _Reader:
    ours, theirs = Pipe()
    try:
        process = subprocess.Popen(
            # Without -P, a folder of manifests that holds a yaml.py would have it run.
            [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), org],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=with_our_packages(os.environ),
            process_group=0,  # Ctrl-C is for this process, which ends its readers
        )
    finally:
        theirs.close()
    return _Reader(process, ours, deque())
