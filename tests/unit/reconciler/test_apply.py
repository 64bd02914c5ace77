"""The applier: one request, its retries, its re-plans and its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pytest

from reconciler import (
    Applier,
    Applying,
    ApplyOptions,
    ApplyResult,
    Backend,
    ChangeApplied,
    ChangeResult,
    Desired,
    DryRun,
    Event,
    Fault,
    Faulty,
    Finished,
    Interrupted,
    Observed,
    Outcome,
    Plan,
    Recording,
    Replanned,
    Report,
    ResourceChange,
    ResourceKey,
    Retrying,
    observe,
)
from reconciler.apply import MAX_ROUNDS, TRIES

Want = Callable[..., Desired]
Live = Callable[..., Observed]
KeyOf = Callable[[str], ResourceKey]
MakePlan = Callable[..., Plan]
Coded = Callable[[str], Any]

OLD, NEW = {"spec": {"text": "old"}}, {"spec": {"text": "new"}}


class Store(Backend, Protocol):
    """The backend in memory, which others can write to."""

    revision: int
    resources: Mapping[ResourceKey, Observed]

    def put(self, seen: Observed) -> None: ...


class Run:
    """One run with a clock that only sleeping moves, and everything that came out of it."""

    def __init__(
        self, backend: Backend, make_plan: MakePlan, wanted: Sequence[Desired], *, atomic: bool = True, **policy: bool
    ) -> None:
        self.backend = backend
        self.recording = Recording(backend)
        self.slept: list[float] = []
        self.seen: list[Event] = []
        self.raised: BaseException | None = None
        ids = iter(f"request-{n}" for n in range(2, 99))
        self.applier = Applier(
            self.recording,
            sleep=self.slept.append,
            random=lambda: 1.0,
            clock=lambda: sum(self.slept),
            new_request_id=lambda: next(ids),
        )
        desired = {one.key: one for one in wanted}
        self.make: Callable[[], Plan] = lambda: make_plan(wanted, observe(desired, backend).snapshot, **policy)
        self.options = ApplyOptions("request-1", atomic=atomic)

    def go(self, planned: Plan | None = None) -> Report:
        try:
            for event in self.applier.run(planned or self.make(), self.options, self.make):
                self.seen.append(event)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, the tests compare it
            self.raised = error
        last = self.seen[-1]
        assert isinstance(last, Finished)
        assert last.report.error is self.raised
        return last.report

    def kinds(self) -> list[type[Event]]:
        return [type(event) for event in self.seen]

    def sent(self) -> list[str]:
        return [call.arguments[1].request_id for call in self.recording.calls if call.method == "apply_changes"]


def outcomes(report: Report) -> dict[str, str]:
    return {applied.change.key.slug: str(applied.result.outcome) for applied in report.results}


def test_a_plan_is_one_request_and_one_event_per_change(backend: Store, make_plan: MakePlan, want: Want) -> None:
    run = Run(backend, make_plan, [want("a", NEW), want("b", NEW)])
    report = run.go()
    assert run.kinds() == [Applying, ChangeApplied, ChangeApplied, Finished]
    assert run.sent() == ["request-1"]
    assert outcomes(report) == {"a": "created", "b": "created"}
    assert (report.revision, report.committed, report.succeeded, report.unchanged) == (1, True, True, ())


def test_a_second_apply_sends_nothing(backend: Store, make_plan: MakePlan, want: Want, key_of: KeyOf) -> None:
    wanted = [want("a", NEW)]
    Run(backend, make_plan, wanted).go()
    again = Run(backend, make_plan, wanted)
    report = again.go()
    assert again.kinds() == [Finished]
    assert (again.sent(), backend.revision) == ([], 1)
    assert (report.unchanged, report.committed, report.succeeded) == ((key_of("a"),), False, True)


def test_changes_are_bound_to_what_was_observed(backend: Store, make_plan: MakePlan, want: Want, live: Live) -> None:
    backend.put(live("a", OLD))
    run = Run(backend, make_plan, [want("a", NEW), want("b", NEW)])
    run.go()
    changes: tuple[ResourceChange, ...] = tuple(run.recording.calls[0].arguments[0])
    assert [(c.key.slug, c.action, c.if_id, c.if_resource_version, c.body) for c in changes] == [
        ("a", "update", "id-a", 1, NEW),
        ("b", "create", "", 0, NEW),
    ]
    assert changes[1].claims == {"spec.text"}


def test_a_delete_carries_no_body(backend: Store, make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted = want("a", OLD)
    backend.put(live("a", OLD))
    run = Run(backend, make_plan, [wanted], delete=True)
    report = run.go(make_plan([wanted], backend.get_many([wanted.key]), delete=True))
    assert outcomes(report) == {"a": "deleted"}
    assert run.recording.calls[0].arguments[0][0].body is None
    assert backend.resources == {}


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"])
def test_a_lost_reply_is_repeated_with_the_same_request_id_and_one_effect(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded, code: str
) -> None:
    faulty = Faulty(backend, {"apply_changes": [Fault(failure(code), reply_lost=True)]})
    run = Run(faulty, make_plan, [want("a", NEW)])
    report = run.go()
    assert run.kinds() == [Applying, Retrying, ChangeApplied, Finished]
    assert run.sent() == ["request-1", "request-1"]
    assert backend.revision == 1
    assert outcomes(report) == {"a": "created"}


def test_waits_grow_up_to_their_bound_and_tries_are_limited(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded
) -> None:
    down = failure("UNAVAILABLE")
    run = Run(Faulty(backend, {"apply_changes": [Fault(down)] * TRIES}), make_plan, [want("a", NEW)])
    report = run.go()
    assert len(run.sent()) == TRIES
    assert run.slept == pytest.approx([0.2, 0.6, 1.8, 5.4])
    assert max(run.applier.delay(attempt) for attempt in range(1, 20)) == 10
    assert (outcomes(report), report.committed) == ({"a": "failed"}, False)
    assert [applied.result.error for applied in report.results] == [down]
    assert run.raised is down
    assert report.elapsed == pytest.approx(8.0)


def test_waits_are_anything_up_to_their_bound() -> None:
    chance = iter([0.0, 0.5])
    applier = Applier(None, random=lambda: next(chance))  # type: ignore[arg-type]
    assert [applier.delay(1), applier.delay(2)] == pytest.approx([0.0, 0.3])


def test_when_all_tries_lost_their_reply_the_backend_is_asked(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded
) -> None:
    lost = [Fault(failure("DEADLINE_EXCEEDED"), reply_lost=True)] * TRIES
    run = Run(Faulty(backend, {"apply_changes": lost}), make_plan, [want("a", NEW)])
    report = run.go()
    assert run.recording.methods()[-1] == "outcome_of"
    assert (outcomes(report), report.committed, report.succeeded) == ({"a": "created"}, True, True)


def test_a_backend_that_repeats_requests_itself_is_called_once_and_then_asked(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded
) -> None:
    lost = [Fault(failure("UNAVAILABLE"), reply_lost=True)]
    run = Run(Faulty(backend, {"apply_changes": lost}), make_plan, [want("a", NEW)])
    run.applier.tries = 1
    report = run.go()
    assert run.recording.methods() == ["apply_changes", "outcome_of"]
    assert (outcomes(report), report.committed, run.slept) == ({"a": "created"}, True, [])


def test_an_unknown_end_is_called_unknown(backend: Store, make_plan: MakePlan, want: Want, failure: Coded) -> None:
    down = Fault(failure("UNAVAILABLE"))
    run = Run(Faulty(backend, {"apply_changes": [down] * TRIES, "outcome_of": [down]}), make_plan, [want("a", NEW)])
    report = run.go()
    assert report.committed is None
    assert not report.succeeded


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED", "INTERNAL"])
def test_other_errors_are_not_repeated(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded, code: str
) -> None:
    refused = failure(code)
    run = Run(Faulty(backend, {"apply_changes": [Fault(refused)]}), make_plan, [want("a", NEW)])
    report = run.go()
    assert run.raised is refused
    assert run.kinds() == [Applying, ChangeApplied, Finished]
    assert (run.recording.methods(), report.committed) == (["apply_changes"], False)


def test_an_error_without_a_code_leaves_the_question_to_the_backend(
    backend: Store, make_plan: MakePlan, want: Want
) -> None:
    run = Run(Faulty(backend, {"apply_changes": [Fault(OSError("cut"), reply_lost=True)]}), make_plan, [want("a", NEW)])
    assert outcomes(run.go()) == {"a": "created"}
    assert run.recording.methods() == ["apply_changes", "outcome_of"]


class Busy:
    """Lets somebody else write just before a request arrives, as often as it is told to."""

    def __init__(self, inner: Store, seen: Observed, times: int) -> None:
        self.inner = inner
        self.seen = seen
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        if self.times:
            self.times -= 1
            self.inner.put(self.seen)
        return self.inner.apply_changes(changes, options)


def test_a_moved_resource_is_planned_again_under_a_new_request_id(
    backend: Store, make_plan: MakePlan, want: Want, live: Live, key_of: KeyOf
) -> None:
    backend.put(live("a", OLD))
    busy = Busy(backend, live("a", {"metadata": {"labels": {"mine": "1"}}, **OLD}), times=1)
    run = Run(busy, make_plan, [want("a", NEW), want("b", NEW)])
    report = run.go()
    assert run.kinds() == [Applying, Replanned, Applying, ChangeApplied, ChangeApplied, Finished]
    assert run.sent() == ["request-1", "request-2"]
    assert outcomes(report) == {"a": "updated", "b": "created"}
    assert backend.resources[key_of("a")].body == {"metadata": {"labels": {"mine": "1"}}, **NEW}


def test_what_somebody_else_did_meanwhile_needs_no_second_request(
    backend: Store, make_plan: MakePlan, want: Want, live: Live, key_of: KeyOf
) -> None:
    run = Run(Busy(backend, live("a", NEW), times=1), make_plan, [want("a", NEW)])
    report = run.go()
    assert run.kinds() == [Applying, Replanned, Finished]
    assert (report.results, report.unchanged) == ((), (key_of("a"),))


def test_planning_again_has_an_end(backend: Store, make_plan: MakePlan, want: Want, live: Live) -> None:
    run = Run(Busy(backend, live("a", OLD), times=99), make_plan, [want("a", NEW)])
    report = run.go()
    assert len(run.sent()) == MAX_ROUNDS
    assert getattr(run.raised, "code", None) == "ABORTED"
    assert outcomes(report) == {"a": "failed"}


def test_a_plan_that_became_forbidden_is_not_applied(
    backend: Store, make_plan: MakePlan, want: Want, live: Live
) -> None:
    wanted = [want("a", NEW), want("b", NEW)]
    claimed = live("a", OLD, {"terraform": {"spec.text"}})
    run = Run(Busy(backend, claimed, times=1), make_plan, wanted)
    report = run.go()
    assert run.kinds() == [Applying, Replanned, ChangeApplied, ChangeApplied, Finished]
    assert outcomes(report) == {"a": "conflicted", "b": "skipped"}
    assert (report.committed, report.succeeded) == (False, False)


class Answering:
    """Gives prepared answers to requests and forwards everything else."""

    def __init__(self, inner: Backend, *answers: ApplyResult) -> None:
        self.inner = inner
        self.answers = list(answers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        return self.answers.pop(0) if self.answers else self.inner.apply_changes(changes, options)


def test_an_atomic_failure_told_per_change_is_reported_per_change(
    backend: Store, make_plan: MakePlan, want: Want, live: Live, key_of: KeyOf, failure: Coded
) -> None:
    invalid = ChangeResult(key_of("a"), Outcome.FAILED, error=failure("INVALID_ARGUMENT"))
    told = ApplyResult(0, (invalid, ChangeResult(key_of("b"), Outcome.SKIPPED)), committed=False)
    backend.put(live("c", OLD))
    run = Run(Answering(backend, told), make_plan, [want("a", NEW), want("b", NEW)])
    report = run.go()
    assert run.raised is None
    assert outcomes(report) == {"a": "failed", "b": "skipped"}
    assert (report.committed, report.succeeded, report.revision) == (False, False, 1)


def test_planning_again_does_not_help_against_another_error(
    backend: Store, make_plan: MakePlan, want: Want, key_of: KeyOf, failure: Coded
) -> None:
    codes = {"a": "ABORTED", "b": "INVALID_ARGUMENT"}
    results = [ChangeResult(key_of(slug), Outcome.FAILED, error=failure(code)) for slug, code in codes.items()]
    run = Run(Answering(backend, ApplyResult(0, tuple(results))), make_plan, [want("a", NEW), want("b", NEW)])
    assert outcomes(run.go()) == {"a": "failed", "b": "failed"}
    assert Replanned not in run.kinds()


def test_a_create_that_somebody_else_made_first_is_planned_again(
    backend: Store, make_plan: MakePlan, want: Want, live: Live, key_of: KeyOf, failure: Coded
) -> None:
    results = (
        ChangeResult(key_of("a"), Outcome.FAILED, error=failure("ALREADY_EXISTS")),
        ChangeResult(key_of("b"), Outcome.SKIPPED),
    )
    run = Run(Answering(backend, ApplyResult(0, results)), make_plan, [want("a", NEW), want("b", NEW)])
    planned = run.make()
    backend.put(live("a", OLD))
    assert outcomes(run.go(planned)) == {"a": "updated", "b": "created"}


@pytest.mark.parametrize("raised", [True, False], ids=["raised", "told per change"])
def test_a_name_that_is_still_taken_when_looked_at_again_is_an_error(
    backend: Store, make_plan: MakePlan, want: Want, key_of: KeyOf, failure: Coded, raised: bool
) -> None:
    taken = failure("ALREADY_EXISTS")
    told = ApplyResult(0, (ChangeResult(key_of("a"), Outcome.FAILED, error=taken),))
    faulty = Faulty(backend, {"apply_changes": [Fault(taken)] * 9})
    run = Run(faulty if raised else Answering(backend, *[told] * 9), make_plan, [want("a", NEW)])
    report = run.go()
    assert len(run.sent()) == 2
    assert outcomes(report) == {"a": "failed"}
    assert [applied.result.error for applied in report.results] == [taken]


def test_an_atomic_request_that_was_told_to_be_stale_is_planned_again(
    backend: Store, make_plan: MakePlan, want: Want, key_of: KeyOf, failure: Coded
) -> None:
    stale = ChangeResult(key_of("a"), Outcome.FAILED, error=failure("ABORTED"))
    told = ApplyResult(0, (stale, ChangeResult(key_of("b"), Outcome.SKIPPED)), committed=False)
    run = Run(Answering(backend, told), make_plan, [want("a", NEW), want("b", NEW)])
    assert outcomes(run.go()) == {"a": "created", "b": "created"}
    assert run.kinds() == [Applying, Replanned, Applying, ChangeApplied, ChangeApplied, Finished]


def test_keeping_going_writes_the_rest_and_tries_the_stale_ones_again(
    backend: Store, make_plan: MakePlan, want: Want, live: Live
) -> None:
    backend.put(live("a", OLD))
    busy = Busy(backend, live("a", {"spec": {"text": "other"}}), times=1)
    run = Run(busy, make_plan, [want("a", NEW), want("b", NEW)], atomic=False, keep_going=True)
    report = run.go()
    assert run.kinds() == [Applying, ChangeApplied, Replanned, Applying, ChangeApplied, Finished]
    assert outcomes(report) == {"b": "created", "a": "updated"}
    assert report.unchanged == ()


def test_keeping_going_reports_what_was_refused(backend: Store, make_plan: MakePlan, want: Want, live: Live) -> None:
    backend.put(live("a", {"spec": {"agent": "old"}}))
    wanted = [want("a", {"spec": {"agent": "new"}}), want("b", NEW)]
    report = Run(backend, make_plan, wanted, atomic=False, keep_going=True).go()
    assert outcomes(report) == {"b": "created", "a": "skipped"}
    counts = report.counts()
    assert list(counts) == [*Outcome]
    assert (counts["created"], counts["skipped"], counts["unchanged"]) == (1, 1, 0)


def test_a_dry_run_reports_outcomes_and_writes_nothing(backend: Store, make_plan: MakePlan, want: Want) -> None:
    report = Run(DryRun(backend), make_plan, [want("a", NEW)]).go()
    assert (outcomes(report), report.committed) == ({"a": "created"}, False)
    assert (backend.revision, backend.resources) == (0, {})


def test_ctrl_c_before_anything_was_sent_means_nothing_happened(
    backend: Store, make_plan: MakePlan, want: Want, live: Live
) -> None:
    run = Run(Busy(backend, live("a", OLD), times=1), make_plan, [want("a", NEW)])
    planned = run.make()

    def stopped() -> Plan:
        raise KeyboardInterrupt

    run.make = stopped
    report = run.go(planned)
    assert run.kinds() == [Applying, Interrupted, ChangeApplied, Finished]
    assert run.seen[1] == Interrupted("request-1", committed=False)
    assert (outcomes(report), report.interrupted, report.committed) == ({"a": "skipped"}, True, False)


@pytest.mark.parametrize("reply_lost", [True, False], ids=["after the commit", "before the commit"])
def test_after_ctrl_c_the_backend_says_whether_it_was_done(
    backend: Store, make_plan: MakePlan, want: Want, reply_lost: bool
) -> None:
    faults = {"apply_changes": [Fault(KeyboardInterrupt(), reply_lost=reply_lost)]}
    run = Run(Faulty(backend, faults), make_plan, [want("a", NEW)])
    report = run.go()
    assert isinstance(run.raised, KeyboardInterrupt)
    assert Interrupted("request-1", committed=reply_lost) in run.seen
    assert report.interrupted
    assert (report.committed, bool(backend.resources)) == (reply_lost, reply_lost)
    assert outcomes(report) == {"a": "created" if reply_lost else "skipped"}


def test_after_ctrl_c_a_backend_that_is_gone_leaves_it_open(
    backend: Store, make_plan: MakePlan, want: Want, failure: Coded
) -> None:
    faults = {"apply_changes": [Fault(KeyboardInterrupt())], "outcome_of": [Fault(failure("UNAVAILABLE"))]}
    run = Run(Faulty(backend, faults), make_plan, [want("a", NEW)])
    report = run.go()
    assert Interrupted("request-1", committed=None) in run.seen
    assert (report.committed, outcomes(report)) == (None, {"a": "failed"})
