"""The values that the LMDB engine stores: records, slug entries and the state record, each behind its checksum."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from stigmer.errors import DataLoss
from stigmer.store.base import Record
from stigmer.store.integrity import CHECKSUM, Space, damaged, seal, unseal
from stigmer.store.lmdb_keys import PREFIX
from stigmer.store.packing import decode_pairs, encode_pairs

STATE_KEY = b"state"
"""Key of the state record, in the main tree, where one page holds it together with the roots of the other trees."""

_RECORD = Struct("<IHIII")  # checksum, bytes of primary key, of slug, of index pairs, of head
_SLUG = Struct("<I8sHI")  # checksum, place, bytes of id, bytes of slug if the key folds it, else 0
_SLUG_LENGTHS = Struct("<HI")
_STATE = Struct("<QQQQIHQ")
_RECORD_SEED = int(Space.RECORD)
_SLUG_SEED = int(Space.SLUG)
_SUM = CHECKSUM.size
_pack_sum = CHECKSUM.pack
_pack_lengths = Struct("<HIII").pack
_unpack_record = _RECORD.unpack_from
_ID_START = _RECORD.size + PREFIX.size


def encode_record(place: bytes, primary: bytes, record: Record) -> bytes:
    """`place` is the record's key; its primary key is kept inside, so that an entry that leads astray shows."""
    slug, pairs, head = record.slug.encode(), encode_pairs(record.indexes), record.head
    sizes = _pack_lengths(len(primary), len(slug), len(pairs), len(head))
    payload = b"".join((sizes, primary, slug, pairs, head, record.body))
    return _pack_sum(crc32(payload, crc32(place, _RECORD_SEED))) + payload


def decode_record(place: bytes, value: bytes, org: str, kind: str) -> tuple[bytes, Record] | None:
    """The primary key inside a stored record, and the record; None when the checksum does not match. The caller
    compares the key and says what org and kind its first bytes stand for."""
    if len(value) < _RECORD.size:
        return None
    sum_, primary_size, slug_size, pairs_size, head_size = _unpack_record(value)
    if sum_ != crc32(value[_SUM:], crc32(place, _RECORD_SEED)):
        return None
    slug_start = _RECORD.size + primary_size
    pairs_start = slug_start + slug_size
    head_start = pairs_start + pairs_size
    body_start = head_start + head_size
    return value[_RECORD.size : slug_start], Record(
        org,
        kind,
        value[_ID_START:slug_start].decode(),
        value[slug_start:pairs_start].decode(),
        value[body_start:],
        value[head_start:body_start],
        decode_pairs(value[pairs_start:head_start]),
    )


class SlugEntry(NamedTuple):
    """What the slug tree holds of a record. `slug` is "" unless the key is too short for it."""

    place: bytes
    id: str
    head: bytes
    slug: str


def encode_slug(key: bytes, place: bytes, name: bytes, head: bytes, folded: bytes) -> bytes:
    """`name` is the record's id; `folded` is the slug itself when `key` holds a digest of it, else empty."""
    payload = b"".join((place, _SLUG_LENGTHS.pack(len(name), len(folded)), name, folded, head))
    return _pack_sum(crc32(payload, crc32(key, _SLUG_SEED))) + payload


def decode_slug(key: bytes, value: bytes) -> SlugEntry:
    """DataLoss when the entry is damaged."""
    if len(value) < _SLUG.size:
        raise damaged_slug(key)
    sum_, place, id_size, slug_size = _SLUG.unpack_from(value)
    if sum_ != crc32(value[_SUM:], crc32(key, _SLUG_SEED)):
        raise damaged_slug(key)
    id_end = _SLUG.size + id_size
    head_start = id_end + slug_size
    return SlugEntry(place, value[_SLUG.size : id_end].decode(), value[head_start:], value[id_end:head_start].decode())


def damaged_slug(key: bytes) -> DataLoss:
    return damaged(f"the slug index entry {key[PREFIX.size :].decode(errors='replace')}")


@dataclass(slots=True)
class State:
    """The counters of the store. `oldest` is `oldest_revision`; `place` the last one given in the record tree."""

    revision: int = 0
    at: int = 0
    oldest: int = 0
    place: int = 0
    orgs: int = 0
    kinds: int = 0

    def copy(self) -> State:
        return State(self.revision, self.at, self.oldest, self.place, self.orgs, self.kinds)


def encode_state(state: State, transaction: int) -> bytes:
    """`transaction` is LMDB's number of the transaction that writes it: see `lmdb_file`."""
    counters = (state.revision, state.at, state.oldest, state.place, state.orgs, state.kinds, transaction)
    return seal(Space.STATE, STATE_KEY, _STATE.pack(*counters))


def decode_state(value: bytes) -> State:
    *counters, _ = _STATE.unpack(unseal(Space.STATE, STATE_KEY, value, lambda: "the state record"))
    return State(*counters)


def stamp_of(value: bytes) -> int | None:
    """The transaction number in a state record, None when the record is damaged."""
    payload = value[_SUM:]
    if len(payload) != _STATE.size or seal(Space.STATE, STATE_KEY, payload) != value:
        return None
    return int(_STATE.unpack(payload)[-1])
