"""The use cases: one orchestrator each, over the same path from manifests to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from manifests import Diagnostic, Severity
from reconciler import (
    Applier,
    ApplyOptions,
    ChangeApplied,
    DryRun,
    Finished,
    Plan,
    PlanReady,
    Replanned,
    Report,
    ResourceKey,
)
from reconciler import Outcome as ChangeOutcome
from stigmer.errors import StigmerError
from stigmer.sync.artifacts import Storing
from stigmer.sync.leftovers import CONSTRAINT, leftovers
from stigmer.sync.positions import diagnose
from stigmer.sync.prepare import Prepared, prepare, prepare_delete, replan, replan_delete
from stigmer.sync.request import Confirm, Emit, Outcome, Request, Status, Workspace

CLIENT_REPEATS = 1
"""Attempts of the applier at one request: the client below repeats it already, within its deadline."""


def apply(request: Request, workspace: Workspace, *, confirm: Confirm, emit: Emit) -> Outcome:
    """Make the backend hold what the paths declare: all of it, or with `keep_going` what is independent of failures."""
    prepared = prepare(request, workspace, emit)
    outcome = _execute(prepared, request, workspace, lambda: replan(prepared, request, workspace), confirm, emit)
    if outcome.status is Status.OK and not request.dry_run:
        prepared.remember(outcome.report)
    return outcome


def plan(request: Request, workspace: Workspace, *, emit: Emit) -> Outcome:
    """What `apply` would do. The server checks the changes too; nothing is written."""
    prepared = prepare(request, workspace, emit)
    return _check(prepared, request, workspace, lambda: replan(prepared, request, workspace), emit)


def validate(request: Request, workspace: Workspace, *, emit: Emit) -> Outcome:
    """Every mistake that the loader, the contract or the server finds. Guards do not count: nothing will be written."""
    outcome = plan(request, workspace, emit=emit)
    if outcome.status in {Status.REFUSED, Status.CONFLICT}:
        outcome.status = Status.OK
    return outcome


def delete(
    request: Request, workspace: Workspace, *, keys: Sequence[ResourceKey] = (), confirm: Confirm, emit: Emit
) -> Outcome:
    """Delete what the paths declare, or the named keys: a plan whose desired set is empty."""
    prepared = prepare_delete(request, workspace, keys, emit)

    def again() -> Plan:
        return replan_delete(prepared, request, workspace, keys)

    return _execute(prepared, request, workspace, again, confirm, emit)


def _execute(
    prepared: Prepared,
    request: Request,
    workspace: Workspace,
    again: Callable[[], Plan],
    confirm: Confirm,
    emit: Emit,
) -> Outcome:
    made = prepared.plan
    if made is None or request.dry_run:
        return _check(prepared, request, workspace, again, emit)
    emit(PlanReady(made))
    if made.is_empty:
        return _outcome(Status.OK, prepared)
    if not made.can_apply:
        return _outcome(_refusal(made), prepared)
    if not confirm(made):
        return _outcome(Status.DECLINED, prepared)

    def confirmed() -> Plan:
        """A plan made because the backend moved is asked about again if it destroys more than the first one did."""
        moved = again()
        if prepared.has_errors or (_destroyed(moved) - _destroyed(made) and not confirm(moved)):
            raise _StoppedError
        return moved

    applier = Applier(_backend(prepared, workspace), tries=CLIENT_REPEATS)
    report = _run(applier, made, _options(request), confirmed, prepared, emit)
    if report is None:
        status = Status.INVALID if prepared.has_errors else Status.DECLINED
        return _outcome(status, prepared)
    prepared.diagnostics += _problems(report, prepared, workspace)
    outcome = _outcome(_status(report), prepared)
    outcome.report = report
    outcome.revision = report.revision
    return outcome


class _StoppedError(Exception):
    """A new plan may not be executed."""


def _destroyed(made: Plan) -> set[ResourceKey]:
    return {change.key for change in made.writes if change.action.destroys}


def _run(
    applier: Applier,
    made: Plan,
    options: ApplyOptions,
    again: Callable[[], Plan],
    prepared: Prepared,
    emit: Emit,
) -> Report | None:
    """The report of one run; None when a new plan was needed and not allowed. An error of the backend ends up in the
    report."""
    report = None
    try:
        for event in applier.run(made, options, again):
            if isinstance(event, Replanned):
                prepared.plan = event.plan
            if isinstance(event, Finished):
                report = event.report
            emit(event)
    except _StoppedError:
        return None
    except (StigmerError, KeyboardInterrupt):
        if report is None:
            raise
    return report


def _check(
    prepared: Prepared, request: Request, workspace: Workspace, again: Callable[[], Plan], emit: Emit
) -> Outcome:
    """The outcome of a plan that is not executed, with what the server finds wrong. Where the manifests have errors,
    the rest is checked all the same, so that one run shows all mistakes."""
    prepared.diagnostics += leftovers(prepared.desired, request, workspace)
    made = prepared.plan or prepared.draft
    if made is None:
        return _outcome(Status.INVALID, prepared)
    if made.can_apply and made.writes:
        options = replace(_options(request), validate_only=True, atomic=prepared.plan is None or not request.keep_going)
        applier = Applier(DryRun(_backend(prepared, workspace)), tries=CLIENT_REPEATS)
        report = _run(applier, made, options, again, prepared, _quiet)
        if report is not None:
            found = _problems(report, prepared, workspace)
            prepared.diagnostics += (
                found if prepared.plan else [each for each in found if each.code == CONSTRAINT.lower()]
            )
    if prepared.has_errors:
        return _outcome(Status.INVALID, prepared)
    made = prepared.plan or made  # planned anew if the backend moved during the check
    emit(PlanReady(made))
    return _outcome(Status.OK if made.can_apply else _refusal(made), prepared)


def _backend(prepared: Prepared, workspace: Workspace) -> Storing:
    """The backend, which is given the artifacts of a change first."""
    return Storing(workspace.backend, workspace.artifacts, prepared.loader.archives_of)


def _options(request: Request) -> ApplyOptions:
    return ApplyOptions(
        request_id=str(uuid4()),
        atomic=not request.keep_going,
        manager=request.manager,
        force_conflicts=request.force_conflicts,
    )


def _quiet(event: object) -> None:
    """A check has no progress of its own."""


def _outcome(status: Status, prepared: Prepared) -> Outcome:
    seen = prepared.observation
    revision = seen.revision if seen is not None else prepared.plan.base_revision if prepared.plan else 0
    return Outcome(
        status,
        plan=prepared.plan,
        diagnostics=tuple(sorted(prepared.diagnostics, key=_place)),
        files=prepared.desired.files,
        documents=prepared.desired.documents,
        revision=revision,
    )


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
    """Diagnostics are shown in the order of the files; those without a place come last."""
    source = diagnostic.source
    return (False, source.path, source.line, source.column) if source else (True, "", 0, 0)


def _refusal(made: Plan) -> Status:
    conflicted = any(change.outcome is ChangeOutcome.CONFLICTED for change in made.refused)
    return Status.CONFLICT if conflicted else Status.REFUSED


def _status(report: Report) -> Status:
    if report.interrupted:
        return Status.INTERRUPTED
    if report.succeeded:
        return Status.OK
    outcomes = {applied.result.outcome for applied in report.results}
    if any(outcome.succeeded for outcome in outcomes) and report.committed:
        return Status.PARTIAL
    if ChangeOutcome.CONFLICTED in outcomes:
        return Status.CONFLICT
    return Status.REFUSED if outcomes == {ChangeOutcome.SKIPPED} else Status.FAILED


def _problems(report: Report, prepared: Prepared, workspace: Workspace) -> list[Diagnostic]:
    """What the backend said against single changes, at the place in the manifest; and what ended the run."""
    found: list[Diagnostic] = []
    for applied in report.results:
        error = applied.result.error
        if isinstance(error, StigmerError) and error is not report.error:
            found += _violations(applied, error, prepared, workspace)
        found += _warnings(applied, prepared)
    if isinstance(report.error, StigmerError):
        text = "; ".join([report.error.message, *(f"{v.field}: {v.description}" for v in report.error.violations)])
        found.append(Diagnostic(Severity.ERROR, text, hint=report.error.hint, code=report.error.reason.lower()))
    return found


def _violations(
    applied: ChangeApplied, error: StigmerError, prepared: Prepared, workspace: Workspace
) -> list[Diagnostic]:
    change = applied.change
    manifest = prepared.loader.manifest_of(change.desired) if change.desired else None
    kind = workspace.contract.kinds[change.key.kind]
    code, hidden = error.reason.lower(), workspace.contract.secret_fields
    if manifest is None:
        return [Diagnostic(Severity.ERROR, f"{change.key}: {error.message}", hint=error.hint, code=code)]
    if not error.violations:
        message = f"{change.key}: {error.message}"
        return [diagnose(manifest, kind, (), message, hidden=hidden, hint=error.hint, code=code)]
    return [
        diagnose(
            manifest,
            kind,
            violation.field,
            violation.description,
            hidden=hidden,
            hint=error.hint,
            related=[(path, f"{path} takes part") for path in violation.related[1:]],
            code=code,
        )
        for violation in error.violations
    ]


def _warnings(applied: ChangeApplied, prepared: Prepared) -> list[Diagnostic]:
    """Warnings of the server, unless the client has found dangling references itself and shown where they are."""
    if any(each.code == "unresolved-reference" for each in prepared.diagnostics):
        return []
    return [
        Diagnostic(Severity.WARNING, f"{applied.change.key}: {text}", code="warning")
        for text in applied.result.warnings
    ]
