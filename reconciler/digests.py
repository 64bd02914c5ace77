"""Digests of many resources in 8 KiB: client and server each keep a tree over (kind, slug, digest) of one org, and the
buckets in which the two differ are the only ones worth listing.

Each bucket is a sum, modulo 2**256, of one hash per resource, so that a change costs one subtraction and one addition
whatever the size of the org. Sums find accidental differences; they are no defence against somebody who chooses
digests so that two sums agree, and need not be, since both sides belong to one org.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

BUCKETS = 256
BUCKET_BYTES = 32
TREE_BYTES = BUCKETS * BUCKET_BYTES
_MODULUS = 1 << (8 * BUCKET_BYTES)


def bucket_of(kind: str, slug: str) -> int:
    """The bucket, 0 to 255, that holds the resource."""
    return sha256(f"{kind}/{slug}".encode()).digest()[0]


def _place(kind: str, slug: str, digest: bytes) -> tuple[int, int]:
    """The bucket of a resource and its summand; one hash state serves both, as the summand hashes name, NUL, digest."""
    state = sha256(f"{kind}/{slug}".encode())
    bucket = state.digest()[0]
    state.update(b"\0" + digest)
    return bucket, int.from_bytes(state.digest(), "big")


class DigestTree:
    """The digests of an org's resources, kept up to date one resource at a time. The order of calls does not matter."""

    __slots__ = ("_sums",)

    def __init__(self, entries: Iterable[tuple[str, str, bytes]] = ()) -> None:
        """`entries` are (kind, slug, digest); about 1 us each."""
        sums = [0] * BUCKETS
        for kind, slug, digest in entries:
            bucket, summand = _place(kind, slug, digest)
            sums[bucket] += summand
        self._sums = sums

    def add(self, kind: str, slug: str, digest: bytes) -> None:
        bucket, summand = _place(kind, slug, digest)
        self._sums[bucket] += summand

    def remove(self, kind: str, slug: str, digest: bytes) -> None:
        """Takes back an `add` with the same arguments."""
        bucket, summand = _place(kind, slug, digest)
        self._sums[bucket] -= summand

    def replace(self, kind: str, slug: str, before: bytes, after: bytes) -> None:
        self.remove(kind, slug, before)
        self.add(kind, slug, after)

    def bucket(self, index: int) -> bytes:
        """The 32 bytes of one bucket; all zero if it is empty."""
        return (self._sums[index] % _MODULUS).to_bytes(BUCKET_BYTES, "big")

    def to_bytes(self) -> bytes:
        """All buckets in order, `TREE_BYTES` long."""
        return b"".join(map(self.bucket, range(BUCKETS)))

    @classmethod
    def from_bytes(cls, data: bytes) -> DigestTree:
        """The tree that `to_bytes` wrote. ValueError if the length is wrong."""
        tree = cls()
        tree._sums = [int.from_bytes(part, "big") for part in _parts(data)]
        return tree

    def root(self) -> bytes:
        """32 bytes that stand for the whole tree."""
        return sha256(self.to_bytes()).digest()

    def differing(self, other: bytes) -> list[int]:
        """The buckets, ascending, in which another tree's `to_bytes` differs from this one."""
        return [index for index, part in enumerate(_parts(other)) if part != self.bucket(index)]


def _parts(data: bytes) -> list[bytes]:
    if len(data) != TREE_BYTES:
        raise ValueError(f"a digest tree has {TREE_BYTES} bytes, not {len(data)}")
    return [data[start : start + BUCKET_BYTES] for start in range(0, TREE_BYTES, BUCKET_BYTES)]
