"""Runs a plan on a backend: one bulk request, repeated under the same request id while its fate is open, planned anew
when what it was computed against has moved. Everything that happens comes out as events.

A run ends with `Finished`. If an error or an interrupt ended it, that exception is raised after `Finished`; failures
that the backend tells per change are in the report only. An interrupt is caught here while a request is being made or
waited for. One that strikes the consumer between two events closes the run: nothing was sent before `Applying`, and
after it `Backend.outcome_of` tells.
"""

from __future__ import annotations

import random as randomness
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import uuid4

from reconciler.actions import Action, Outcome
from reconciler.events import Applying, ChangeApplied, Event, Finished, Interrupted, Replanned, Report, Retrying
from reconciler.planner import Change, Plan
from reconciler.ports import (
    RETRYABLE,
    STALE,
    TAKEN,
    ApplyOptions,
    ApplyResult,
    Backend,
    BackendError,
    ChangeResult,
    ResourceChange,
    code_of,
)
from reconciler.resource import ResourceKey

TRIES = 5
"""Attempts at one request, unless the backend repeats its requests itself."""
MAX_ROUNDS = 5
"""Plans that are tried: the first, and then one each time that the backend has moved."""
FIRST_DELAY = 0.2
"""Seconds that the first wait lasts at most."""
DELAY_GROWTH = 3.0
LONGEST_DELAY = 10.0
"""Seconds that no wait exceeds."""

Replan: TypeAlias = Callable[[], Plan]


class Applier:
    """Applies plans to one backend. Time, chance and request ids come from outside, so that tests decide them:
    `random` gives numbers from 0 to 1, `clock` seconds."""

    def __init__(
        self,
        backend: Backend,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
        clock: Callable[[], float] = time.monotonic,
        new_request_id: Callable[[], str] = lambda: str(uuid4()),
        tries: int = TRIES,
    ) -> None:
        self.backend = backend
        self.sleep = sleep
        self.clock = clock
        self.new_request_id = new_request_id
        self.tries = tries
        self._random = random

    def run(self, plan: Plan, options: ApplyOptions, replan: Replan) -> Iterator[Event]:
        """Applies `plan`; `replan` observes and plans again, and is called when a precondition failed. Each change of
        the plan comes to one `ChangeApplied`, also one that is refused or not tried. Writes nothing unless
        `plan.can_apply`."""
        return _Run(self, plan, options, replan).events()

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the attempt, counted from 1: anything up to a bound that grows (full jitter)."""
        return self._random() * min(LONGEST_DELAY, FIRST_DELAY * DELAY_GROWTH ** (attempt - 1))


class _Run:
    """One run. `in_flight` is set while a request may have taken effect without our knowing. `taken` are the keys that
    somebody else was said to have created, None for a request as a whole: said twice, it is no race."""

    def __init__(self, applier: Applier, plan: Plan, options: ApplyOptions, replan: Replan) -> None:
        self.applier = applier
        self.backend = applier.backend
        self.plan = plan
        self.options = options
        self.replan = replan
        self.started = applier.clock()
        self.in_flight = False
        self.committed: bool | None = False
        self.revision = plan.base_revision
        self.results: dict[ResourceKey, ChangeApplied] = {}
        self.taken: set[ResourceKey | None] = set()

    def events(self) -> Iterator[Event]:
        error: BaseException | None = None
        try:
            yield from self.rounds()
        except KeyboardInterrupt as interrupt:
            error = interrupt
            yield from self.interrupted()
        except Exception as failure:  # noqa: BLE001 - raised again below, after the report
            error = failure
        yield from self.settle(error)
        yield Finished(self.report(error))
        if error is not None:
            raise error

    def rounds(self) -> Iterator[Event]:
        for round_ in range(1, MAX_ROUNDS + 1):
            if not (self.plan.can_apply and self.plan.writes):
                return
            stale = yield from self.attempt(last=round_ == MAX_ROUNDS)
            if not stale:
                return
            self.applier.sleep(self.applier.delay(round_))
            self.plan = self.replan()
            self.options = replace(self.options, request_id=self.applier.new_request_id())
            yield Replanned(self.plan, round_)

    def attempt(self, last: bool) -> Generator[Event, None, bool]:
        """Sends the plan's writes; True if something was stale and there is another round to try it in."""
        writes = self.plan.writes
        yield Applying(self.options.request_id, len(writes))
        try:
            result = yield from self.send([_resource_change(change) for change in writes])
        except Exception as error:
            if last or not self.is_stale(error):
                raise
            self.taken |= {None} if code_of(error) == TAKEN else set()
            return True
        failed = {one.key: one.error for one in result.results if one.error is not None}
        stale = {key for key, error in failed.items() if self.is_stale(error, key)}
        if self.options.atomic and len(stale) < len(failed):
            stale = set()
        again = bool(stale) and not last
        yield from self.take(result, except_for=self.unwritten(stale) if again else set())
        self.taken |= {key for key in stale if code_of(failed[key]) == TAKEN}
        return again

    def is_stale(self, error: object, key: ResourceKey | None = None) -> bool:
        """Whether planning anew may help against the error."""
        return code_of(error) == STALE or (code_of(error) == TAKEN and key not in self.taken)

    def unwritten(self, stale: set[ResourceKey]) -> set[ResourceKey]:
        """What another round will try: with one stale change an atomic request wrote nothing at all."""
        return {change.key for change in self.plan.writes} if self.options.atomic else stale

    def send(self, changes: Sequence[ResourceChange]) -> Generator[Event, None, ApplyResult]:
        """The backend's answer to one request, however often it has to be repeated."""
        tries = self.applier.tries
        attempt = 0
        while True:
            attempt += 1
            self.in_flight = True
            try:
                result = self.backend.apply_changes(changes, self.options)
            except Exception as error:
                code = code_of(error)
                if code and (code == STALE or code not in RETRYABLE):
                    self.in_flight = False
                    raise
                if not code or attempt == tries:
                    known = self.ask()
                    if known is None:
                        raise
                    return known
                delay = self.applier.delay(attempt)
                yield Retrying(attempt, tries, delay, error)
                self.applier.sleep(delay)
            else:
                self.in_flight = False
                return result

    def ask(self) -> ApplyResult | None:
        """What became of the request in flight. None if it took no effect, or if nobody can tell."""
        try:
            result = self.backend.outcome_of(self.options.request_id)
        except Exception:  # noqa: BLE001 - the error that made us ask is the one to report
            self.committed = None
            return None
        self.in_flight = False
        return result

    def interrupted(self) -> Iterator[Event]:
        known = self.ask() if self.in_flight else None
        if known is not None:
            yield from self.take(known, except_for=set())
        yield Interrupted(self.options.request_id, None if self.in_flight else known is not None)

    def take(self, result: ApplyResult, except_for: set[ResourceKey]) -> Iterator[Event]:
        """Records the answer to the plan's writes."""
        self.revision = result.revision or self.revision
        by_key = {one.key: one for one in result.results}
        if result.committed and any(one.outcome.succeeded for one in result.results):
            self.committed = True
        for change in self.plan.writes:
            if change.key in by_key and change.key not in except_for:
                yield self.record(change, by_key[change.key])

    def settle(self, error: BaseException | None) -> Iterator[Event]:
        """Records every change that got no answer."""
        untried = error is None or (isinstance(error, KeyboardInterrupt) and not self.in_flight)
        rest = Outcome.SKIPPED if untried else Outcome.FAILED
        reason = error if isinstance(error, BackendError) else None
        for change in self.plan.changes:
            if change.key in self.results:
                continue
            if change.refusal is not None:
                yield self.record(change, ChangeResult(change.key, change.refusal.outcome))
            else:
                yield self.record(change, ChangeResult(change.key, rest, error=reason))

    def record(self, change: Change, result: ChangeResult) -> ChangeApplied:
        applied = ChangeApplied(change, result)
        self.results[change.key] = applied
        return applied

    def never_changed(self) -> Sequence[ResourceKey]:
        """The keys that no plan wanted to change. They are looked through only if an earlier plan had others."""
        if self.results.keys() <= {change.key for change in self.plan.changes}:
            return self.plan.unchanged
        return tuple(key for key in self.plan.unchanged if key not in self.results)

    def report(self, error: BaseException | None) -> Report:
        return Report(
            results=tuple(self.results.values()),
            unchanged=self.never_changed(),
            revision=self.revision,
            committed=self.committed,
            interrupted=isinstance(error, KeyboardInterrupt),
            error=error,
            elapsed=self.applier.clock() - self.started,
        )


def _resource_change(change: Change) -> ResourceChange:
    """The request for a change, bound to the resource that it was computed against."""
    live = change.observed
    if live is None or change.action is Action.CREATE:
        return ResourceChange(change.key, change.action, change.body, claims=change.claims)
    return ResourceChange(change.key, change.action, change.body, live.resource_version, live.id, change.claims)
