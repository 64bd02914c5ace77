"""A store copied whole into a store of another engine: records with their ids, pairs, the change log with its numbers
and times, and the identity, so that whatever a client remembers of the one holds for the other.

Items are read and written one batch at a time. Afterwards both stores are read once more, and must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from stigmer.errors import DataLoss
from stigmer.store.base import Commit, Origin, ReadTransaction, Record, Store, Transaction
from stigmer.store.engines import open_store
from stigmer.store.marker import sync_folder

T = TypeVar("T")

BATCH_ITEMS = 1_000
BATCH_BYTES = 4 << 20
"""What is in memory at once, and written in one transaction; a single item may be larger."""

EVENT_BYTES = 200
"""About what an event takes up besides its payload."""

KEEP_EVERYTHING = 1 << 62
"""A log retention at which nothing is compacted: the copy has all that the original has."""

_DIGEST_BYTES = 16
_DIGESTS = 1 << 8 * _DIGEST_BYTES

Pair = tuple[str, bytes, bytes]
Report = Callable[[str], None]
"""Takes what is being done, in a few words."""


@dataclass(slots=True)
class Tally:
    """What a store holds: counts, and a sum over every item that does not depend on their order."""

    records: int = 0
    pairs: int = 0
    commits: int = 0
    revision: int = 0
    digest: int = 0

    def add(self, item: object) -> None:
        one = blake2b(repr(item).encode(), digest_size=_DIGEST_BYTES).digest()
        self.digest = (self.digest + int.from_bytes(one)) % _DIGESTS


def copy_into(source: Store, target_dir: Path, engine: str, report: Report) -> Tally:
    """Make `target_dir`, which holds no store, a copy of `source` in another engine, durable and verified. Nothing may
    write to `source` meanwhile. DataLoss when something in it is damaged or the copy does not agree with it,
    ResourceExhausted without room, FailedPrecondition for what the engine cannot hold."""
    tally = source.read(lambda tx: _copied(tx, source, target_dir, engine, report))
    target = open_store(target_dir, engine, log_retention=KEEP_EVERYTHING)
    try:
        report("verifying the copy")
        problems = target.verify()
        report("comparing")
        found = target.read(tally_of)
    finally:
        target.close()
    if problems or found != tally:
        raise DataLoss(
            f"the copy does not agree with the original: {problems[0] if problems else f'{found} is not {tally}'}",
            hint="nothing was changed; check the disk and its free space",
            reason="COPY_DIFFERS",
        )
    sync_folder(target_dir)
    return tally


def tally_of(tx: ReadTransaction) -> Tally:
    """The tally of everything in a snapshot."""
    tally = Tally()
    for _ in _records(tx, tally):
        continue
    for _ in _pairs(tx, tally):
        continue
    for _ in _commits(tx, tally):
        continue
    return tally


def _copied(tx: ReadTransaction, source: Store, target_dir: Path, engine: str, report: Report) -> Tally:
    origin = Origin(source.store_id, source.epoch, tx.oldest_revision)
    target = open_store(target_dir, engine, origin=origin, log_retention=KEEP_EVERYTHING)
    tally = Tally()
    try:
        for records in _batches(_records(tx, tally), lambda record: len(record.body)):
            target.write(lambda to, batch=records: to.save_many(batch))  # type: ignore[misc]
            report(f"copying records: {tally.records:,}")
        for pairs in _batches(_pairs(tx, tally), lambda pair: len(pair[2])):
            target.write(lambda to, batch=pairs: _put(to, batch))  # type: ignore[misc]
            report(f"copying pairs: {tally.pairs:,}")
        for commits in _batches(_commits(tx, tally), _weight):
            target.write(lambda to, batch=commits: to.replay(batch))  # type: ignore[misc]
            report(f"copying the change log: {tally.commits:,} commits")
    finally:
        target.close()
    return tally


def _records(tx: ReadTransaction, tally: Tally) -> Iterator[Record]:
    for record in tx.all_records():
        tally.records += 1
        tally.add(record)
        yield record


def _pairs(tx: ReadTransaction, tally: Tally) -> Iterator[Pair]:
    for pair in tx.all_pairs():
        tally.pairs += 1
        tally.add(pair)
        yield pair


def _commits(tx: ReadTransaction, tally: Tally) -> Iterator[Commit]:
    """One by one: a commit may have 100,000 events."""
    tally.revision = tx.revision
    for since in range(tx.oldest_revision, tx.revision):
        (commit,) = tx.commits(since, 1)
        tally.commits += 1
        tally.add(commit)
        yield commit


def _batches(items: Iterable[T], weight: Callable[[T], int]) -> Iterator[Sequence[T]]:
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += weight(item)
        if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _put(tx: Transaction, pairs: Sequence[Pair]) -> None:
    for space, key, value in pairs:
        tx.kv_put(space, key, value)


def _weight(commit: Commit) -> int:
    return sum(EVENT_BYTES + len(event.payload) for event in commit.events) + len(commit.note)
