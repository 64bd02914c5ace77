"""One line on a terminal's standard error that says what takes so long; nothing where no person looks.

A thread draws it, so that it also moves while the library waits. What takes less than a second draws nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stigmer.cli.console import Console

DELAY = 1.0
"""Seconds before the line appears."""

INTERVAL = 0.1
"""Seconds between two drawings."""

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR = "\r\x1b[2K"


class Progress:
    """The line. Other output must go through `paused`, or it would be drawn over."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._text = ""
        self._drawn = False
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        """What is being done now; starts the line."""
        self._text = text
        if self._thread is None and self._console.err.isatty() and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
            self._thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Takes the line away while something else is printed or asked."""
        with self._lock:
            self._erase()
            yield

    def close(self) -> None:
        """Ends the line and takes it away."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._erase()

    def _run(self) -> None:
        started = time.monotonic()
        frame = 0
        wait = DELAY
        while not self._ended.wait(wait):
            wait = INTERVAL
            frame += 1
            seconds = int(time.monotonic() - started)
            with self._lock:
                self._draw(f"{_FRAMES[frame % len(_FRAMES)]} {self._text} ({seconds} s)")

    def _draw(self, text: str) -> None:
        self._console.err.write(_CLEAR + text[: self._console.width - 1])
        self._console.err.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._console.err.write(_CLEAR)
            self._console.err.flush()
            self._drawn = False


@contextmanager
def showing(console: Console, text: str) -> Iterator[Progress]:
    """A progress line as long as the block runs."""
    progress = Progress(console)
    progress.say(text)
    try:
        yield progress
    finally:
        progress.close()
