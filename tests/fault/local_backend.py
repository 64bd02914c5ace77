"""A configuration of its own for a test, whose daemon ends with the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stigmer.backend import config, daemon, local
from stigmer.backend.config import Config
from stigmer.errors import StigmerError


def configure(home: Path, **environ: str) -> Config:
    return config.load(environ={"STIGMER_HOME": str(home), "STIGMER_LOG_LEVEL": "info", **environ})


@contextmanager
def local_config(home: Path) -> Iterator[Config]:
    """A configuration that nothing else uses. Whatever daemon its folder has afterwards is stopped."""
    loaded = configure(home)
    try:
        yield loaded
    finally:
        end(loaded)


@contextmanager
def python(loaded: Config, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process under this configuration, warnings being errors; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env=os.environ | {"STIGMER_HOME": str(loaded.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(loaded: Config) -> None:
    """Stops the daemon, also one that is still starting because a test gave up on it."""
    deadline = time.monotonic() + 10
    try:
        while local.stop(loaded) is None and daemon.lock_is_held(loaded.data_dir) and time.monotonic() < deadline:
            time.sleep(0.05)
    except StigmerError:
        kill(loaded)
        raise


def kill(loaded: Config) -> int:
    """kill -9, and wait until it is gone. Returns the pid."""
    pid = daemon.owner(loaded.data_dir)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while daemon.is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return pid
