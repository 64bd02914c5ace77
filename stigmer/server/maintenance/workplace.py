"""Folders for work in a data directory: private, gone when the work ends, and known for leftovers when it was killed.

They lie in the data directory because a store is put in place by renaming, which works on one file system only. Each is
locked while it is in use, so that others can tell it from a leftover.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from stigmer.errors import DataLoss, FailedPrecondition, Unavailable
from stigmer.server.lock import DataDirLock, LockHeldError
from stigmer.store.marker import cannot_use
from stigmer.store.swap import JOURNAL_NAME, finish_swap, pending_swap

SUFFIX = ".tmp"
_OURS = re.compile(r"[a-z]+-[0-9a-f]{8}\.tmp")
"""Names that only `workplace` gives: what is called so and not locked is a leftover."""

KEPT_PATTERN = "before-*"
"""Folders of stores that were replaced."""

FOLDER_MODE = 0o700
_NAME_BYTES = 4


@contextmanager
def workplace(data_dir: Path, purpose: str) -> Iterator[Path]:
    """A new folder in the data directory, for as long as the block lasts. ResourceExhausted or Unavailable when it
    cannot be made."""
    remove_leftovers(data_dir)
    folder = data_dir / f"{purpose}-{secrets.token_hex(_NAME_BYTES)}{SUFFIX}"
    try:
        folder.mkdir(mode=FOLDER_MODE)
        held = _hold(folder)
    except OSError as error:
        raise cannot_use(folder, error) from error
    try:
        yield folder
    finally:
        stop_later = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)
        signal.pthread_sigmask(signal.SIG_SETMASK, stop_later)


def leftovers(data_dir: Path) -> list[Path]:
    """Work folders that nobody uses, without the one that an interrupted swap still needs."""
    try:
        needed = (journal.staged,) if (journal := pending_swap(data_dir)) else ()
    except DataLoss:
        needed = ()
    found = []
    for folder in sorted(data_dir.glob(f"*{SUFFIX}")):
        if folder.name in needed or not _OURS.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        held = _hold(folder)
        if held is not None:
            os.close(held)
            found.append(folder)
    return found


def remove_leftovers(data_dir: Path) -> None:
    """Work folders that nobody uses, and folders for a replaced store into which none has come."""
    for folder in leftovers(data_dir):
        shutil.rmtree(folder, ignore_errors=True)
    if not (data_dir / JOURNAL_NAME).exists():
        for folder in data_dir.glob(KEPT_PATTERN):
            with suppress(OSError):
                folder.rmdir()


def settle(data_dir: Path) -> None:
    """Finish the replacement of a store if one was interrupted. Unavailable while it is still under way."""
    if pending_swap(data_dir) is None:
        return
    try:
        with DataDirLock(data_dir):
            finish_swap(data_dir)
    except LockHeldError as error:
        raise Unavailable(
            f"the store in {data_dir} is being replaced", hint="try again when that is done", reason="SWAP_PENDING"
        ) from error


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Nobody else has the directory inside the block. FailedPrecondition when a daemon does."""
    try:
        lock = DataDirLock(data_dir)
    except LockHeldError as error:
        raise FailedPrecondition(
            f"a daemon owns {data_dir}: nothing was changed",
            hint="stop whatever starts it again, then try again",
            reason="DAEMON_RUNNING",
        ) from error
    with lock:
        yield


def kept_folder(data_dir: Path, prefix: str) -> Path:
    """A name that is free for the folder of a store that will be replaced now."""
    name = prefix + stamp(datetime.now(UTC))
    number = 1
    while (data_dir / name).exists():
        number += 1
        name = f"{name.partition('.')[0]}.{number}"
    return data_dir / name


@contextmanager
def uninterrupted() -> Iterator[None]:
    """While the store is replaced, and once it has been, a request to stop comes too late."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
        before = signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def stamp(moment: datetime) -> str:
    """A time as part of a file's name: `20261121T233100Z`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _hold(folder: Path) -> int | None:
    """A descriptor that locks the folder, None when somebody else has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
