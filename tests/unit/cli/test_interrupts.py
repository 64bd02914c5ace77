"""Ctrl-C ends a process, whatever the process is stuck in. Runs child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

linux = pytest.mark.skipif(sys.platform != "linux", reason="knows the mutexes of Linux only")

STUCK = """
import ctypes
from stigmer.cli.interrupts import Interrupts
Interrupts().install(grace={grace})
libc = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(128)  # zeros: what PTHREAD_MUTEX_INITIALIZER is on Linux
libc.pthread_mutex_lock(mutex)
while True:
    try:
        print("stuck", flush=True)
        libc.pthread_mutex_lock(mutex)  # for ever, and no signal ends it
    except KeyboardInterrupt:  # came before the lock was reached
        pass
"""

TURNED = """
from stigmer.cli import application
from stigmer.cli.main import main
import functools, signal, sys

def execute(*_):
    print("importing", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        raise RuntimeError("an import has failed")

application.execute = execute
sys.argv = ["stigmer", "get", "agents"]
sys.exit(main())
"""


def child(program: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def interrupted(program: str, *, times: int) -> tuple[int, str]:
    with child(program) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        try:
            _, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    return process.returncode, errors


@linux
def test_a_second_interrupt_ends_what_the_first_one_could_not() -> None:
    code, errors = interrupted(STUCK.format(grace=60), times=2)
    assert code == 130
    assert errors.startswith("✗ interrupted twice:")


@linux
def test_a_stuck_process_ends_after_the_grace() -> None:
    code, errors = interrupted(STUCK.format(grace=0.2), times=1)
    assert code == 130
    assert errors.startswith("✗ interrupted: gave up waiting")


def test_an_interrupt_that_became_another_error_is_still_an_interrupt() -> None:
    assert interrupted(TURNED, times=1) == (130, "✗ interrupted\n")


@pytest.mark.parametrize("handler", ["SIG_IGN", "SIG_DFL"])
def test_a_process_that_does_not_take_interrupts_stays_as_it_is(handler: str) -> None:
    program = f"""
import signal
from stigmer.cli.interrupts import Interrupts
signal.signal(signal.SIGINT, signal.{handler})
Interrupts().install()
print(signal.getsignal(signal.SIGINT) is signal.{handler}, flush=True)
"""
    with child(program) as process:
        assert process.communicate(timeout=10)[0] == "True\n"
