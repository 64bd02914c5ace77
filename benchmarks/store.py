"""Rows of the store alone, in this process: bulk writes and stored bytes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Spread, at_most, faster
from benchmarks.harness import OURS, Peer, Session, Side, expect
from benchmarks.peers.sqlite import Row as PeerRow
from benchmarks.peers.sqlite import SqliteStore
from benchmarks.records import Resource, resources
from benchmarks.rows import Row
from stigmer.store.base import Store, Transaction
from stigmer.store.engines import open_store

BULK = 1_000
"""Records in one transaction."""

BULK_ROUNDS = 15


def bulk(session: Session) -> Iterator[Figure]:
    """Insert records with all index entries and log entries, in one durable transaction."""
    size, rounds = session.size(BULK, 200), BULK_ROUNDS
    batches = _batches(size, session.rounds_of(rounds) + 1)
    folder = session.folder("bulk")
    peers = []
    for name, text in (("SQLite JSON text", True), ("SQLite BLOB", False)):
        store = SqliteStore(folder / f"{name}.db", text=text)
        session.closing.callback(store.close)
        peers.append(Peer(_saving_peer(name, store, batches, text=text), faster(3)))
    peers.append(Peer(_saving_side(session, folder, batches, "sqlite", "our own SQLite engine")))
    what = f"insert {size:,} records in one transaction"
    yield from session.compare("store-bulk", what, _saving_side(session, folder, batches), peers, rounds=rounds)


def _saving_side(
    session: Session, folder: Path, batches: Sequence[Sequence[Resource]], engine: str = "lmdb", name: str = OURS
) -> Side:
    store = opened(session, folder / engine, engine)

    def prepare(number: int) -> Any:
        batch = batches[number]
        return [each.record for each in batch], [each.event for each in batch]

    def act(prepared: Any) -> int:
        records, events = prepared

        def job(tx: Transaction) -> int:
            tx.save_many(records)
            return tx.append(events, b"note")

        return store.write(job)

    def check(prepared: Any, revision: int) -> None:
        records, _ = prepared
        found = store.read(lambda tx: tx.get_many([record.key for record in records]))
        expect(found == records, True, "the records that were read back are those written")
        expect(store.read(lambda tx: len(tx.commits(revision - 1, 1)[0].events)), len(records), "events in the log")

    return Side(name, act, prepare, check)


def _saving_peer(name: str, store: SqliteStore, batches: Sequence[Sequence[Resource]], *, text: bool) -> Side:
    def prepare(number: int) -> Any:
        return rows_of(batches[number], text=text), [each.event for each in batches[number]], store.count()

    def act(prepared: Any) -> None:
        rows, events, _ = prepared
        store.save(rows, events)

    def check(prepared: Any, result: None) -> None:  # noqa: ARG001 - a check's signature
        rows, _, before = prepared
        expect(store.count(), before + len(rows), f"records in {name}")

    return Side(name, act, prepare, check)


def stored_bytes(session: Session) -> Iterator[Figure]:
    """What one resource takes: its stored bytes with claims, and its share of the data file."""
    count = session.size(10_000, 500)
    made = list(resources(count))
    folder = session.folder("bytes")
    store = opened(session, folder)
    for start in range(0, count, 5_000):
        part = made[start : start + 5_000]
        store.write(saving(part))
    store.close()
    alone = statistics.fmean(len(each.content) for each in made)
    kept = statistics.fmean(len(each.record.body) for each in made)
    file = (folder / "data.mdb").stat().st_size / count
    yield _bytes("stored bytes of a resource, with claims", kept, alone, bound=1.6)
    yield _bytes("its share of the data file, indexes and log included", file, alone)


def _bytes(what: str, ours: float, alone: float, bound: float | None = None) -> Figure:
    goal = at_most(bound) if bound is not None else None
    return Figure("stored-bytes", what, "B", _one(ours), "the message alone", _one(alone), goal)


def _one(value: float) -> Spread:
    return Spread.of([value])


def rows_of(batch: Sequence[Resource], *, text: bool) -> list[PeerRow]:
    """A batch as the peer takes it: the same record, its payload as JSON text or as one binary message."""
    return [(each.record, each.json if text else each.message.SerializeToString()) for each in batch]


def opened(session: Session, folder: Path, engine: str = "lmdb") -> Store:
    """One of our engines in a folder, closed with the run."""
    store = open_store(folder, engine)
    session.closing.callback(store.close)
    return store


def _batches(size: int, count: int) -> list[list[Resource]]:
    made = list(resources(size * count))
    return [made[start : start + size] for start in range(0, len(made), size)]


def saving(part: Sequence[Resource]) -> Callable[[Transaction], int]:
    """A job that saves these with one commit and gives its revision."""

    def job(tx: Transaction) -> int:
        tx.save_many([each.record for each in part])
        return tx.append([each.event for each in part], b"note")

    return job


ROWS = (
    Row("store-bulk", "1,000 records in one transaction, against SQLite at the same durability", bulk),
    Row("stored-bytes", "bytes of a stored resource, against its message alone", stored_bytes),
)
