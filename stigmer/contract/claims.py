"""Packed field paths: the claims of one apply manager, as stored and sent.

Paths are sorted and front-coded: each is the number of leading UTF-8 bytes it shares with the one before it (varint),
the number of its remaining bytes (varint), and those bytes. Paths of one resource share long prefixes, so this takes
about a third of the plain text and needs no table beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stigmer.errors import DataLoss

MAX_CLAIMS_BYTES = 4 * 1024 * 1024
"""Unpacked size that is never exceeded by a resource within the size limits of a manifest."""


def pack(paths: Iterable[str]) -> bytes:
    """Encode a set of paths; the empty set is empty bytes. Equal sets give equal bytes."""
    out = bytearray()
    previous = b""
    for path in sorted({text.encode() for text in paths}):
        shared = _shared_prefix(previous, path)
        _put_varint(out, shared)
        _put_varint(out, len(path) - shared)
        out += path[shared:]
        previous = path
    return bytes(out)


def unpack(data: bytes) -> frozenset[str]:
    """Inverse of `pack`. Raises DataLoss when the bytes are not packed paths."""
    try:
        return frozenset(_paths(data))
    except (ValueError, IndexError) as error:
        raise DataLoss(f"claims cannot be read: {error}") from error


def _paths(data: bytes) -> Iterator[str]:
    previous = b""
    at = total = 0
    while at < len(data):
        shared, at = _varint(data, at)
        length, at = _varint(data, at)
        if shared > len(previous) or at + length > len(data):
            raise ValueError("a path reaches past its data")
        previous = previous[:shared] + data[at : at + length]
        at += length
        total += len(previous)
        if total > MAX_CLAIMS_BYTES:
            raise ValueError("the paths are too long")
        yield previous.decode()


def _shared_prefix(left: bytes, right: bytes) -> int:
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _put_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 35:
            raise ValueError("a length is too long")
