"""What a row yields: figures, each with its spread, the peer's, their ratio and the goal it is held to."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

_TESTS: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


class Verdict(Enum):
    """What a figure says about its goal."""

    MET = "met"
    MISSED = "MISSED"
    REPORTED = "reported"
    """It has no goal."""


class Against(Enum):
    """Which number a goal bounds."""

    FASTER = "peer / ours"
    SLOWER = "ours / peer"
    ITSELF = "ours"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound: `sign` is ">=" or "<=". Of FASTER and SLOWER the ratio is bounded, of ITSELF our own number."""

    against: Against
    sign: str
    bound: float

    def holds(self, value: float) -> bool:
        return _TESTS[self.sign](value, self.bound)

    def __str__(self) -> str:
        unit = "" if self.against is Against.ITSELF else "x"
        return f"{self.sign} {self.bound:g}{unit}"


def faster(times: float) -> Goal:
    """Ours takes at most one part in so many of the peer's time."""
    return Goal(Against.FASTER, ">=", times)


def at_most(times: float) -> Goal:
    """Ours takes at most so many times what the peer takes."""
    return Goal(Against.SLOWER, "<=", times)


def below(bound: float) -> Goal:
    """Our own number, in its unit, is at most this."""
    return Goal(Against.ITSELF, "<=", bound)


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the width of some measurements."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Lower and upper quartile; of fewer than four values the least and the greatest."""
        median = statistics.median(values)
        if len(values) < 4:
            return cls(median, min(values), max(values), len(values))
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def scaled(self, factor: float) -> Spread:
        return Spread(self.median * factor, self.low * factor, self.high * factor, self.count)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `unit` is that of `ours` and `theirs`; `peer` is empty where nothing is compared."""

    row: str
    what: str
    unit: str
    ours: Spread
    peer: str = ""
    theirs: Spread | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Of the medians, in the direction of the goal; ours / peer without one."""
        if self.theirs is None:
            return None
        if self.goal is not None and self.goal.against is Against.FASTER:
            return self.theirs.median / self.ours.median
        return self.ours.median / self.theirs.median

    @property
    def direction(self) -> Against:
        if self.theirs is None:
            return Against.ITSELF
        return self.goal.against if self.goal is not None else Against.SLOWER

    @property
    def verdict(self) -> Verdict:
        if self.goal is None:
            return Verdict.REPORTED
        value = self.ratio if self.theirs is not None else self.ours.median
        assert value is not None
        return Verdict.MET if self.goal.holds(value) else Verdict.MISSED


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that gave no figures: it could not run, or an outcome was not what it must be."""

    row: str
    problem: str
