"""A stat cache like git's index: what was learned of a file is believed again while its stat says that it is the same.

Payloads and summary are opaque bytes of the upper layer. A file that changed so shortly after it was read that its
timestamps cannot show it ("racily clean") is never believed: the cache notes the file system's time when it is opened,
before anything is read, and an entry whose mtime or ctime is not older than that is read again the next time.

A cache is only ever a shortcut. One that is missing, damaged, written by another version or owned by somebody else is
an empty one, and one that cannot be written stays as it is.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from manifests.cachefile import (
    Image,
    encode_image,
    filesystem_time,
    pack_head,
    read_private,
    read_summary,
    replace,
    write_summary,
)
from manifests.entry import Entry, Scan
from manifests.walk import STAT_MARK

TICK_NS = 10_000_000
"""Changes within this time may get one timestamp: kernels advance the clock of file systems 100 times a second."""

COARSE_TICK_NS = 2_000_000_000
"""The same for timestamps of whole seconds: FAT and some network file systems keep none finer."""

_SECOND_NS = 1_000_000_000
_RACY, _VOLATILE, _NO_PAYLOAD = 1, 2, 4
_NONCE_BYTES = 16
_TIMES = struct.Struct("<9xqq8x")
"""mtime and ctime within the identity that `walk.stat_identity` packs."""

Clock = Callable[[Path], int | None]
"""A folder -> the time in nanoseconds that its file system gives a file written now, None if none can be written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a scan differs from what is saved. `fresh` entries have to be read; `stale` are the payloads that they, and
    files that have gone, leave behind. `is_lasting` says that saving would spare the next run some of it."""

    fresh: tuple[Entry, ...]
    stale: tuple[bytes, ...]
    is_lasting: bool


@final
class StatCache:
    """The cache of one set of paths. Use it in this order: open, then scan and ask, then read, then save."""

    def __init__(self, file: Path, fingerprint: str, image: Image | None, clock: Clock) -> None:
        self._file = file
        self._summary_file = file.with_name(file.name + ".summary")
        self._fingerprint = fingerprint.encode()
        self._image = image
        self._clock = clock
        self._opened_at = clock(file.parent)

    @classmethod
    def open(cls, file: Path, fingerprint: str, *, clock: Clock = filesystem_time) -> StatCache:
        """The cache kept in `file`, empty unless it was saved under the same fingerprint. Never raises for what is
        there. Must be called before the files are read whose payloads will be saved."""
        data = read_private(file)
        return cls(file, fingerprint, Image.parse(data, fingerprint.encode()) if data else None, clock)

    def unchanged(self, scan: Scan) -> bytes | None:
        """The saved summary, if the scan has exactly the saved entries and project files in the saved order, every
        one of them can be trusted and had a payload, and nothing is wrong with the scan."""
        image = self._image
        if image is None or scan.diagnostics or image.flags.strip(b"\0"):
            return None
        if image.head != pack_head(scan):
            return None
        return read_summary(self._summary_file, image.nonce)

    def difference(self, scan: Scan, most: int) -> Difference | None:
        """How the scan differs from the saved one, if that is in at most so many files and in no project file."""
        if self._image is None or scan.diagnostics:
            return None
        found = self._image.compare(scan, pack_head(scan))
        if (
            found is None
            or max(len(found[0]), len(found[1])) > most
            or not set(found[0]).isdisjoint(scan.project_files)
        ):
            return None
        fresh, left = found
        is_lasting = len(fresh) != len(left) or not all(map(self._stays_volatile, fresh))
        return Difference(tuple(fresh), tuple(self._image.payload(number) for number in left), is_lasting)

    def _stays_volatile(self, entry: Entry) -> bool:
        found = self._image.find(entry.path) if self._image is not None else None
        return found is not None and found[0] == entry.identity and bool(found[1] & _VOLATILE)

    def contains(self, text: bytes) -> bool:
        """Whether any saved payload contains the text."""
        return self._image is not None and self._image.contains(text)

    def summary(self) -> bytes:
        """The saved summary, whatever has changed since; empty if there is none."""
        return (read_summary(self._summary_file, self._image.nonce) or b"") if self._image is not None else b""

    def lookup(self, entry: Entry) -> bytes | None:
        """The payload saved for an entry that has not changed since and can be trusted."""
        if self._image is None:
            return None
        found = self._image.find(entry.path)
        if found is None:
            return None
        identity, flags, payload = found
        return payload if flags == 0 and identity == entry.identity else None

    def save(
        self,
        scan: Scan,
        payloads: Mapping[str, bytes] | Sequence[bytes | None],
        summary: bytes,
        volatile: Collection[str] = (),
    ) -> bool:
        """Replace the cache by what is known of a scan's entries. `payloads` is keyed by path or aligned with the
        entries; an entry without one is read again. `volatile` paths are never trusted: what they depend on has no
        stat. Returns whether the cache could be written."""
        if self._opened_at is None:
            return False
        if isinstance(payloads, Mapping):
            payloads = [payloads.get(entry.path) for entry in scan.entries]
        aligned = [*payloads, *[b""] * len(scan.project_files)]
        flags = _flags(scan, aligned, self._opened_at, volatile)
        nonce = os.urandom(_NONCE_BYTES)
        stored = [payload or b"" for payload in aligned]
        data = encode_image(nonce, self._fingerprint, pack_head(scan), flags, stored)
        if not replace(self._file, data):
            return False
        self._image = Image.parse(data, self._fingerprint)
        self._opened_at = self._clock(self._file.parent)
        return write_summary(self._summary_file, nonce, summary)

    def update_summary(self, summary: bytes) -> bool:
        """Replace the summary alone. Returns whether it could be written."""
        return self._image is not None and write_summary(self._summary_file, self._image.nonce, summary)


def _flags(scan: Scan, payloads: Sequence[bytes | None], opened_at: int, volatile: Collection[str]) -> bytes:
    entries = scan.entries + scan.project_files
    flags = bytearray(len(entries))
    for number, (entry, payload) in enumerate(zip(entries, payloads, strict=True)):
        if payload is None:
            flags[number] = _NO_PAYLOAD
        if _is_racy(entry.identity, opened_at):
            flags[number] |= _RACY
    if volatile:
        for number, entry in enumerate(entries):
            if entry.path in volatile:
                flags[number] |= _VOLATILE
    return bytes(flags)


def _is_racy(identity: bytes, opened_at: int) -> bool:
    """Whether the content may change without changing the identity. An id of content never is, no id always."""
    if len(identity) != _TIMES.size or not identity.startswith(STAT_MARK):
        return not identity
    mtime, ctime = _TIMES.unpack(identity)
    newest: int = max(mtime, ctime)
    return newest + (TICK_NS if newest % _SECOND_NS else COARSE_TICK_NS) >= opened_at
