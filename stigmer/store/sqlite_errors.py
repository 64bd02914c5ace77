"""Where SQLite's errors become leaves of `stigmer.errors`.

SQLite says that a disk is full only for a write that found no room; quotas, limits on files and syncs are mere
input/output errors to it, and it keeps the system's word to itself. So the folder itself is asked then.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from stigmer.errors import InvalidArgument, ResourceExhausted, StigmerError, Unavailable
from stigmer.store.guard import Guard
from stigmer.store.integrity import damaged_store
from stigmer.store.marker import NO_ROOM, no_room

DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_ERROR,
    }
)
"""What SQLite raises when the file does not say what it should. The statements are fixed and have been run before, so
that a missing table, or a row that is there twice, is a fault of the file."""

BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})

PROBE_NAME = "data.probe"
PROBE_BYTES = 64 << 10
"""What is written to learn whether there is room: more than a file system keeps back for small files."""

_PRIMARY = 0xFF
"""The low byte of an extended result code is the code itself."""


def typed(error: sqlite3.Error, path: Path) -> StigmerError:
    """The leaf that says what `error` means to a user; `path` is the data directory."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in DAMAGE:
        return damaged_store(path, error)
    if code == sqlite3.SQLITE_TOOBIG:
        return InvalidArgument(f"a key or value is too large to store: {error}")
    if code == sqlite3.SQLITE_NOMEM:
        return ResourceExhausted(
            f"the store in {path} has reached a limit: {error}", hint="raise the memory limit of the backend"
        )
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _lacks_room(path)):
        return no_room(path, str(error))
    if code in BUSY:
        return Unavailable(
            f"the store in {path} is in use by another process: {error}",
            hint="end the program that writes to it, such as a database shell",
            reason="STORE_UNREACHABLE",
        )
    return Unavailable(
        f"cannot use the store in {path}: {error}",
        hint="check that the data directory is writable and its disk is healthy; nothing that was confirmed is lost",
        reason="STORE_UNREACHABLE",
    )


def _lacks_room(path: Path) -> bool:
    probe = path / PROBE_NAME
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        probe.unlink(missing_ok=True)
    return False


guarded = Guard(sqlite3.Error, typed)
