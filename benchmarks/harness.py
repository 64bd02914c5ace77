"""Rounds: ours and its peers run in turn, in alternating order, each checked for what it did.

A row gets a `Session`, sets up its sides and calls `compare`. Machines get faster and slower while a benchmark runs;
sides that take turns meet the same weather, so the ratio of their medians is steadier than any of them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.figures import Figure, Goal, Spread
from benchmarks.profiling import Profiler

T = TypeVar("T")

OURS = "stigmer"

QUICK_ROUNDS = 3


class WrongOutcomeError(Exception):
    """A side did not do what it is measured doing."""


class BlockedError(Exception):
    """A row lacks something that this machine does not have."""


class ProfiledError(Exception):
    """Ends a row that was only run to be profiled; `text` is the profile."""

    def __init__(self, text: str) -> None:
        super().__init__("profiled")
        self.text = text


def _the_number(number: int) -> int:
    return number


def _unchecked(prepared: Any, result: Any) -> None:
    """For what cannot go wrong without raising."""


def _silent(message: str) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True, slots=True)
class Side:
    """One contestant. `act` is timed and gets what `prepare` made for the round; `check` gets what was made and what
    came of it, and raises WrongOutcomeError. `explain` acts in the place of `act` and says where the time went, where a
    profile of this process cannot."""

    name: str
    act: Callable[[Any], Any]
    prepare: Callable[[int], Any] = _the_number
    check: Callable[[Any, Any], None] = _unchecked
    explain: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A side that ours is compared with, and the goal."""

    side: Side
    goal: Goal | None = None
    what: str = ""
    note: str = ""


@dataclass(slots=True)
class Session:
    """One run of the program. `scratch` is removed at its end, after everything on `closing` has been closed."""

    scratch: Path
    closing: ExitStack
    quick: bool = False
    rounds: int | None = None
    profiler: Profiler | None = None
    say: Callable[[str], None] = _silent
    _shared: dict[str, Any] = field(default_factory=dict)
    _folders: int = 0

    def size(self, full: int, quick: int) -> int:
        """How large a row is in this run."""
        return quick if self.quick else full

    def rounds_of(self, rounds: int) -> int:
        """How many rounds a row with so many has in this run, beside those that warm up."""
        return self.rounds or (min(rounds, QUICK_ROUNDS) if self.quick else rounds)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """Something that several rows use, made by the first of them."""
        if key not in self._shared:
            self._shared[key] = make()
        value: T = self._shared[key]
        return value

    def folder(self, name: str) -> Path:
        """A new, empty folder of this run."""
        self._folders += 1
        path = self.scratch / f"{self._folders:02d}-{name}"
        path.mkdir()
        return path

    def compare(
        self,
        row: str,
        what: str,
        ours: Side,
        peers: Sequence[Peer],
        *,
        rounds: int,
        warmup: int = 1,
        unit: str = "ms",
        scale: float = 1e3,
    ) -> list[Figure]:
        """One figure per peer. Times in seconds are multiplied by `scale` to be in `unit`."""
        if self.profiler is not None:
            raise ProfiledError(_profile(self.profiler, ours))
        sides = [ours, *(peer.side for peer in peers)]
        taken = self._take(sides, self.rounds_of(rounds), warmup)
        spreads = [Spread.of([seconds * scale for seconds in values]) for values in taken]
        if not peers:
            return [Figure(row, what, unit, spreads[0])]
        return [
            Figure(row, peer.what or what, unit, spreads[0], peer.side.name, spread, peer.goal, peer.note)
            for peer, spread in zip(peers, spreads[1:], strict=True)
        ]

    def _take(self, sides: Sequence[Side], rounds: int, warmup: int) -> list[list[float]]:
        taken: list[list[float]] = [[] for _ in sides]
        gc.collect()
        gc.freeze()
        try:
            for number in range(warmup + rounds):
                turns = list(enumerate(sides))
                for index, side in turns if number % 2 == 0 else reversed(turns):
                    seconds = run_once(side, number)
                    if number >= warmup:
                        taken[index].append(seconds)
        finally:
            gc.unfreeze()
        return taken


def run_once(side: Side, number: int) -> float:
    """One checked turn; the seconds that `act` took."""
    prepared = side.prepare(number)
    gc.collect()
    began = time.perf_counter()
    result = side.act(prepared)
    seconds = time.perf_counter() - began
    side.check(prepared, result)
    return seconds


def expect(actual: object, wanted: object, what: str) -> None:
    """WrongOutcomeError unless the two are equal."""
    if actual != wanted:
        raise WrongOutcomeError(f"{what}: {_short(actual)} instead of {_short(wanted)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _profile(profiler: Profiler, side: Side) -> str:
    """The first turn warms up, the second is profiled."""
    run_once(side, 0)
    prepared = side.prepare(1)
    if side.explain is not None:
        return side.explain()
    with profiler.on():
        result = side.act(prepared)
    side.check(prepared, result)
    return profiler.text()
