"""Making sure that a data folder's daemon runs: many processes may ask at once, one of them starts it, and all wait
until it serves.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stigmer.backend import daemon
from stigmer.backend.config import Config
from stigmer.backend.daemon import Record, log_path
from stigmer.backend.engine_setting import agreed
from stigmer.backend.spawn import EXIT_ALREADY_RUNNING, FILE_MODE, Child, prepare, spawn, unusable
from stigmer.errors import Unavailable

START_S = 15.0
"""From the decision to start a daemon until it must serve, whoever starts it."""

RESPAWN_S = 0.5
"""Pause before another daemon is spawned after one found the folder taken: its holder may be on its way out."""

TURN_NAME = "start.lock"
"""Held by the one process that is starting the folder's daemon, so that the others only wait."""


def ensure(config: Config) -> Record:
    """The record of the folder's daemon, which answers its socket on return. FailedPrecondition when the folder cannot
    be used, or holds a store of another engine; Unavailable, with the daemon's last words, when none serves in time."""
    record = daemon.serving(config.data_dir)
    if record is not None:
        return record
    prepare(config.data_dir)
    with _turn(config.data_dir) as turn:
        return _Start(config, turn).run()


class _Turn:
    """The right to spawn a folder's daemon: an flock that ends with the process, however it ends."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._mine = False

    def take(self) -> bool:
        """True once it is this process's turn; it stays so."""
        if not self._mine:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._mine = True
            except BlockingIOError:
                return False
        return True


@contextmanager
def _turn(data_dir: Path) -> Iterator[_Turn]:
    try:
        handle = os.open(data_dir / TURN_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise unusable(data_dir, error) from error
    try:
        yield _Turn(handle)
    finally:
        os.close(handle)


class _Start:
    """Waiting for a daemon that serves, and spawning one when it is this process's turn."""

    def __init__(self, config: Config, turn: _Turn) -> None:
        self._config = config
        self._turn = turn
        self._child: Child | None = None
        self._respawn_at = 0.0

    def run(self) -> Record:
        deadline = time.monotonic() + START_S
        for pause in daemon.pauses():
            record = daemon.serving(self._config.data_dir)
            if record is not None:
                return record
            if time.monotonic() >= deadline:
                break
            self._see_to_child()
            time.sleep(pause)
        raise self._late()

    def _see_to_child(self) -> None:
        if self._child is None:
            if self._may_spawn():
                self._config = agreed(self._config)
                self._child = spawn(self._config)
            return
        code = self._child.exit_code
        if code is None:
            return
        if code != EXIT_ALREADY_RUNNING:
            raise self._dead(self._child, code)
        self._child = None
        self._respawn_at = time.monotonic() + RESPAWN_S

    def _may_spawn(self) -> bool:
        """While the lock is held, a daemon is starting or stopping: another one would only find the folder taken."""
        return (
            time.monotonic() >= self._respawn_at
            and self._turn.take()
            and not daemon.lock_is_held(self._config.data_dir)
        )

    def _dead(self, child: Child, code: int) -> Unavailable:
        how = f"ended with code {code}" if code >= 0 else f"was killed by signal {-code}"
        return self._failed(f"did not start: it {how}", child)

    def _late(self) -> Unavailable:
        if self._child is None and daemon.lock_is_held(self._config.data_dir):
            return self._failed(f"is held by a process that has not answered within {START_S:.0f} s", None)
        return self._failed(f"has not answered within {START_S:.0f} s", self._child)

    def _failed(self, what: str, child: Child | None) -> Unavailable:
        words = child.last_words() if child is not None else ""
        if child is not None and not words and _is_full(self._config.data_dir):
            words = "the disk is full: it could not even write down why"
        return Unavailable(
            f"the daemon of {self._config.data_dir} {what}" + (f"\n{words}" if words else ""),
            hint=f"its log: {log_path(self._config.data_dir)}",
            reason="DAEMON_NOT_STARTED",
        )


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False
