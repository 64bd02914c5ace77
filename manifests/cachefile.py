"""The bytes of a stat cache on disk: one image of all entries, and beside it the summary, which changes more often.

    image    header | fingerprint | flags | payload sizes | head | payloads
    head     counts | identity lengths | identities | paths separated by NUL
    summary  magic | nonce of the image it belongs to | checksum | summary

The head is compared as a whole and looked into only when it differs. Checksums find damage; that nobody else wrote the
files is what their owner and mode are for. Used by `cache` alone.
"""

from __future__ import annotations

import os
import stat
import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from zlib import crc32

from manifests.entry import Entry, Scan

_IMAGE_MAGIC = b"stgidx01"
_SUMMARY_MAGIC = b"stgsum01"
_HEADER = struct.Struct("<8s16sIIQQI")  # magic, nonce, sizes of the parts, checksum of the payloads
_CHECKSUM = struct.Struct("<I")  # of the header and everything else but the payloads
_PREFIX = _HEADER.size + _CHECKSUM.size
_COUNTS = struct.Struct("<QQ")
_SUMMARY_HEADER = struct.Struct("<8s16sI")
_FOREIGN_WRITE = stat.S_IWGRP | stat.S_IWOTH
_SIZE_BYTES = 4
_NAME_BYTES = 8
_BLOCK = 512
"""Identities that are compared at once: in a large tree nearly all blocks are the same."""


def pack_head(scan: Scan) -> bytes:
    """The paths and identities of a scan, project files included, as bytes that are equal only for equal scans."""
    entries: Sequence[Entry] = scan.entries + scan.project_files
    identities = list(map(itemgetter(1), entries))
    paths = "\0".join(map(itemgetter(0), entries)).encode(errors="surrogatepass")
    counts = _COUNTS.pack(len(scan.entries), len(scan.project_files))
    return b"".join((counts, bytes(map(len, identities)), *identities, paths))


def encode_image(nonce: bytes, fingerprint: bytes, head: bytes, flags: bytes, payloads: Sequence[bytes]) -> bytes:
    """`flags` and `payloads` have one item per entry of the head, in its order."""
    sizes = array("I", map(len, payloads)).tobytes()
    content = b"".join(payloads)
    parts = b"".join((fingerprint, flags, sizes, head))
    header = _HEADER.pack(_IMAGE_MAGIC, nonce, len(fingerprint), len(flags), len(head), len(content), crc32(content))
    return b"".join((header, _CHECKSUM.pack(crc32(parts, crc32(header))), parts, content))


class Image:
    """A saved cache. Everything but `head`, `flags` and `nonce` is taken apart on the first `find`."""

    def __init__(self, data: bytes, nonce: bytes, flags: bytes, head: bytes, payloads_at: int, checksum: int) -> None:
        self.nonce = nonce
        self.flags = flags
        self.head = head
        self._data = data
        self._payloads_at = payloads_at
        self._checksum = checksum
        self._numbers: dict[str, int] | None = None
        self._identities = self._payloads = array("Q")

    @classmethod
    def parse(cls, data: bytes, fingerprint: bytes) -> Image | None:
        """The image, or None unless the bytes are whole and were saved under this fingerprint."""
        if len(data) < _PREFIX:
            return None
        magic, nonce, width, count, head_size, content_size, content_checksum = _HEADER.unpack_from(data)
        (checksum,) = _CHECKSUM.unpack_from(data, _HEADER.size)
        flags_at = _PREFIX + width
        head_at = flags_at + count * (1 + _SIZE_BYTES)
        payloads_at = head_at + head_size
        if magic != _IMAGE_MAGIC or len(data) != payloads_at + content_size:
            return None
        view = memoryview(data)
        if crc32(view[_PREFIX:payloads_at], crc32(view[: _HEADER.size])) != checksum:
            return None
        if view[_PREFIX:flags_at] != fingerprint:
            return None
        flags, head = data[flags_at : flags_at + count], data[head_at:payloads_at]
        return cls(data, nonce, flags, head, payloads_at, content_checksum)

    def find(self, path: str) -> tuple[bytes, int, bytes] | None:
        """Identity, flags and payload of a path."""
        if self._numbers is None:
            self._numbers = self._take_apart()
        number = self._numbers.get(path)
        if number is None:
            return None
        return self._identity(number), self.flags[number], self.payload(number)

    def payload(self, number: int) -> bytes:
        """The payload of an entry that `compare` or `find` has come upon."""
        return self._data[self._payloads[number] : self._payloads[number + 1]]

    def compare(self, scan: Scan, head: bytes) -> tuple[list[Entry], list[int]] | None:
        """The entries of a scan, whose head is given, that are not as they were saved or are flagged; and the numbers
        of the saved entries that they, or files that have gone, leave behind. None if the payloads are damaged, or
        if there are more or fewer project files."""
        if self._numbers is None:
            self._numbers = self._take_apart()
        if not self._numbers or _COUNTS.unpack_from(head)[1] != _COUNTS.unpack_from(self.head)[1]:
            return None
        entries = scan.entries + scan.project_files
        if self._has_names_of(head):
            touched = self._touched(head)
            return [entries[number] for number in touched], touched
        fresh: list[Entry] = []
        kept: set[int] = set()
        for entry in entries:
            number = self._numbers.get(entry.path)
            if number is None or self.flags[number] or self._identity(number) != entry.identity:
                fresh.append(entry)
            else:
                kept.add(number)
        return fresh, [number for number in range(len(self.flags)) if number not in kept]

    def contains(self, text: bytes) -> bool:
        """Whether any payload contains the text."""
        return self._data.find(text, self._payloads_at) >= 0

    def _identity(self, number: int) -> bytes:
        return self.head[self._identities[number] : self._identities[number + 1]]

    def _has_names_of(self, head: bytes) -> bool:
        """Whether another head has the same paths in the same order, and identities of the same lengths."""
        start, end = self._identities[0], self._identities[-1]
        return len(head) == len(self.head) and head[:start] == self.head[:start] and head[end:] == self.head[end:]

    def _touched(self, head: bytes) -> list[int]:
        """The numbers of entries that are flagged or whose identity is another one in a head with the same names."""
        found = {number for number, flag in enumerate(self.flags) if flag} if self.flags.strip(b"\0") else set()
        starts = self._identities
        for first in range(0, len(self.flags), _BLOCK):
            last = min(first + _BLOCK, len(self.flags))
            block = slice(starts[first], starts[last])
            if head[block] != self.head[block]:
                found.update(
                    number
                    for number in range(first, last)
                    if head[starts[number] : starts[number + 1]] != self._identity(number)
                )
        return sorted(found)

    def _take_apart(self) -> dict[str, int]:
        count = len(self.flags)
        if not count or crc32(memoryview(self._data)[self._payloads_at :]) != self._checksum:
            return {}
        at = _COUNTS.size + count
        self._identities = array("Q", accumulate(self.head[_COUNTS.size : at], initial=at))
        sizes_end = self._payloads_at - len(self.head)
        sizes = array("I", self._data[sizes_end - count * _SIZE_BYTES : sizes_end])
        self._payloads = array("Q", accumulate(sizes, initial=self._payloads_at))
        paths = self.head[self._identities[count] :].decode(errors="surrogatepass").split("\0")
        return dict(zip(paths, range(count), strict=True))


def read_summary(file: Path, nonce: bytes) -> bytes | None:
    """The summary that belongs to the image with this nonce."""
    data = read_private(file)
    if data is None or len(data) < _SUMMARY_HEADER.size:
        return None
    magic, owner, checksum = _SUMMARY_HEADER.unpack_from(data)
    summary = data[_SUMMARY_HEADER.size :]
    return summary if (magic, owner, checksum) == (_SUMMARY_MAGIC, nonce, crc32(summary)) else None


def find_summary(file: Path) -> bytes | None:
    """The summary in a file, whichever image it belongs to; None unless it is whole."""
    data = read_private(file)
    if data is None or len(data) < _SUMMARY_HEADER.size:
        return None
    return read_summary(file, _SUMMARY_HEADER.unpack_from(data)[1])


def is_whole(file: Path) -> bool:
    """Whether a file is an undamaged image, under whatever fingerprint it was saved."""
    data = read_private(file)
    if data is None or len(data) < _PREFIX:
        return False
    width = _HEADER.unpack_from(data)[2]
    return Image.parse(data, data[_PREFIX : _PREFIX + width]) is not None


def write_summary(file: Path, nonce: bytes, summary: bytes) -> bool:
    return replace(file, _SUMMARY_HEADER.pack(_SUMMARY_MAGIC, nonce, crc32(summary)) + summary)


def read_private(file: Path) -> bytes | None:
    """The content of a regular file that is ours and that nobody else may write, else None."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _FOREIGN_WRITE:
            return None
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read()
    except OSError:
        return None
    finally:
        os.close(descriptor)


def replace(file: Path, data: bytes) -> bool:
    """Put the data in the file's place at once, mode 0600. Returns whether that was possible."""
    try:
        temporary, descriptor = _new_file(file.parent, file.name)
    except OSError:
        return False
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - created exclusively
            stream.write(data)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        return False
    return True


def filesystem_time(folder: Path) -> int | None:
    """The time in nanoseconds that the folder's file system gives a file written now; None if none can be written."""
    try:
        file, descriptor = _new_file(folder, "now")
    except OSError:
        return None
    try:
        return os.fstat(descriptor).st_mtime_ns
    finally:
        os.close(descriptor)
        file.unlink(missing_ok=True)


def _new_file(folder: Path, name: str) -> tuple[Path, int]:
    """A file of our own beside others, and its descriptor. `tempfile` would cost 10 ms of every start."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f".{name}.{os.urandom(_NAME_BYTES).hex()}"
    return file, os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
