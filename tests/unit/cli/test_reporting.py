"""From a plan and its execution to what a view shows. Assumes planning tested elsewhere."""

from __future__ import annotations

import pytest

from reconciler import ChangeApplied, ChangeResult, Desired, Observed, Origin, Outcome, Plan, Policy, Report, Snapshot
from reconciler import ResourceKey as Key
from reconciler import plan as make_plan
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.reporting import answer_report, exit_code, plan_report
from stigmer.contract import default_contract
from stigmer.errors import InvalidArgument, Violation
from stigmer.sync import Outcome as Answer
from stigmer.sync import Status

KINDS = default_contract().kinds
NEW, OLD, SAME = (Key("Agent", "local", slug) for slug in ("new", "old", "same"))


def body(text: str) -> dict[str, object]:
    return {"metadata": {"name": "x"}, "spec": {"instructions": text}}


def desired(key: Key, digest: bytes, text: str = "Do as you are told.") -> Desired:
    return Desired(key, digest, lambda: body(text), Origin("a.yaml", 3))


def observed(key: Key, digest: bytes, *, protect: bool = False) -> Observed:
    return Observed(key, "agt-1", "e", 4, 1, digest, "", protect, body("Something else."), {"ana": frozenset()})


def planned(policy: Policy | None = None, **observe: bool) -> Plan:
    wanted = {key: desired(key, digest) for key, digest in ((NEW, b"1"), (OLD, b"2"), (SAME, b"3"))}
    live = {OLD: observed(OLD, b"0", **observe), SAME: observed(SAME, b"3")}
    return make_plan(wanted, Snapshot(4, live), lambda _: KINDS["Agent"].schema, KINDS.rank, policy or Policy(), "me")


def test_a_plan_is_shown_with_what_would_happen() -> None:
    report = plan_report(planned())
    assert [(line.name, line.action, line.outcome, line.place) for line in report.changes] == [
        ("Agent/new", "create", "", "a.yaml:3"),
        ("Agent/old", "update", "", "a.yaml:3"),
    ]
    assert (report.summary["created"], report.summary["updated"], report.summary["unchanged"]) == (1, 1, 1)
    assert [field.path for field in report.changes[1].fields] == ["spec.instructions"]
    assert report.changes[1].id == "agt-1"


def test_a_comparison_lists_the_fields_of_what_is_new() -> None:
    report = plan_report(planned(), lambda kind: KINDS[kind].schema)
    assert [(field.path, field.op, field.after) for field in report.changes[0].fields] == [
        ("metadata.name", "add", "x"),
        ("spec.instructions", "add", "Do as you are told."),
    ]


def test_a_plan_that_was_not_executed_has_its_changes_skipped() -> None:
    report = answer_report(Answer(Status.DECLINED, planned()), "apply")
    assert {line.outcome for line in report.changes} == {"skipped"}
    assert (report.summary["skipped"], report.summary["created"]) == (2, 0)
    assert report.committed is False


def test_a_dry_run_counts_what_would_happen() -> None:
    report = answer_report(Answer(Status.OK, planned()), "plan")
    assert {line.outcome for line in report.changes} == {""}
    assert (report.summary["created"], report.summary["updated"]) == (1, 1)


def test_unchanged_resources_are_listed_on_request() -> None:
    report = answer_report(Answer(Status.OK, planned()), "plan", show_unchanged=True)
    assert [(line.slug, line.action, line.outcome) for line in report.changes][-1] == ("same", "noop", "unchanged")


def test_an_execution_is_shown_with_what_became_of_each_change() -> None:
    first, second = planned().changes
    error = InvalidArgument("is bad", violations=[Violation("spec.a", "too short")], hint="make it longer")
    report = Report(
        (
            ChangeApplied(first, ChangeResult(NEW, Outcome.CREATED, "agt-2", 5)),
            ChangeApplied(second, ChangeResult(OLD, Outcome.FAILED, error=error)),
        ),
        (SAME,),
        5,
        committed=True,
    )
    shown = answer_report(Answer(Status.PARTIAL, planned(), report, revision=5), "apply")
    assert [(line.outcome, line.id) for line in shown.changes] == [("created", "agt-2"), ("failed", "agt-1")]
    assert shown.changes[1].error is not None
    assert shown.changes[1].error.violations == (("spec.a", "too short"),)
    assert (shown.revision, shown.committed) == (5, True)
    assert (shown.summary["created"], shown.summary["failed"], shown.summary["unchanged"]) == (1, 1, 1)


def test_a_refusal_names_the_option_that_allows_it() -> None:
    (line,) = answer_report(
        Answer(
            Status.REFUSED,
            make_plan(
                {OLD: Desired(OLD, b"9", lambda: {"metadata": {}, "spec": {"http": {"url": "x"}}})},
                Snapshot(4, {OLD: _stdio()}),
                lambda _: KINDS["McpServer"].schema,
                KINDS.rank,
                Policy(),
                "me",
            ),
        ),
        "apply",
    ).changes
    assert (line.action, line.outcome) == ("replace", "skipped")
    assert line.error is not None
    assert (line.error.code, line.error.hint) == ("IMMUTABLE", "--allow-replace allows it")


def _stdio() -> Observed:
    live = {"metadata": {}, "spec": {"stdio": {"command": "npx"}}}
    return Observed(OLD, "mcp-1", "e", 4, 1, b"0", "", False, live, {})


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.OK, 0),
        (Status.INVALID, 1),
        (Status.FAILED, 1),
        (Status.CONFLICT, 3),
        (Status.PARTIAL, 4),
        (Status.REFUSED, 5),
        (Status.DECLINED, 5),
        (Status.INTERRUPTED, 130),
    ],
)
def test_every_status_has_an_exit_code(status: Status, code: int) -> None:
    assert exit_code(Answer(status)) == code
    assert exit_code(Answer(status, planned()), detailed=True) == (code or 2)


def test_no_changes_are_0_also_in_detail() -> None:
    empty = Plan((), (SAME,), 4, "me", Policy())
    assert exit_code(Answer(Status.OK, empty), detailed=True) is ExitCode.OK
