"""Looks at a data file before LMDB maps it, and without LMDB, which would die of what is found here.

A short file kills the process with SIGBUS, a zeroed page with an assertion, and a flipped bit in the newer of the two
meta pages silently brings the last commit's past back. So both meta pages are read here, each must lead to the state
record that was written with it (it carries the number of its own transaction), and small files are walked in full.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from lmdb.verify import VerifyError, verify

from stigmer.errors import DataLoss
from stigmer.store.integrity import damaged_file
from stigmer.store.lmdb_codec import STATE_KEY, stamp_of
from stigmer.store.marker import cannot_use

OPEN_CHECK_BYTES = 32 << 20
"""Files up to this size are walked in full at every start (about 10 us a page); larger ones by `verify` only."""

DATA_NAME = "data.mdb"
LOCK_NAME = "lock.mdb"

_PAGE_HEADER = Struct("=QHHHH")  # page number, pad, flags, lower, upper
_META = Struct("=II8xQ")  # magic, version, (address), map size
_META_TAIL = Struct("=QQ")  # last page, transaction id
_TREE = Struct("=IHHQQQQQ")  # pad, flags, depth, branch, leaf, overflow pages, entries, root
_NODE = Struct("=HHHH")  # size low, size high, flags, key size

_verify: Callable[..., list[str]] = verify

COPIED = 1
"""The one transaction of a compact copy, whose state record still carries the number it had in the original."""

_MAGIC = 0xBEEFC0DE
_DATA_VERSION = 1
_META_FLAG = 0x08
_LEAF_FLAG = 0x02
_FREE_TREE = _PAGE_HEADER.size + _META.size
_MAIN_TREE = _FREE_TREE + _TREE.size
_TAIL = _MAIN_TREE + _TREE.size
_META_BYTES = _TAIL + _META_TAIL.size
_MOST_PAGES = 1 << 44
_PAGE_SIZES = frozenset(1 << power for power in range(9, 16))


@dataclass(frozen=True, slots=True)
class Meta:
    """What one of the two meta pages says."""

    slot: int
    page_size: int
    transaction: int
    last_page: int
    root: int


def check_file(path: Path) -> None:
    """Raise DataLoss if mapping `path` would be dangerous or would show something else than the last commit."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            metas = _read_metas(file, path, size)
            _check_pair(path, metas)
            newest = max(metas, key=lambda meta: meta.transaction)
            if _stamp(file, newest) != newest.transaction and newest.transaction != COPIED:
                raise damaged_file(path, "the newest state record does not belong to the newest transaction")
        short = size < (newest.last_page + 1) * newest.page_size
        if short or size <= OPEN_CHECK_BYTES:
            for problem in _walk(path):
                raise damaged_file(path, problem)
    except OSError as error:
        raise cannot_use(path, error) from error


def check_head(path: Path) -> None:
    """Raise DataLoss unless `path` begins with two meta pages, without which nothing may map it. Holds for a file in
    use too: what is looked at never changes."""
    try:
        with path.open("rb") as file:
            _read_metas(file, path, file.seek(0, 2))
    except OSError as error:
        raise cannot_use(path, error) from error


def inspect(path: Path) -> tuple[list[str], list[str]]:
    """Doubts about the history of a file, and every broken invariant of its pages, in sentences; both empty when sound.
    No transaction may be committed meanwhile (`lmdb_copy` knows how to look at a file in use)."""
    try:
        doubt = suspicion(path)
        return [doubt] if doubt else [], [f"{path}: {problem}" for problem in _walk(path)]
    except DataLoss as error:
        return [], [error.message]


def suspicion(path: Path) -> str:
    """A sentence when the older meta page is not what the commit before the last one left there, else "".

    Two causes look alike: a commit whose last write failed and was reported as failed (harmless), and a newest meta
    page that was damaged so as to look old (the last commit is lost). The next commit overwrites the page."""
    try:
        with path.open("rb") as file:
            older, newest = sorted(_read_metas(file, path, file.seek(0, 2)), key=lambda meta: meta.transaction)
            stamp = _stamp(file, older)
    except OSError as error:
        raise cannot_use(path, error) from error
    copied = older.transaction == COPIED and stamp != newest.transaction + 1
    if copied or stamp == (older.transaction or None):
        return ""
    return f"meta page {older.slot} is not what transaction {older.transaction} left: a commit was rolled back or lost"


def _walk(path: Path) -> list[str]:
    """What LMDB's own offline verifier finds: it reads every page, and knows every rule of the format."""
    try:
        return _verify(str(path), subdir=False)
    except OSError as error:
        raise cannot_use(path, error) from error
    except (VerifyError, struct.error, ValueError, IndexError, RecursionError) as error:
        return [str(error)]


def _read_metas(file: BinaryIO, path: Path, size: int) -> tuple[Meta, Meta]:
    first = _read_meta(file, path, size, slot=0, offset=0)
    return first, _read_meta(file, path, size, slot=1, offset=first.page_size)


def _read_meta(file: BinaryIO, path: Path, size: int, *, slot: int, offset: int) -> Meta:
    file.seek(offset)
    page = file.read(_META_BYTES)
    if len(page) < _META_BYTES:
        raise damaged_file(path, f"it ends after {size} bytes" if size else "it is empty")
    number, _, flags, _, _ = _PAGE_HEADER.unpack_from(page)
    magic, version, _ = _META.unpack_from(page, _PAGE_HEADER.size)
    page_size = _TREE.unpack_from(page, _FREE_TREE)[0]
    if number != slot or flags != _META_FLAG or magic != _MAGIC or version != _DATA_VERSION:
        raise damaged_file(path, f"meta page {slot} is not one")
    if page_size not in _PAGE_SIZES or (slot and page_size != offset):
        raise damaged_file(path, f"meta page {slot} has the page size {page_size}")
    last_page, transaction = _META_TAIL.unpack_from(page, _TAIL)
    return Meta(slot, page_size, transaction, last_page, root=_TREE.unpack_from(page, _MAIN_TREE)[7])


def _check_pair(path: Path, metas: tuple[Meta, Meta]) -> None:
    """Transaction n writes slot n mod 2, so the two numbers are neighbours, each in its own slot."""
    numbers = [meta.transaction for meta in metas]
    in_place = all(number % 2 == slot for slot, number in enumerate(numbers))
    if not in_place or abs(numbers[0] - numbers[1]) != 1:
        raise damaged_file(path, f"its meta pages hold the transactions {numbers[0]} and {numbers[1]}")


def _stamp(file: BinaryIO, meta: Meta) -> int | None:
    """The transaction number in the state record of the snapshot that `meta` leads to, None if there is none."""
    if meta.last_page >= _MOST_PAGES or meta.root > meta.last_page:
        return None
    file.seek(meta.root * meta.page_size)
    try:
        value = _leaf_value(file.read(meta.page_size), meta.root, STATE_KEY)
    except struct.error:
        return None
    return None if value is None else stamp_of(value)


def _leaf_value(page: bytes, number: int, key: bytes) -> bytes | None:
    """The inline value under `key` in a leaf page; the main tree never outgrows one."""
    stored, _, flags, lower, _ = _PAGE_HEADER.unpack_from(page)
    if stored != number or flags != _LEAF_FLAG:
        return None
    for (offset,) in struct.iter_unpack("=H", page[_PAGE_HEADER.size : lower]):
        low, high, _, key_size = _NODE.unpack_from(page, offset)
        start = offset + _NODE.size + key_size
        if page[offset + _NODE.size : start] == key:
            return page[start : start + (low | high << 16)]
    return None
