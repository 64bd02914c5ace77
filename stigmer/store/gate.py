"""A gate between the many users of a memory map and the one that replaces it: shared or exclusive, engine-neutral."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

READERS = 512
"""The most threads that read a store at once, and the slots of LMDB's reader table; further threads wait."""


class Gate:
    """Any number of threads (at most `places`) pass shared, one passes exclusive when all have left.

    A thread inside may pass shared again; a waiting exclusive pass holds back newcomers only, so it cannot starve."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside = 0
        self._closed = False
        self._changed = threading.Condition()
        self._held = threading.local()

    @property
    def is_inside(self) -> bool:
        """Whether the calling thread holds a shared pass."""
        return getattr(self._held, "depth", 0) > 0

    def enter(self) -> None:
        """Pass shared, waiting if need be; to be followed by `leave` in a `finally`."""
        depth = getattr(self._held, "depth", 0)
        if not depth:
            with self._changed:
                while self._closed or self._inside >= self._places:
                    self._changed.wait()
                self._inside += 1
        self._held.depth = depth + 1

    def leave(self) -> None:
        self._held.depth -= 1
        if not self._held.depth:
            with self._changed:
                self._inside -= 1
                if self._closed or self._inside == self._places - 1:
                    self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Must not be asked for by a thread that is inside shared."""
        with self.exclusive_within(None) as passed:
            assert passed
            yield

    @contextmanager
    def exclusive_within(self, seconds: float | None) -> Iterator[bool]:
        """Like `exclusive`, but gives up when those inside have not left after so many seconds: the value says whether
        the pass was given, and without it nobody is held back any longer."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._closed = True
            passed = self._changed.wait_for(lambda: not self._inside, seconds)
            if not passed:
                self._open()
        if not passed:
            yield False
            return
        try:
            yield True
        finally:
            with self._changed:
                self._open()

    def _open(self) -> None:
        self._closed = False
        self._changed.notify_all()
