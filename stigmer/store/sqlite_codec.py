"""The rows that the SQLite engine stores, each with a checksum over all its columns, and the counters of the store.

Columns are taken as they come from the file, which may be damaged: of any type, and not UTF-8."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple
from zlib import crc32

from stigmer.errors import DataLoss
from stigmer.store.base import Record
from stigmer.store.integrity import Space, damaged, seal, unseal
from stigmer.store.packing import decode_pairs, encode_pairs

Row = tuple[Any, ...]

RECORD_COLUMNS = "place, org, kind, id, slug, pairs, head, sum, body"
SLUG_COLUMNS = "org, kind, slug, id, place, head, sum"
PAIR_COLUMNS = "space, key, value, sum"

STATE_KEY = b"state"

_RECORD_SIZES = Struct("<QIIIIII")  # place; bytes of org, kind, id, slug, pairs, head
_SLUG_SIZES = Struct("<QIIII")  # place; bytes of org, kind, slug, id
_PAIR_SIZES = Struct("<II")  # bytes of space, key
_STATE = Struct("<QQQQQ")
_WRONG_TYPE = (TypeError, ValueError, AttributeError, struct.error)
"""What a damaged column of another type, or of bytes that are no text, makes of decoding it."""


def record_row(place: int, record: Record) -> Row:
    """The RECORD_COLUMNS of a record."""
    org, kind, id_, slug = record.org.encode(), record.kind.encode(), record.id.encode(), record.slug.encode()
    pairs = encode_pairs(record.indexes)
    sum_ = _record_sum(place, org, kind, id_, slug, pairs, record.head, record.body)
    return place, record.org, record.kind, record.id, record.slug, pairs, record.head, sum_, record.body


def decode_record(row: Row) -> Record | None:
    """The record in a row of RECORD_COLUMNS; None when it is not what was written."""
    place, org, kind, id_, slug, pairs, head, sum_, body = row
    try:
        if _record_sum(place, org, kind, id_, slug, pairs, head, body) != sum_:
            return None
        return Record(_name(org), _name(kind), id_.decode(), slug.decode(), body, head, decode_pairs(pairs))
    except _WRONG_TYPE:
        return None


class SlugEntry(NamedTuple):
    """What the table of slugs holds of a record."""

    org: str
    kind: str
    slug: str
    id: str
    place: int
    head: bytes


def slug_row(place: int, record: Record) -> Row:
    """The SLUG_COLUMNS of a record."""
    org, kind, slug, id_ = record.org.encode(), record.kind.encode(), record.slug.encode(), record.id.encode()
    sum_ = _slug_sum(org, kind, slug, id_, place, record.head)
    return record.org, record.kind, record.slug, record.id, place, record.head, sum_


def decode_slug(row: Row) -> SlugEntry:
    """The entry in a row of SLUG_COLUMNS; DataLoss when it is damaged."""
    org, kind, slug, id_, place, head, sum_ = row
    try:
        if _slug_sum(org, kind, slug, id_, place, head) == sum_:
            return SlugEntry(_name(org), _name(kind), slug.decode(), id_.decode(), place, head)
    except _WRONG_TYPE:
        pass
    raise damaged(f"the slug index entry {shown(org)}/{shown(kind)}/{shown(slug)}")


def pair_sum(space: bytes, key: bytes, value: bytes) -> int:
    return crc32(value, crc32(b"".join((_PAIR_SIZES.pack(len(space), len(key)), space, key)), int(Space.KEY_VALUE)))


def decode_pair(row: Row) -> tuple[str, bytes, bytes]:
    """The pair in a row of PAIR_COLUMNS; DataLoss when it is damaged."""
    space, key, value, sum_ = row
    try:
        if pair_sum(space, key, value) == sum_:
            return _name(space), key, value
    except _WRONG_TYPE:
        pass
    raise damaged(f"the entry {key!r} of the space {shown(space)}")


@dataclass(slots=True)
class State:
    """The counters of the store. `oldest` is `oldest_revision`; `place` the last one given in the table of records;
    `transactions` counts what was ever committed."""

    revision: int = 0
    at: int = 0
    oldest: int = 0
    place: int = 0
    transactions: int = 0

    def copy(self) -> State:
        return replace(self)


def encode_state(state: State) -> bytes:
    return seal(
        Space.STATE,
        STATE_KEY,
        _STATE.pack(state.revision, state.at, state.oldest, state.place, state.transactions),
    )


def decode_state(column: Any) -> State:
    return State(*_STATE.unpack(unseal_column(Space.STATE, STATE_KEY, column, lambda: "the state record")))


def unseal_column(space: Space, key: bytes, column: Any, name: Callable[[], str]) -> bytes:
    """`integrity.unseal` of a column that may be missing or of any type."""
    return unseal(space, key, column if isinstance(column, bytes) else b"", name)


def prefixed(columns: str, table: str) -> str:
    """A list of columns as those of `table`."""
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def damaged_record(org: str, kind: str, id_: str) -> DataLoss:
    return damaged(f"the record {org}/{kind}/{id_}")


def shown(column: Any) -> str:
    """A column for a message."""
    return column.decode(errors="replace") if isinstance(column, bytes) else repr(column)


@lru_cache(maxsize=1_024)
def _name(column: bytes) -> str:
    """Orgs, kinds and spaces: few, and in every row."""
    return column.decode()


def _record_sum(
    place: int, org: bytes, kind: bytes, id_: bytes, slug: bytes, pairs: bytes, head: bytes, body: bytes
) -> int:
    sizes = _RECORD_SIZES.pack(place, len(org), len(kind), len(id_), len(slug), len(pairs), len(head))
    return crc32(body, crc32(b"".join((sizes, org, kind, id_, slug, pairs, head)), int(Space.RECORD)))


def _slug_sum(org: bytes, kind: bytes, slug: bytes, id_: bytes, place: int, head: bytes) -> int:
    sizes = _SLUG_SIZES.pack(place, len(org), len(kind), len(slug), len(id_))
    return crc32(b"".join((sizes, org, kind, slug, id_, head)), int(Space.SLUG))
