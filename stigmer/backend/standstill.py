"""A data folder whose daemon is kept from running while its store is worked on: programs that need it wait."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stigmer.backend import daemon, local
from stigmer.backend.config import Config
from stigmer.backend.maintenance import Say
from stigmer.backend.spawn import FILE_MODE, FOLDER_MODE, unusable
from stigmer.backend.start import TURN_NAME
from stigmer.errors import Unavailable

QUIET_S = 30.0
"""How long to wait for a daemon to end, and for others that are starting one."""


@contextmanager
def no_daemon(config: Config, say: Say) -> Iterator[None]:
    """No daemon of the data folder runs inside the block, and other programs that need one wait. Unavailable when it
    does not stop, or others go on starting it; FailedPrecondition when the folder cannot be used."""
    deadline = time.monotonic() + QUIET_S
    handle = _turn_file(config.data_dir)
    try:
        _take_turn(handle, config, deadline)
        say("stopping the daemon")
        for pause in daemon.pauses():
            local.stop(config)
            if not daemon.lock_is_held(config.data_dir):
                break
            if time.monotonic() >= deadline:
                raise _still_owned(config)
            time.sleep(pause)
        yield
    finally:
        os.close(handle)


def _turn_file(data_dir: Path) -> int:
    try:
        data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        return os.open(data_dir / TURN_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise unusable(data_dir, error) from error


def _take_turn(handle: int, config: Config, deadline: float) -> None:
    """Holds what programs hold that start the daemon."""
    for pause in daemon.pauses():
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise _still_owned(config) from None
            time.sleep(pause)
        else:
            return


def _still_owned(config: Config) -> Unavailable:
    return Unavailable(
        f"a daemon of {config.data_dir} runs or is being started: nothing was changed",
        hint="stop whatever starts it, then try again",
        reason="DAEMON_STILL_RUNNING",
    )
