"""The lock that makes one process the owner of a data directory: flock on `daemon.lock`, held for the process's life.

It is a lock and not a pid file: it goes with the process however that ends, so that nothing stale is ever left. The
file itself stays for good; removing it would let two processes lock two files of one name. On NFS an flock is emulated
or ignored, depending on the system, and LMDB cannot be used there either: the data directory belongs on a local disk.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

LOCK_NAME = "daemon.lock"
FILE_MODE = 0o600

ATTEMPTS = 5
ATTEMPT_INTERVAL_SECONDS = 0.02
"""A client that looks whether a daemon lives takes the lock for an instant; so one refusal does not yet mean that
there is another owner."""


class LockHeldError(Exception):
    """Another process owns the data directory."""


class DataDirLock:
    """Held from construction until `release`, or the end of the process. Children do not inherit it (close-on-exec)."""

    def __init__(self, data_dir: Path) -> None:
        """LockHeldError when somebody else holds it, OSError when the file cannot be opened."""
        self._path = data_dir / LOCK_NAME
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            self._take()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def is_in_place(self) -> bool:
        """False once the file is gone or another one has its name: then others may lock that, and we own nothing."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self) -> None:
        for attempt in range(ATTEMPTS):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == ATTEMPTS - 1:
                    raise LockHeldError from None
                time.sleep(ATTEMPT_INTERVAL_SECONDS)
            else:
                return
