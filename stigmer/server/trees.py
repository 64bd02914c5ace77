"""The digest trees that the server keeps, one per org, in the same transaction as the resources.

Each bucket is a value of its own, so that a single write touches 32 bytes and a bulk apply each bucket once. Default
instances are in no tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.digests import BUCKETS, DigestTree, bucket_of
from stigmer.server.batch import Unit
from stigmer.server.records import Stored
from stigmer.store.base import ReadTransaction, Transaction

_SPACE = "digest-tree"
_MODULUS = 1 << 256


def load(tx: ReadTransaction, org: str) -> bytes:
    """The tree of an org in the form of DigestTree.to_bytes."""
    prefix = _prefix(org)
    buckets = [bytes(32)] * BUCKETS
    for key, value in tx.kv_scan(_SPACE, prefix):
        buckets[key[len(prefix)]] = value
    return b"".join(buckets)


def update(tx: Transaction, unit: Unit) -> None:
    """Bring the trees in line with what a unit has saved and removed."""
    gone = [stored for stored in (*unit.removals.values(), *unit.replaced.values()) if not stored.managed]
    come = [stored for stored, _ in unit.saves.values() if not stored.managed]
    deltas: dict[str, DigestTree] = {stored.org: DigestTree() for stored in (*gone, *come)}
    for stored in gone:
        deltas[stored.org].remove(stored.kind, stored.slug, stored.state.digest)
    for stored in come:
        deltas[stored.org].add(stored.kind, stored.slug, stored.state.digest)
    for org, delta in deltas.items():
        for bucket in _touched(org, (*gone, *come)):
            _add(tx, _prefix(org) + bytes([bucket]), delta.bucket(bucket))


def _touched(org: str, changed: Sequence[Stored]) -> Iterable[int]:
    """The buckets that may have changed. Many changes touch all: finding that out would cost more than it saves."""
    if len(changed) > BUCKETS:
        return range(BUCKETS)
    return sorted({bucket_of(stored.kind, stored.slug) for stored in changed if stored.org == org})


def _add(tx: Transaction, key: bytes, summand: bytes) -> None:
    held = int.from_bytes(tx.kv_get(_SPACE, key) or b"", "big")
    total = (held + int.from_bytes(summand, "big")) % _MODULUS
    tx.kv_put(_SPACE, key, total.to_bytes(32, "big"))


def _prefix(org: str) -> bytes:
    return org.encode() + b"/"
