"""Files as one archive, and its content address: how the folder of a skill becomes an artifact.

The archive is a zip file that depends on nothing but the files: sorted paths, one fixed time, no compression (what
deflate puts out differs between builds of zlib), and of the modes only whether a file may be executed. So equal folders
have equal digests on every machine, and a digest says whether anything has changed. `unpack` reads these archives, and
those of others.
"""

from __future__ import annotations

import hashlib
import stat
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from stigmer.contract.archive_paths import PathSet, path_problem
from stigmer.contract.limits import MAX_ARCHIVE_ENTRIES, MAX_ARTIFACT_BYTES
from stigmer.errors import InvalidArgument

ZIP = "application/zip"

REFUSED = "ARCHIVE_REFUSED"
"""Reason of every error about an archive."""

LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCAL = Struct("<4s5H3L2H")
"""Mark, version, flags, method, time, date, CRC-32, packed size, size, length of the name and of what follows it."""

CENTRAL = Struct("<4s6H3L5H2L")
"""As LOCAL, with the version that made it in front, and lengths, disk, attributes and offset behind."""

END = Struct("<4s4H2LH")
"""Mark, two disks, two counts of entries, size and offset of the central directory, length of a comment."""

UTF8 = 0x800
"""Flag: the name is UTF-8."""

STORED, DEFLATED = 0, 8

_VERSION = 20
_UNIX = 3 << 8
_MIDNIGHT, _FIRST_DAY = 0, 1 << 5 | 1
"""1980-01-01 00:00:00, the earliest time that the format knows."""

_FILE_MODE, _PROGRAM_MODE = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755


class File(NamedTuple):
    """One file: its path relative to the folder, with forward slashes."""

    path: str
    data: bytes
    executable: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that a manifest means, and what makes its bytes again when they are to be sent."""

    digest: str
    size: int
    media_type: str
    load: Callable[[], bytes]


def artifact_digest(data: bytes) -> str:
    """The content address of an artifact: "sha256:" and 64 hex digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def refused(problem: str, hint: str = "") -> InvalidArgument:
    return InvalidArgument(problem, hint=hint, reason=REFUSED)


def pack(files: Iterable[File]) -> bytes:
    """The one archive of these files, in whatever order they come. InvalidArgument for paths that an archive may not
    hold, for two that are one on some systems, and for more than an artifact may be."""
    members = sorted((_member(file) for file in files), key=lambda member: member.name)
    if not members:
        raise refused("there are no files")
    if len(members) > MAX_ARCHIVE_ENTRIES:
        raise refused(f"there are more than {MAX_ARCHIVE_ENTRIES:,} files")
    size = END.size + sum(LOCAL.size + CENTRAL.size + 2 * len(each.name) + len(each.data) for each in members)
    if size > MAX_ARTIFACT_BYTES:
        raise refused(f"the files have more than {MAX_ARTIFACT_BYTES >> 20} MiB in all")
    _check_paths(members)
    return b"".join(_parts(members))


class _Member(NamedTuple):
    name: bytes
    data: bytes
    crc: int
    mode: int


def _member(file: File) -> _Member:
    path = unicodedata.normalize("NFC", file.path)
    problem = path_problem(path)
    if problem:
        raise refused(f"{file.path!r} {problem}")
    mode = _PROGRAM_MODE if file.executable else _FILE_MODE
    return _Member(path.encode(), file.data, crc32(file.data), mode)


def _check_paths(members: Iterable[_Member]) -> None:
    paths = PathSet()
    for member in members:
        path = member.name.decode()
        problem = paths.add(path)
        if problem:
            raise refused(f"{path!r} {problem}")


def _parts(members: list[_Member]) -> Iterable[bytes]:
    offset = 0
    directory = []
    for name, data, crc, mode in members:
        common = (_VERSION, UTF8, STORED, _MIDNIGHT, _FIRST_DAY, crc, len(data), len(data), len(name), 0)
        directory.append(CENTRAL.pack(CENTRAL_MARK, _UNIX | _VERSION, *common, 0, 0, 0, mode << 16, offset) + name)
        header = LOCAL.pack(LOCAL_MARK, *common)
        yield from (header, name, data)
        offset += len(header) + len(name) + len(data)
    yield from directory
    count = len(directory)
    yield END.pack(END_MARK, 0, 0, count, count, sum(map(len, directory)), offset, 0)
