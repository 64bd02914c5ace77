"""A backup as bytes: a plain tar of regular files, read more strictly than tar is.

    manifest.json   what follows, see `manifest`
    store.json      the marker
    data.mdb        the data, by whatever name the engine gives it
    SHA256SUMS      of all of these, in the form of sha256sum

Every byte counts: headers must be the ones that are written here, names the expected ones in their order, and padding
must be zero. Nothing is decompressed and no name is used as a path, so there is nothing to escape or to blow up with.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from stigmer.errors import InvalidArgument
from stigmer.server.maintenance.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    Manifest,
    Member,
    damaged_backup,
    decode_manifest,
)

SUMS_NAME = "SHA256SUMS"
FILE_MODE = 0o600

BLOCK = tarfile.BLOCKSIZE
RECORD = tarfile.RECORDSIZE
CHUNK_BYTES = 1 << 20

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}

Sink = Callable[[Member], AbstractContextManager[IO[bytes] | None]]
"""Where the content of a member goes; None for nowhere."""


def write_archive(out: BinaryIO, manifest: Manifest, folder: Path) -> int:
    """Write a backup of the files in `folder`, and return its size. DataLoss when they are not what the manifest
    says; OSError from `out`."""
    writer = _Writer(out, int(datetime.fromisoformat(manifest.created).timestamp()))
    data = manifest.encode()
    writer.add(MANIFEST_NAME, len(data), iter((data,)))
    for member in manifest.members:
        found = writer.add(member.name, member.size, chunks_of(folder / member.name))
        if found != member.sha256:
            raise damaged_backup(member.name, "it changed while it was written")
    sums = _sums(data, manifest)
    writer.add(SUMS_NAME, len(sums), iter((sums,)))
    return writer.close()


def read_archive(source: BinaryIO, where: str, sink: Sink, accept: Callable[[Manifest], None]) -> Manifest:
    """Read a whole backup, members into `sink`, and check every byte of it. `accept` may refuse the manifest before
    anything is taken. InvalidArgument for what is no backup, FailedPrecondition for one that this version cannot read,
    DataLoss for one that is damaged; OSError from the files. `where` names the backup in errors."""
    reader = _Reader(source, where)
    size = reader.header(MANIFEST_NAME)
    if size > MAX_MANIFEST_BYTES:
        raise damaged_backup(where, f"its manifest has {size} bytes")
    data = b"".join(reader.content(size))
    manifest = decode_manifest(data, where)
    accept(manifest)
    for member in manifest.members:
        _take(reader, member, where, sink)
    sums = _sums(data, manifest)
    if reader.header(SUMS_NAME) != len(sums) or b"".join(reader.content(len(sums))) != sums:
        raise damaged_backup(where, f"its {SUMS_NAME} do not match")
    reader.end()
    return manifest


def nowhere(_: Member) -> AbstractContextManager[None]:
    """A sink for checking only."""
    return nullcontext()


def into(folder: Path) -> Sink:
    """A sink that makes the files in `folder`, durably."""

    def opened(member: Member) -> AbstractContextManager[IO[bytes]]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(folder / member.name, flags, FILE_MODE), "wb")

    return opened


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def member_of(path: Path) -> Member:
    """What a manifest says of a file."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks_of(path):
        digest.update(chunk)
        size += len(chunk)
    return Member(path.name, size, digest.hexdigest())


def _take(reader: _Reader, member: Member, where: str, sink: Sink) -> None:
    if reader.header(member.name) != member.size:
        raise damaged_backup(where, f"{member.name} has another size than its manifest says")
    digest = hashlib.sha256()
    with sink(member) as file:
        for chunk in reader.content(member.size):
            digest.update(chunk)
            if file is not None:
                file.write(chunk)
        if file is not None:
            file.flush()
            os.fsync(file.fileno())
    if digest.hexdigest() != member.sha256:
        raise damaged_backup(where, f"{member.name} fails its checksum")


def _sums(manifest_data: bytes, manifest: Manifest) -> bytes:
    lines = [f"{hashlib.sha256(manifest_data).hexdigest()}  {MANIFEST_NAME}\n"]
    lines += [f"{member.sha256}  {member.name}\n" for member in manifest.members]
    return "".join(lines).encode()


def _header(name: str, size: int, mtime: int) -> bytes:
    """The one form of a header: one block whatever the size, because the GNU form writes large sizes in binary."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, FILE_MODE
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


class _Writer:
    def __init__(self, out: BinaryIO, mtime: int) -> None:
        self._out = out
        self._mtime = mtime
        self._size = 0

    def add(self, name: str, size: int, chunks: Iterator[bytes]) -> str:
        """Write a member; returns the SHA-256 of its content."""
        self._write(_header(name, size, self._mtime))
        digest, written = hashlib.sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            written += len(chunk)
            self._write(chunk)
        if written != size:
            raise damaged_backup(name, "its size changed while it was written")
        self._write(bytes(-size % BLOCK))
        return digest.hexdigest()

    def close(self) -> int:
        """Write the end; returns the size of all."""
        self._write(bytes(2 * BLOCK))
        self._write(bytes(-self._size % RECORD))
        return self._size

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._size += len(data)


class _Reader:
    def __init__(self, source: BinaryIO, where: str) -> None:
        self._source = source
        self._where = where
        self._position = 0

    def header(self, name: str) -> int:
        """The size of the next member, which must be `name`."""
        start = self._position
        block = self._exactly(BLOCK) if start else self._first()
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            known = info.size >= 0 and _header(name, info.size, int(info.mtime)) == block
        except (tarfile.TarError, ValueError, OverflowError):
            known = False
        if not known:
            raise damaged_backup(self._where, f"at byte {start} there is no {name} as a backup has it")
        return info.size

    def content(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, and their padding behind them."""
        left = size
        while left:
            chunk = self._exactly(min(left, CHUNK_BYTES))
            left -= len(chunk)
            yield chunk
        self._zeros(-size % BLOCK)

    def end(self) -> None:
        self._zeros(2 * BLOCK)
        self._zeros(-self._position % RECORD)
        if self._source.read(1):
            raise damaged_backup(self._where, f"it goes on behind its end, at byte {self._position}")

    def _first(self) -> bytes:
        """The first block, unless it shows that this is something else."""
        block = self._read(BLOCK)
        for magic, name in _COMPRESSED.items():
            if block.startswith(magic):
                raise _no_backup(self._where, f"it is compressed with {name}", "decompress it first")
        if not block.startswith(MANIFEST_NAME.encode() + b"\0"):
            text = "it is empty" if not block else "it does not begin with a manifest"
            raise _no_backup(self._where, text, "backups are made by stigmer local backup")
        if len(block) < BLOCK:
            raise self._short()
        return block

    def _zeros(self, count: int) -> None:
        start = self._position
        if self._exactly(count).strip(b"\0"):
            raise damaged_backup(self._where, f"the padding at byte {start} is not empty")

    def _exactly(self, count: int) -> bytes:
        data = self._read(count)
        if len(data) < count:
            raise self._short()
        return data

    def _read(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end: a pipe gives what it has."""
        parts = []
        while count and (data := self._source.read(count)):
            parts.append(data)
            count -= len(data)
            self._position += len(data)
        return b"".join(parts)

    def _short(self) -> Exception:
        return damaged_backup(self._where, f"it ends after {self._position} bytes")


def _no_backup(where: str, problem: str, hint: str) -> InvalidArgument:
    return InvalidArgument(f"{where} is no backup of stigmer: {problem}", hint=hint, reason="NOT_A_BACKUP")
