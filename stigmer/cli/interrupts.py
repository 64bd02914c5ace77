"""Ctrl-C: once ends the command in order, twice at once, and nothing outlasts it for long.

Python raises KeyboardInterrupt wherever it happens to be: inside an import, which then fails with another error, or
inside a lock of a library, which then waits for ever. So it is remembered that one came, whatever becomes of the
exception; and a thread, woken by the system rather than by the interpreter, ends the process when the command cannot.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from stigmer.cli.exit_codes import ExitCode

GRACE_S = 20.0
"""How long a command may take to end in order: longer than a commit that is under way takes to answer."""

STANDARD_ERROR = 2

_LATE = "✗ interrupted: gave up waiting for the end; if changes were being made, plan shows whether they were\n"
_TWICE = "✗ interrupted twice: if changes were being made, plan shows whether they were\n"


@final
class Interrupts:
    """What is known of Ctrl-C in this process."""

    def __init__(self) -> None:
        self.received = False

    def install(self, grace: float = GRACE_S) -> None:
        """Takes Ctrl-C over, in the main thread of a process of our own. Not where it is ignored, as in the
        background of a script."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=_watch, args=(reader, grace), name="interrupts", daemon=True).start()
        signal.signal(signal.SIGINT, self._take)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def _take(self, *_: object) -> None:
        self.received = True
        raise KeyboardInterrupt


def _watch(reader: int, grace: float) -> None:
    """Waits for a first interrupt, then for a second one or the end of the grace."""
    _await(reader, None)
    _end(_TWICE if _await(reader, time.monotonic() + grace) else _LATE)


def _await(reader: int, deadline: float | None) -> bool:
    """Whether an interrupt came before the deadline."""
    import select

    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([reader], [], [], left)[0]:
            return False
        if signal.SIGINT in os.read(reader, 1):
            return True


def _end(message: str) -> None:
    os.write(STANDARD_ERROR, message.encode())
    os._exit(ExitCode.INTERRUPTED)


INTERRUPTS = Interrupts()
"""Of this process: there is one keyboard."""


@contextmanager
def ignored() -> Iterator[None]:
    """While an answer is being written, Ctrl-C has nothing left to stop and would only cut the answer in two."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is Ctrl-C, or what became of it on its way."""
    return isinstance(error, KeyboardInterrupt) or (INTERRUPTS.received and not isinstance(error, BrokenPipeError))
