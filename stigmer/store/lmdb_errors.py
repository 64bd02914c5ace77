"""Where LMDB's errors become leaves of `stigmer.errors`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import lmdb

from stigmer.errors import InvalidArgument, ResourceExhausted, StigmerError, Unavailable
from stigmer.store.guard import Guard
from stigmer.store.integrity import damaged_store
from stigmer.store.marker import NO_ROOM, no_room

DAMAGE = (
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.InvalidError,
    lmdb.VersionMismatchError,
    lmdb.IncompatibleError,
    lmdb.BadDbiError,
    lmdb.NotFoundError,
)
"""What LMDB raises when the pages do not say what they should."""

_LIMITS: dict[type[lmdb.Error], str] = {
    lmdb.TxnFullError: "apply fewer resources at a time",
    lmdb.ReadersFullError: "try again",
    lmdb.MemoryError: "raise the memory limit of the backend",
    lmdb.MapFullError: "apply fewer resources at a time",
}

LITTLE_SPACE = 8 << 20
"""A disk with less than this free is taken for full when a write was cut short."""


def typed(error: lmdb.Error, path: Path) -> StigmerError:
    """The leaf that says what `error` means to a user; `path` is the data directory."""
    if isinstance(error, DAMAGE):
        return damaged_store(path, error)
    if isinstance(error, lmdb.BadValsizeError):
        return InvalidArgument(f"a key or value is too large to store: {error}")
    for limit, hint in _LIMITS.items():
        if isinstance(error, limit):
            return ResourceExhausted(f"the store in {path} has reached a limit: {error}", hint=hint)
    code = getattr(error, "code", 0)
    if code in NO_ROOM or (code == errno.EIO and _disk_is_full(path)):
        return no_room(path, str(error))
    return Unavailable(
        f"cannot use the store in {path}: {error}",
        hint="check that the data directory is writable and its disk is healthy; nothing that was confirmed is lost",
        reason="STORE_UNREACHABLE",
    )


def _disk_is_full(path: Path) -> bool:
    """LMDB reports a write that the full disk cut short as an input/output error."""
    try:
        stat = os.statvfs(path)
    except OSError:
        return False
    return stat.f_bavail * stat.f_frsize < LITTLE_SPACE


guarded = Guard(lmdb.Error, typed)
