"""Key encodings of the LMDB engine, and the small integers that stand for org and kind names.

    tree      key                                         value
    records   place (8 bytes, ascending with insertion)   record
    primary   org, kind, id                               place
    slugs     org, kind, slug                             place, id, head
    indexes   org, kind, digest of (name, value), id      place
    log       revision, chunk                             commit, see lmdb_log
    pairs     space, key                                  key, value
    names     "o" or "k", name                            integer, name

LMDB bounds keys to 511 bytes. Org and kind are interned as 4 + 2 bytes; other texts that may be too long are folded:
cut, with a digest of the whole behind the cut, and kept in full in the value. Records lie in order of insertion, so
bulk writes append full pages whatever kinds and orgs they mix; the other trees hold small entries only.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from struct import Struct

from stigmer.store.limits import NUL, check_pair

KEY_BYTES = 511
"""LMDB's limit."""

PREFIX = Struct(">IH")
PLACE = Struct(">Q")
LOG_KEY = Struct(">QI")
ORG_TAG = b"o"
KIND_TAG = b"k"

INDEX_PREFIX_BYTES = PREFIX.size + 8
SLUG_ROOM = KEY_BYTES - PREFIX.size
NAME_ROOM = KEY_BYTES - len(ORG_TAG)
SPACE_ROOM = 100
PAIR_ROOM = KEY_BYTES - SPACE_ROOM - 1

DIGEST_CACHE = 16_384
"""Index pairs whose digest is remembered: many records carry the same labels, owner and references."""

_DIGEST_BYTES = 16


def fold(data: bytes, room: int) -> bytes:
    """`data` if it is shorter than `room`, else exactly `room` bytes: its beginning and a digest. A folded key is
    longer than any that is not, so the two never meet."""
    if len(data) < room:
        return data
    return data[: room - _DIGEST_BYTES] + blake2b(data, digest_size=_DIGEST_BYTES).digest()


@lru_cache(maxsize=DIGEST_CACHE)
def index_digest(pair: tuple[str, str]) -> bytes:
    """8 bytes for an index entry. Readers compare the pair in the record, so a collision costs time, never truth."""
    check_pair(pair)
    return blake2b(NUL.join(pair).encode(), digest_size=8).digest()


def index_keys(primary: bytes, pairs: tuple[tuple[str, str], ...]) -> frozenset[bytes]:
    """The keys of the index tree for a record with these pairs."""
    prefix, name = primary[: PREFIX.size], primary[PREFIX.size :]
    return frozenset([prefix + index_digest(pair) + name for pair in pairs])


def pair_prefix(space: str) -> bytes:
    folded = fold(space.encode(), SPACE_ROOM)
    return len(folded).to_bytes(1) + folded


def name_key(tag: bytes, name: str) -> bytes:
    return tag + fold(name.encode(), NAME_ROOM)


def after_prefix(prefix: bytes) -> bytes:
    """The smallest key that is larger than every key that begins with `prefix`."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))
