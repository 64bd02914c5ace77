"""A profile of this process, over all its threads: where the time of one row's own side goes."""

from __future__ import annotations

import cProfile
import io
import pstats
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LINES = 25
"""Functions shown, by the time spent in them alone."""

_WAITING = ("<method 'acquire' of '_thread.lock' objects>", "<method 'get' of '_queue.SimpleQueue' objects>")
"""Threads that wait for others take no time of their own."""


class Profiler:
    """Profiles what happens inside `on`: in the calling thread, and in every thread that was started since `install`.
    Their profiles are shown as one."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []
        self._main = cProfile.Profile()

    def install(self) -> None:
        """From now on, in every new thread."""
        threading.setprofile(self._begin)

    def remove(self) -> None:
        threading.setprofile(None)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Forget what the other threads did before, and profile the calling one."""
        for profile in self._profiles:
            profile.clear()
        self._main.enable()
        try:
            yield
        finally:
            self._main.disable()

    def text(self) -> str:
        """The functions that took longest; a profile costs about as much again as what it measures."""
        out = io.StringIO()
        stats = pstats.Stats(self._main, stream=out)
        for profile in self._profiles:
            profile.create_stats()
            if profile.getstats():
                stats.add(profile)
        for waiting in _WAITING:
            stats.stats.pop(("~", 0, waiting), None)  # type: ignore[attr-defined]  # what the module sorts and prints
        stats.sort_stats("tottime").print_stats(LINES)
        return out.getvalue().strip()

    def _begin(self, frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG002 - what the hook is given
        sys.setprofile(None)
        profile = cProfile.Profile()
        self._profiles.append(profile)
        profile.enable()
