"""Rows of small durable writes from many threads at once: at the store, and through gRPC to a daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks.backend import Backend
from benchmarks.figures import Figure, faster
from benchmarks.harness import OURS, Peer, Session, Side, expect
from benchmarks.peers.sqlite import SqliteStore
from benchmarks.records import Resource, resources
from benchmarks.rows import Row
from benchmarks.store import opened, rows_of, saving

WRITERS = 32
"""Threads that write at once; each waits for its write to be durable before the next."""

ROUNDS = 9

MOST = 1_000_000
"""More resources than any row asks for; they are made one by one."""

GOAL = faster(6)

Write = Callable[[Any], object]


def at_the_store(session: Session) -> Iterator[Figure]:
    """32 threads, one record a transaction, each durable when its thread goes on."""
    each, rounds = session.size(20, 3), ROUNDS
    batches = _batches(each * WRITERS, session.rounds_of(rounds) + 1)
    ours = opened(session, session.folder("writers"))
    side = _side(OURS, batches, lambda item: ours.write(saving([item])), lambda: ours.read(lambda tx: tx.revision))
    peers = [Peer(peer, GOAL) for peer in _sqlite_peers(session, batches)]
    what = f"one durable write, {WRITERS} threads at once, at the store"
    scale = 1e6 / (each * WRITERS)
    yield from session.compare("writers-store", what, side, peers, rounds=rounds, unit="us", scale=scale)


def through_grpc(session: Session) -> Iterator[Figure]:
    """The same through a daemon: creations by 32 threads of one client process."""
    from stigmer.backend.config import load  # noqa: PLC0415 - the client is not needed by the other rows
    from stigmer.backend.local import connect_local  # noqa: PLC0415 - likewise

    each, rounds = session.size(8, 2), 5
    batches = _batches(each * WRITERS, session.rounds_of(rounds) + 1, kind="Agent")
    backend = Backend.opened(session, "grpc")
    client = session.closing.enter_context(connect_local(load(environ=backend.environ)))

    def write(item: Resource) -> object:
        message = item.kind.message_class()
        message.ParseFromString(item.content)
        return client.create(item.kind, message)

    side = _side(OURS, batches, write, lambda: client.server_info().revision)
    peers = [Peer(peer, GOAL) for peer in _sqlite_peers(session, batches)]
    what = f"one durable creation, {WRITERS} threads at once, through gRPC (SQLite: in the process)"
    scale = 1e6 / (each * WRITERS)
    yield from session.compare("writers-grpc", what, side, peers, rounds=rounds, unit="us", scale=scale)


def _side(name: str, batches: Sequence[Sequence[Any]], write: Write, count: Callable[[], int]) -> Side:
    """`count` gives how many writes have been committed so far."""

    def prepare(number: int) -> tuple[Sequence[Any], int]:
        return batches[number], count()

    def act(prepared: tuple[Sequence[Any], int]) -> None:
        _write_all(prepared[0], write)

    def check(prepared: tuple[Sequence[Any], int], result: None) -> None:  # noqa: ARG001 - a check's signature
        items, before = prepared
        expect(count(), before + len(items), f"writes by {name}")

    return Side(name, act, prepare, check)


def _write_all(items: Sequence[Any], write: Write) -> None:
    """Share the items among the threads and wait for all; the first error of any thread is raised."""
    errors: list[BaseException] = []

    def work(part: Sequence[Any]) -> None:
        try:
            for item in part:
                write(item)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=work, args=(items[start::WRITERS],)) for start in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _sqlite_peers(session: Session, batches: Sequence[Sequence[Resource]]) -> Iterator[Side]:
    """One connection that the threads take in turn, for JSON text and BLOB; and one that a thread of its own uses,
    which writes all that waits in one transaction."""
    folder = session.folder("sqlite")
    for name, text in (("SQLite JSON text, a transaction each", True), ("SQLite BLOB, a transaction each", False)):
        store = SqliteStore(folder / f"{text}.db", text=text)
        session.closing.callback(store.close)
        yield _side(name, _prepared(batches, text=text), _in_turn(store), store.count)
    batching = Batching(SqliteStore(folder / "batching.db", text=False))
    session.closing.callback(batching.close)
    yield _side("SQLite BLOB behind group commit", _prepared(batches, text=False), batching.write, batching.store.count)


def _prepared(batches: Sequence[Sequence[Resource]], *, text: bool) -> list[list[Any]]:
    return [
        [(row, each.event) for row, each in zip(rows_of(batch, text=text), batch, strict=True)] for batch in batches
    ]


def _in_turn(store: SqliteStore) -> Write:
    lock = threading.Lock()

    def write(item: Any) -> None:
        row, event = item
        with lock:
            store.save([row], [event])

    return write


class Batching:
    """Group commit on SQLite: what a writer thread finds waiting shares one transaction."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def write(self, item: Any) -> None:
        done: Future[None] = Future()
        self._waiting.put((item, done))
        done.result()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self.store.close()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first, *self._rest()]
            self.store.save_each([item for item, _ in batch])
            for _, done in batch:
                done.set_result(None)

    def _rest(self) -> Iterator[Any]:
        """Those that wait now. Nobody waits any more when the end is announced."""
        try:
            while True:
                yield self._waiting.get_nowait()
        except Empty:
            return


def _batches(size: int, count: int, kind: str = "") -> list[list[Resource]]:
    """New resources for every round. Of one kind where threads would otherwise write what others refer to too late."""
    made = (each for each in resources(MOST if kind else size * count) if kind in ("", each.kind.name))
    return [list(islice(made, size)) for _ in range(count)]


ROWS = (
    Row("writers-store", "durable writes by 32 threads at the store, against SQLite", at_the_store),
    Row("writers-grpc", "durable writes by 32 threads through gRPC, against SQLite", through_grpc),
)
