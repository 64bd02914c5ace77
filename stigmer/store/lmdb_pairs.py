"""The ordered key-value space of the LMDB engine."""

from __future__ import annotations

from struct import Struct

from stigmer.store.integrity import Space, seal, unseal
from stigmer.store.lmdb_keys import PAIR_ROOM, fold, pair_prefix
from stigmer.store.lmdb_trees import Tree, Txn

_FOLDED = Struct("<I")  # bytes of the key if the stored key holds a digest of it, else 0


def get_pair(txn: Txn, tree: Tree, space: str, key: bytes) -> bytes | None:
    stored = pair_key(space, key)
    sealed = txn.get(stored, db=tree)
    if sealed is None:
        return None
    whole, value = decode_pair(stored, sealed, space)
    return value if not whole or whole == key else None


def scan_pairs(txn: Txn, tree: Tree, space: str, prefix: bytes) -> list[tuple[bytes, bytes]]:
    """All pairs of a space whose key begins with `prefix`, in the order of their keys."""
    start = pair_prefix(space)
    shortest = start + fold(prefix, PAIR_ROOM)[: _cut(prefix)]
    pairs, folded = [], False
    with txn.cursor(tree) as cursor:
        found = cursor.set_range(shortest)
        for stored, sealed in cursor.iternext() if found else ():
            if not stored.startswith(shortest):
                break
            whole, value = decode_pair(stored, sealed, space)
            folded = folded or bool(whole)
            key = whole or stored[len(start) :]
            if key.startswith(prefix):
                pairs.append((key, value))
    if folded:
        pairs.sort()
    return pairs


def put_pair(txn: Txn, tree: Tree, space: str, key: bytes, value: bytes) -> int:
    """Store the pair; the bytes written."""
    stored = pair_key(space, key)
    whole = key if len(key) >= PAIR_ROOM else b""
    sealed = seal(Space.KEY_VALUE, stored, _FOLDED.pack(len(whole)) + whole + value)
    txn.put(stored, sealed, db=tree)
    return len(stored) + len(sealed)


def pair_key(space: str, key: bytes) -> bytes:
    return pair_prefix(space) + fold(key, PAIR_ROOM)


def decode_pair(stored: bytes, sealed: bytes, space: str) -> tuple[bytes, bytes]:
    """(the whole key if the stored one is folded else b"", the value); DataLoss when damaged."""
    payload = unseal(Space.KEY_VALUE, stored, sealed, lambda: f"the entry {stored!r} of the space {space}")
    end = _FOLDED.size + _FOLDED.unpack_from(payload)[0]
    return payload[_FOLDED.size : end], payload[end:]


def _cut(prefix: bytes) -> int:
    """How much of a key's beginning every stored form of it shares."""
    return min(len(prefix), PAIR_ROOM - 16)
