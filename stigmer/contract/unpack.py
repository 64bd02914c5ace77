"""The content of archives from anybody: unpacked in pieces, never more than was announced, and compared with what was.

Archives inside archives are files like others: nobody here looks into them.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from stigmer.contract.archive import STORED
from stigmer.contract.archive_directory import Entry, bad, entries

WINDOW_BYTES = 64 * 1024
"""How much is packed or unpacked at a time."""


class Unpacked(NamedTuple):
    """One file that was unpacked and found whole; `digest` is the SHA-256 of its content."""

    path: str
    size: int
    executable: bool
    digest: bytes


def inspect(data: bytes) -> tuple[Unpacked, ...]:
    """All files, each unpacked once to see that it is what the archive says. InvalidArgument with the reason
    ARCHIVE_REFUSED for an archive that is damaged, or not safe to unpack."""
    return tuple(_inspected(data, entry) for entry in entries(data))


def read(data: bytes, path: str) -> bytes | None:
    """The content of one file, None if there is none of that path. InvalidArgument like `inspect`."""
    entry = next((each for each in entries(data) if each.path == path), None)
    return b"".join(content(data, entry)) if entry is not None else None


def content(data: bytes, entry: Entry) -> Iterator[bytes]:
    """The content of an entry in pieces. InvalidArgument, perhaps after some of them, if it is not what was said."""
    view = memoryview(data)[entry.start : entry.start + entry.packed]
    size = crc = 0
    for piece in _stored(view) if entry.method == STORED else _inflated(view, entry.path):
        size += len(piece)
        if size > entry.size:
            break
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != entry.size:
        raise bad(entry.path, f"does not unpack to the {entry.size:,} bytes that the archive says")
    if crc != entry.crc:
        raise bad(entry.path, "is damaged: its checksum is another one")


def _inspected(data: bytes, entry: Entry) -> Unpacked:
    digest = hashlib.sha256()
    for piece in content(data, entry):
        digest.update(piece)
    return Unpacked(entry.path, entry.size, entry.executable, digest.digest())


def _stored(view: memoryview) -> Iterator[bytes]:
    for at in range(0, len(view), WINDOW_BYTES):
        yield bytes(view[at : at + WINDOW_BYTES])


def _inflated(view: memoryview, path: str) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    pending, at = b"", 0
    try:
        while not inflate.eof:
            if not pending:
                pending = bytes(view[at : at + WINDOW_BYTES])
                at += len(pending)
            piece = inflate.decompress(pending, WINDOW_BYTES)
            if not piece and not pending and not inflate.eof:
                break
            pending = inflate.unconsumed_tail
            yield piece
    except zlib.error as error:
        raise bad(path, "is damaged: it cannot be unpacked") from error
    if not inflate.eof or inflate.unused_data or at < len(view):
        raise bad(path, "is damaged: its packed content has another length")
