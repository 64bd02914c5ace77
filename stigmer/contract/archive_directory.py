"""The directory of an archive from anybody, read without trusting a byte of it.

Everything is checked against everything: the directory at the end against the header in front of each file, and each
byte must belong to exactly one entry, so that no two readers can see different files in one archive. How much the
entries unpack to is bounded here, before anything is unpacked.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from stigmer.contract.archive import (
    CENTRAL,
    CENTRAL_MARK,
    DEFLATED,
    END,
    END_MARK,
    LOCAL,
    LOCAL_MARK,
    STORED,
    UTF8,
    refused,
)
from stigmer.contract.archive_paths import PathSet, path_problem
from stigmer.contract.limits import (
    MAX_ARCHIVE_ENTRIES,
    MAX_ARTIFACT_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_FILE_BYTES,
    MAX_UNPACKED_RATIO,
    RATIO_FREE_BYTES,
)
from stigmer.errors import InvalidArgument

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR = 0x0008
"""Flag: CRC and sizes follow the content, because the writer did not know them before."""

_KNOWN_FLAGS = UTF8 | _DESCRIPTOR | 0x0006
"""With the two that say how hard deflate tried."""

_DESCRIPTOR_MARK = b"PK\x07\x08"
_DESCRIPTOR_FIELDS = Struct("<3L")
_EXTRA = Struct("<2H")
_SECOND_MEANINGS = frozenset({0x0001, 0x0017, 0x7075, 0x9901})
"""Extra fields that give an entry other sizes, another name, or encryption: readers that know them see another file."""

_DOS_FOLDER, _DOS_LABEL = 0x10, 0x08
_WIDE = 0xFFFFFFFF
"""A size that is told elsewhere, in archives larger than any that is taken."""


class Entry(NamedTuple):
    """One file of an archive, as announced: the content has `packed` bytes at `start`, and `size` unpacked."""

    path: str
    size: int
    executable: bool
    method: int
    crc: int
    start: int
    packed: int


def entries(data: bytes) -> tuple[Entry, ...]:
    """The files in the order of the archive's directory. Nothing is unpacked, but what they say of their sizes is
    within the limits. InvalidArgument, reason ARCHIVE_REFUSED, for what is damaged or not safe to unpack."""
    if len(data) > MAX_ARTIFACT_BYTES:
        raise refused(f"the archive is larger than {MAX_ARTIFACT_BYTES >> 20} MiB")
    start, count = _end(data)
    listed = list(_directory(data, start, count))
    _check_coverage(data, listed, start)
    found = tuple(each.entry for each in listed if not each.is_folder)
    if not found:
        raise refused("the archive holds no files")
    _check_sizes(found, len(data))
    return found


def bad(path: str, problem: str) -> InvalidArgument:
    return refused(f"the archive is refused: {path!r} {problem}")


class _Listed(NamedTuple):
    """One line of the archive's directory: where its header begins and its content, with what follows, may end."""

    entry: Entry
    is_folder: bool
    begin: int
    ends: tuple[int, ...]


def _end(data: bytes) -> tuple[int, int]:
    """Where the directory starts, and how many entries it has."""
    at = len(data) - END.size
    if at < 0 or not data.startswith(END_MARK, at):
        raise refused("this is no zip archive, or one with a comment or other bytes at its end")
    _, disk, first, here, count, size, start, comment = END.unpack_from(data, at)
    if disk or first or here != count or comment:
        raise refused("the archive is one of several parts, or has a comment")
    if count > MAX_ARCHIVE_ENTRIES:
        raise refused(f"the archive has more than {MAX_ARCHIVE_ENTRIES:,} entries")
    if start + size != at:
        raise refused("the archive is damaged: its directory is not where it says")
    return start, count


def _directory(data: bytes, start: int, count: int) -> Iterator[_Listed]:
    at, end = start, len(data) - END.size
    paths = PathSet()
    for _ in range(count):
        if at + CENTRAL.size > end or not data.startswith(CENTRAL_MARK, at):
            raise refused("the archive is damaged: its directory has fewer entries than it says")
        fields = CENTRAL.unpack_from(data, at)
        name_at = at + CENTRAL.size
        extra_at = name_at + fields[10]
        at = extra_at + fields[11] + fields[12]
        if at > end:
            raise refused("the archive is damaged: its directory is cut off")
        name = data[name_at:extra_at]
        _check_extra(data[extra_at : extra_at + fields[11]], name)
        yield _listed(data, start, name, fields, paths)
    if at != end:
        raise refused("the archive is damaged: its directory has more than its entries")


def _listed(data: bytes, limit: int, name: bytes, fields: tuple[int, ...], paths: PathSet) -> _Listed:
    _, _, _, flags, method, _, _, crc, packed, size, _, _, _, disk, _, attributes, offset = fields
    path = _path(name, flags)
    if flags & _ENCRYPTED:
        raise bad(path, "is encrypted")
    if flags & ~_KNOWN_FLAGS or method not in (STORED, DEFLATED):
        raise bad(path, "is packed in a way that is not taken")
    if disk or _WIDE in (packed, size, offset) or (method == STORED and packed != size):
        raise bad(path, "has sizes that contradict each other")
    is_folder = _check_type(path, attributes)
    path = path[:-1] if is_folder else path
    problem = path_problem(path) or paths.add(path, is_folder=is_folder)
    if problem:
        raise bad(path, problem)
    if is_folder and size:
        raise bad(path, "is a folder with content")
    executable = bool(attributes >> 16 & stat.S_IXUSR)
    start = _check_header(data, limit, name, fields)
    entry = Entry(path, size, executable and not is_folder, method, crc, start, packed)
    return _Listed(entry, is_folder, offset, _ends(data, entry, flags))


def _path(name: bytes, flags: int) -> str:
    if not (flags & UTF8 or name.isascii()):
        raise bad(name.decode("latin-1"), "is not marked as UTF-8")
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise bad(name.decode("latin-1"), "is not valid UTF-8") from None


def _check_type(path: str, attributes: int) -> bool:
    """Whether the entry is a folder; refuses what is neither that nor a regular file."""
    sort = stat.S_IFMT(attributes >> 16)
    is_folder = path.endswith("/")
    if sort == stat.S_IFLNK:
        raise bad(path, "is a symbolic link")
    if sort not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG) or attributes & _DOS_LABEL:
        raise bad(path, "is no regular file")
    if attributes & _DOS_FOLDER and not is_folder:
        raise bad(path, "is both a file and a folder")
    return is_folder


def _check_extra(extra: bytes, name: bytes) -> None:
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        if kind in _SECOND_MEANINGS:
            raise bad(name.decode("latin-1"), "has a second name or size in an extra field")
        at += _EXTRA.size + length


def _check_header(data: bytes, limit: int, name: bytes, fields: tuple[int, ...]) -> int:
    """Where the content starts. The header in front of it must say what the directory says."""
    _, _, _, flags, method, _, _, crc, packed, size, _, _, _, _, _, _, offset = fields
    shown = name.decode("latin-1")
    if offset + LOCAL.size > limit or not data.startswith(LOCAL_MARK, offset):
        raise bad(shown, "is not where the archive's directory says")
    local: tuple[int, ...] = LOCAL.unpack_from(data, offset)
    name_at = offset + LOCAL.size
    extra_at = name_at + local[9]
    start = extra_at + local[10]
    said = local[6:9]
    meant = (crc, packed, size)
    is_unsaid = flags & _DESCRIPTOR and all(value in (0, known) for value, known in zip(said, meant, strict=True))
    agrees = local[2:4] == (flags, method) and data[name_at:extra_at] == name and (said == meant or is_unsaid)
    if not agrees or start + packed > limit:
        raise bad(shown, "has a header that contradicts the archive's directory")
    _check_extra(data[extra_at:start], name)
    return start


def _ends(data: bytes, entry: Entry, flags: int) -> tuple[int, ...]:
    """Where the next header may begin: behind the content, or behind a descriptor that says the same again."""
    end = entry.start + entry.packed
    if not flags & _DESCRIPTOR:
        return (end,)
    said = _DESCRIPTOR_FIELDS.pack(entry.crc, entry.packed, entry.size)
    return tuple(end + len(text) for text in (_DESCRIPTOR_MARK + said, said) if data.startswith(text, end))


def _check_coverage(data: bytes, listed: Iterable[_Listed], end: int) -> None:
    """Every byte in front of the directory belongs to exactly one entry."""
    at = 0
    for each in sorted(listed, key=lambda each: each.begin):
        if at != each.begin:
            raise bad(each.entry.path, "overlaps with another entry, or follows bytes that belong to none")
        following = [stop for stop in each.ends if stop == end or data.startswith(LOCAL_MARK, stop)]
        if not following:
            raise bad(each.entry.path, "is followed by bytes that belong to no entry")
        at = following[0]
    if at != end:
        raise refused("the archive is damaged: its directory is not where its entries end")


def _check_sizes(found: Iterable[Entry], packed: int) -> None:
    total = 0
    for entry in found:
        if entry.size > MAX_UNPACKED_FILE_BYTES:
            raise bad(entry.path, f"unpacks to more than {MAX_UNPACKED_FILE_BYTES >> 20} MiB")
        total += entry.size
    if total > MAX_UNPACKED_BYTES:
        raise refused(f"the archive unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
    if total > packed * MAX_UNPACKED_RATIO + RATIO_FREE_BYTES:
        raise refused(f"the archive unpacks to more than {MAX_UNPACKED_RATIO} times its size")
