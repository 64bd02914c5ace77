"""The engine of tests, and the executable specification of the others: plain dictionaries, copied when first written.

It shares the writer thread and its group commit with the durable engines; a group builds the next `_Tables` and commits
by putting it in place of the last, so a snapshot is simply the tables that were current when the read began.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, final

from stigmer.errors import AlreadyExists, OutOfRange
from stigmer.store.base import (
    LOG_RETENTION,
    Commit,
    Event,
    Head,
    Origin,
    Query,
    ReadTransaction,
    Record,
    RecordId,
    SlugKey,
    Transaction,
)
from stigmer.store.gate import READERS, Gate
from stigmer.store.limits import (
    check_following,
    check_record,
    closes_itself,
    page_limit,
    second_append,
    slug_taken,
    store_closed,
    waits_for_itself,
)
from stigmer.store.writer import GroupWriter, Outcome

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Tables:
    """Everything the store holds at one moment. Never changed once it is current."""

    revision: int = 0
    at: int = 0
    oldest: int = 0
    records: dict[RecordId, Record] = field(default_factory=dict)
    slugs: dict[SlugKey, RecordId] = field(default_factory=dict)
    log: dict[int, Commit] = field(default_factory=dict)
    pairs: dict[tuple[str, bytes], bytes] = field(default_factory=dict)


class MemoryReadTransaction:
    """`base.ReadTransaction` on one set of tables."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    @property
    def revision(self) -> int:
        return self._tables.revision

    @property
    def oldest_revision(self) -> int:
        return self._tables.oldest

    def get_many(self, keys: Sequence[RecordId]) -> list[Record | None]:
        return [self._tables.records.get(key) for key in keys]

    def find_many(self, keys: Sequence[SlugKey]) -> list[Record | None]:
        ids = [self._tables.slugs.get(key) for key in keys]
        return [self._tables.records[key] if key else None for key in ids]

    def heads(self, org: str, kind: str | None = None) -> list[Head]:
        keys = [key for key in self._tables.slugs if key.org == org and kind in (None, key.kind)]
        found = self.find_heads(sorted(keys, key=lambda key: (key.kind, key.slug)))
        return [head for head in found if head]

    def find_heads(self, keys: Sequence[SlugKey]) -> list[Head | None]:
        return [
            Head(record.org, record.kind, record.id, record.slug, record.head) if record else None
            for record in self.find_many(keys)
        ]

    def orgs(self) -> list[str]:
        return sorted({key.org for key in self._tables.records})

    def commits(self, since: int, limit: int) -> list[Commit]:
        tables = self._tables
        if not tables.oldest <= since <= tables.revision:
            raise OutOfRange(
                f"the change log reaches from revision {tables.oldest} to {tables.revision}, not to {since}",
                hint="list again and watch from the revision of that answer",
                reason="CURSOR_EXPIRED" if since < tables.oldest else "CURSOR_AHEAD",
            )
        last = min(tables.revision, since + max(limit, 0))
        return [tables.log[revision] for revision in range(since + 1, last + 1)]

    def kv_get(self, space: str, key: bytes) -> bytes | None:
        return self._tables.pairs.get((space, key))

    def kv_scan(self, space: str, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        return sorted(
            (key, value)
            for (owner, key), value in self._tables.pairs.items()
            if owner == space and key.startswith(prefix)
        )

    def list(self, query: Query) -> list[Record]:
        limit = page_limit(query)
        found = [
            record
            for record in self._tables.records.values()
            if record.kind == query.kind
            and query.org in (None, record.org)
            and (query.index is None or query.index in record.indexes)
            and (not query.after or record.id < query.after)
        ]
        return sorted(found, key=lambda record: (record.id, record.org), reverse=True)[:limit]

    def all_records(self) -> Iterator[Record]:
        return iter(self._tables.records.values())

    def all_pairs(self) -> Iterator[tuple[str, bytes, bytes]]:
        return ((space, key, value) for (space, key), value in sorted(self._tables.pairs.items()))


class MemoryTransaction(MemoryReadTransaction):
    """`base.Transaction`. It works on `tables`, a private copy of each table that it has written to."""

    def __init__(self, tables: _Tables, now: int) -> None:
        super().__init__(tables)
        self._before = tables
        self._now = now

    @property
    def tables(self) -> _Tables:
        """The tables as this job leaves them; the very tables that it was given when it wrote nothing."""
        return self._tables

    @property
    def revision(self) -> int:
        return self._before.revision

    @property
    def next_revision(self) -> int:
        return self._before.revision + 1

    def save_many(self, records: Sequence[Record]) -> None:
        if not records:
            return
        for record in records:
            check_record(record)
        batch = {record.key: record for record in records}
        slugs = self._without_slugs_of(batch)
        for key, record in batch.items():
            owner = slugs.setdefault(record.slug_key, key)
            if owner != key:
                raise AlreadyExists(slug_taken(record, owner.id))
        self._tables = replace(self._tables, records={**self._tables.records, **batch}, slugs=slugs)

    def delete_many(self, keys: Sequence[RecordId]) -> None:
        gone = self._tables.records.keys() & set(keys)
        if gone:
            slugs = self._without_slugs_of(gone)
            records = {key: record for key, record in self._tables.records.items() if key not in gone}
            self._tables = replace(self._tables, records=records, slugs=slugs)

    def append(self, events: Sequence[Event], note: bytes = b"") -> int:
        if self._tables.revision > self._before.revision:
            raise second_append()
        commit = Commit(self.next_revision, max(self._tables.at, self._now), note, tuple(events))
        self.replay([commit])
        return commit.revision

    def replay(self, commits: Sequence[Commit]) -> None:
        check_following(commits, self._tables.revision)
        log = {**self._tables.log, **{commit.revision: commit for commit in commits}}
        last = commits[-1] if commits else self._tables
        self._tables = replace(self._tables, log=log, revision=last.revision, at=last.at)

    def kv_put(self, space: str, key: bytes, value: bytes) -> None:
        self._tables = replace(self._tables, pairs={**self._tables.pairs, (space, key): value})

    def kv_delete(self, space: str, key: bytes) -> None:
        if (space, key) in self._tables.pairs:
            pairs = dict(self._tables.pairs)
            del pairs[space, key]
            self._tables = replace(self._tables, pairs=pairs)

    def _without_slugs_of(self, keys: Iterable[RecordId]) -> dict[SlugKey, RecordId]:
        slugs = dict(self._tables.slugs)
        for record in self.get_many(tuple(keys)):
            if record:
                del slugs[record.slug_key]
        return slugs


class _MemoryGroup:
    """`writer.Group`: jobs build on each other's tables, a failing one leaves them as they were."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables = self._start = store._tables

    @property
    def size(self) -> int:
        return 0

    def run(self, fn: Callable[[Transaction], Any]) -> Outcome:
        job = MemoryTransaction(self._tables, self._store._clock())
        try:
            outcome = Outcome(fn(job))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the waiting caller
            return Outcome(error=error)
        self._tables = job.tables
        return outcome

    def commit(self) -> int | None:
        if self._tables is self._start:
            return None
        self._store._tables = _compacted(self._tables, self._store._retention)
        return self._tables.revision

    def abort(self) -> None:
        """Nothing to undo: the store's tables were not touched."""


@final
class MemoryStore:
    """`base.Store` that ends with the process. Options as in `LmdbStore`."""

    def __init__(
        self,
        *,
        origin: Origin | None = None,
        log_retention: int = LOG_RETENTION,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        start = origin.oldest if origin else 0
        self._tables = _Tables(revision=start, oldest=start)
        self._retention = log_retention
        self._clock = clock
        self._store_id = origin.store_id if origin else secrets.token_hex(16)
        self._epoch = origin.epoch if origin else secrets.token_hex(8)
        self._gate = Gate(READERS)
        self._closed = False
        self._writer = GroupWriter(lambda: _MemoryGroup(self), name="store-writer")

    @property
    def store_id(self) -> str:
        return self._store_id

    @property
    def epoch(self) -> str:
        return self._epoch

    def submit(self, fn: Callable[[Transaction], T], *, org: str = "") -> Future[T]:  # noqa: ARG002 - one counter for all orgs
        return self._writer.submit(fn)

    def write(self, fn: Callable[[Transaction], T], *, org: str = "") -> T:  # noqa: ARG002 - likewise
        if self._writer.is_current or self._gate.is_inside:
            raise waits_for_itself()
        return self._writer.submit(fn).result()

    def read(self, fn: Callable[[ReadTransaction], T]) -> T:
        self._gate.enter()
        try:
            if self._closed:
                raise store_closed()
            return fn(MemoryReadTransaction(self._tables))
        finally:
            self._gate.leave()

    def on_commit(self, listener: Callable[[int], None]) -> Callable[[], None]:
        return self._writer.on_commit(listener)

    def verify(self) -> list[str]:
        tables = self._tables
        if {record.slug_key: key for key, record in tables.records.items()} != tables.slugs:
            return ["the slug index does not match the records"]
        if sorted(tables.log) != list(range(tables.oldest + 1, tables.revision + 1)):
            return ["the change log has gaps"]
        return []

    def close(self) -> None:
        if self._writer.is_current or self._gate.is_inside:
            raise closes_itself()
        self._writer.close()
        self._closed = True


def _compacted(tables: _Tables, retention: int) -> _Tables:
    oldest = max(tables.oldest, tables.revision - retention)
    if oldest == tables.oldest:
        return tables
    log = {revision: commit for revision, commit in tables.log.items() if revision > oldest}
    return replace(tables, log=log, oldest=oldest)
