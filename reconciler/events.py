"""What happens while a plan is applied, as values: views print them, JSON output and watch collect them. Nothing else
comes out of an `Applier`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.actions import Outcome
from reconciler.planner import Change, Plan
from reconciler.ports import ChangeResult
from reconciler.resource import ResourceKey


@dataclass(frozen=True, slots=True)
class PlanReady:
    """The plan to be shown, before anybody confirms it. Comes from the use case, not from the applier."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Applying:
    """A request with so many changes is about to be sent. Until here nothing was sent; from here on the backend can be
    asked what became of `request_id`."""

    request_id: str
    changes: int


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt (counted from 1) failed and will be repeated after `delay` seconds with the same request id."""

    attempt: int
    tries: int
    delay: float
    error: Exception


@dataclass(frozen=True, slots=True)
class Replanned:
    """What the plan was made against has moved; this is the plan that replaces it. Rounds count from 1."""

    plan: Plan
    round: int


@dataclass(frozen=True, slots=True)
class ChangeApplied:
    """What became of one change of the plan."""

    change: Change
    result: ChangeResult


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user stopped the run. `committed` says whether the request in flight took effect, None if that cannot be
    known."""

    request_id: str
    committed: bool | None


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a run. `results` has every change that was ever planned, `unchanged` the keys that never needed one.

    `revision` is the backend's after the run. `error` is what ended it early; `committed` is None only if it is not
    known whether the last request took effect. `elapsed` is in seconds.
    """

    results: tuple[ChangeApplied, ...]
    unchanged: Sequence[ResourceKey]
    revision: int
    committed: bool | None
    interrupted: bool = False
    error: BaseException | None = None
    elapsed: float = 0.0

    def counts(self) -> dict[str, int]:
        """How many resources came to each outcome; every outcome word is there."""
        counts = {str(outcome): 0 for outcome in Outcome}
        for applied in self.results:
            counts[applied.result.outcome] += 1
        counts[Outcome.UNCHANGED] += len(self.unchanged)
        return counts

    @property
    def succeeded(self) -> bool:
        """Whether everything is as desired."""
        return self.error is None and all(applied.result.outcome.succeeded for applied in self.results)


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every run."""

    report: Report


Event: TypeAlias = PlanReady | Applying | Retrying | Replanned | ChangeApplied | Interrupted | Finished
