"""The store seam: what the server needs of an engine, and nothing an engine may decide for it.

A store is resource-shaped and batch-first. It knows records, their secondary index entries, a change log that numbers
commits, and a small ordered key-value space; it does not know protobuf, kinds, pipelines or claims. Engines keep their
key encodings private. All methods raise the leaves of `stigmer.errors` only: DataLoss for a failed checksum,
ResourceExhausted for a full disk, Unavailable when the engine cannot write, OutOfRange for an expired cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")

FORMAT_VERSION = 1
"""Version of the logical layout. A store written by a newer one is refused; an older one is migrated."""

MAX_PAGE_SIZE = 1_000
"""The most records that one page of `list` may carry when bodies are read."""

LOG_RETENTION = 100_000
"""How many of the newest commits the change log keeps; an older cursor has expired."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a new store takes over from the one that it becomes a copy of. `oldest` is the `oldest_revision` that the
    copied log begins after; the new store stands at that revision until commits are replayed."""

    store_id: str
    epoch: str
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class RecordId:
    """The primary key. `id` is unique in the store and never used again."""

    org: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class SlugKey:
    """The unique secondary key: one record per (org, kind, slug)."""

    org: str
    kind: str
    slug: str


@dataclass(frozen=True, slots=True)
class Record:
    """One stored resource. `body` is opaque and checksummed; `head` is a summary (at most a few hundred bytes) that
    `heads` returns without touching the body. `indexes` are (name, value) pairs, e.g. ("label", "team=core")."""

    org: str
    kind: str
    id: str
    slug: str
    body: bytes
    head: bytes = b""
    indexes: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> RecordId:
        return RecordId(self.org, self.kind, self.id)

    @property
    def slug_key(self) -> SlugKey:
        return SlugKey(self.org, self.kind, self.slug)


@dataclass(frozen=True, slots=True)
class Head:
    """What the slug index holds of a record."""

    org: str
    kind: str
    id: str
    slug: str
    head: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A page of records, newest id first (ids ascend with time, so this is created_at descending).

    `org` None means every org. `index` restricts to records that carry exactly that (name, value). `after` is the id
    of the last record of the previous page (exclusive; keyset, never an offset). `visible_to` names a principal whose
    grants an engine with row-level rules joins into the query; single-tenant engines ignore it.
    """

    kind: str
    org: str | None = None
    index: tuple[str, str] | None = None
    after: str = ""
    limit: int = MAX_PAGE_SIZE
    visible_to: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a commit: what happened to one record. `payload` is opaque."""

    org: str
    kind: str
    id: str
    slug: str
    type: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Commit:
    """One revision of the change log: `note` is opaque (who, how), `at` is Unix nanoseconds."""

    revision: int
    at: int
    note: bytes
    events: tuple[Event, ...]


class ReadTransaction(Protocol):
    """A consistent snapshot. Results are plain values and stay valid after the transaction has ended."""

    @property
    def revision(self) -> int:
        """Number of the last commit in this snapshot; 0 in a new store."""
        ...

    @property
    def oldest_revision(self) -> int:
        """The smallest `since` that `commits` still answers completely (0 while nothing was compacted)."""
        ...

    def get_many(self, keys: Sequence[RecordId]) -> list[Record | None]: ...

    def find_many(self, keys: Sequence[SlugKey]) -> list[Record | None]: ...

    def heads(self, org: str, kind: str | None = None) -> Iterable[Head]:
        """All heads of an org in (kind, slug) order, of one kind or of all."""
        ...

    def find_heads(self, keys: Sequence[SlugKey]) -> list[Head | None]: ...

    def orgs(self) -> list[str]:
        """The orgs that hold at least one record, in order."""
        ...

    def commits(self, since: int, limit: int) -> list[Commit]:
        """The commits after revision `since`, in order, at most `limit`. OutOfRange when `since` < oldest_revision
        or > revision."""
        ...

    def kv_get(self, space: str, key: bytes) -> bytes | None: ...

    def kv_scan(self, space: str, prefix: bytes = b"") -> list[tuple[bytes, bytes]]: ...

    def list(self, query: Query) -> list[Record]: ...

    def all_records(self) -> Iterator[Record]:
        """Every record of every org, for copies: one at a time, roughly in the order they were made in. Must be used up
        before the transaction ends."""
        ...

    def all_pairs(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Every pair of every space as (space, key, value), for copies likewise, in no order."""
        ...


class Transaction(ReadTransaction, Protocol):
    """A read-write transaction that sees its own writes. Reads of `revision` give the last commit before it."""

    @property
    def next_revision(self) -> int:
        """The number that `append` will give, so that records can carry it. Stable within one transaction."""
        ...

    def save_many(self, records: Sequence[Record]) -> None:
        """Insert or replace by RecordId; index entries of the replaced record go. AlreadyExists when a slug belongs
        to another id."""
        ...

    def delete_many(self, keys: Sequence[RecordId]) -> None:
        """Missing keys are ignored."""
        ...

    def append(self, events: Sequence[Event], note: bytes = b"") -> int:
        """Write the one commit of this transaction and return its revision (`next_revision`). At most once."""
        ...

    def replay(self, commits: Sequence[Commit]) -> None:
        """Write commits of another store with the numbers and times that they have there, instead of `append`. The
        first has the number `next_revision`, and there are no gaps."""
        ...

    def kv_put(self, space: str, key: bytes, value: bytes) -> None: ...

    def kv_delete(self, space: str, key: bytes) -> None: ...


class Store(Protocol):
    """An engine. `write` and `read` block; `submit` does not and serves asyncio (`asyncio.wrap_future`)."""

    @property
    def store_id(self) -> str:
        """Random id made with the store; a marker beside the data carries it too."""
        ...

    @property
    def epoch(self) -> str:
        """Changes when history may have been rewritten (restore): cursors of another epoch mean nothing."""
        ...

    def submit(self, fn: Callable[[Transaction], T], *, org: str = "") -> Future[T]:
        """Run `fn` in a transaction on the writer. The future resolves after the transaction is durable. If `fn`
        raises, nothing of it is kept and the future carries the exception. `fn` must be a plain function of `tx`:
        the engine may run it again (map growth). `org` names whose commit number advances; an engine with one
        counter ignores it."""
        ...

    def write(self, fn: Callable[[Transaction], T], *, org: str = "") -> T: ...

    def read(self, fn: Callable[[ReadTransaction], T]) -> T: ...

    def on_commit(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener(revision)` after each durable group, from the writer thread; returns an unsubscribe."""
        ...

    def verify(self) -> list[str]:
        """Read everything and check checksums and index agreement; one sentence per problem, empty when sound."""
        ...

    def close(self) -> None:
        """Finish queued writes, then release the files. Idempotent."""
        ...
