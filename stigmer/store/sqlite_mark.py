"""`data.mark`: the lock of whoever has the store open, and the number of the last transaction that was confirmed.

SQLite ends a write-ahead log at the first frame that is not what was written, and takes what comes after it for the
rest of an unfinished write. So a log that was damaged, cut off or lost would bring an older state of the store back
without a word. The mark is written after each sync, and not synced itself: when it is there, what it confirms was
durable, and a store that ends before it has lost something. When it is older, or gone, nothing is known.
"""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path
from struct import Struct

from stigmer.errors import Unavailable
from stigmer.store.integrity import Space, seal
from stigmer.store.marker import cannot_use

FILE_MODE = 0o600
MOST_BYTES = 64
"""A mark is shorter."""

_MARK = Struct("<4sQ")
_NAME = b"mark"

logger = logging.getLogger(__name__)


class Mark:
    """Held from construction until `close`."""

    def __init__(self, path: Path) -> None:
        """Unavailable when another store, of this process or another one, has the folder open, or when the file cannot
        be used."""
        self._path = path
        self._failed = False
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as error:
            raise cannot_use(path, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if isinstance(error, BlockingIOError):
                raise Unavailable(
                    f"the store in {path.parent} is already open",
                    hint="one process at a time may have it open: see stigmer local status",
                    reason="STORE_UNREACHABLE",
                ) from error
            raise cannot_use(path, error) from error

    def forget(self) -> None:
        """What was confirmed belongs to a store that is no more. OSError."""
        os.ftruncate(self._descriptor, 0)

    def confirmed(self, store_id: str) -> int:
        """The number of the last transaction of this store that is known to have been confirmed, or 0."""
        try:
            return _number(os.pread(self._descriptor, MOST_BYTES, 0), store_id)
        except OSError as error:
            raise cannot_use(self._path, error) from error

    def confirm(self, store_id: str, transaction: int) -> None:
        """Write the number in place. What goes wrong is no fault of the transaction, which is durable already."""
        try:
            os.pwrite(self._descriptor, _sealed(store_id, _MARK.pack(_NAME, transaction)), 0)
        except OSError as error:
            if not self._failed:
                logger.warning("%s cannot be written: %s", self._path, error)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_mark(path: Path, store_id: str) -> int:
    """What `Mark.confirmed` says, for a store that another process may have open."""
    try:
        with path.open("rb") as file:
            return _number(file.read(MOST_BYTES), store_id)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise cannot_use(path, error) from error


def _number(content: bytes, store_id: str) -> int:
    """0 for a mark that is damaged, of another store, or not there."""
    payload = content[-_MARK.size :]
    if len(payload) != _MARK.size or content != _sealed(store_id, payload):
        return 0
    return int(_MARK.unpack(payload)[1])


def _sealed(store_id: str, payload: bytes) -> bytes:
    return seal(Space.STATE, _NAME + store_id.encode(), payload)
