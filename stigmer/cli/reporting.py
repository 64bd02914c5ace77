"""From the library's answers to what a view shows, and to an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler import Action, Change, ChangeResult, FieldChange, Node, Outcome, Plan, ResourceKey, three_way
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.views.changes import OUTCOMES, ChangeLine, ChangeReport, ErrorLine, FieldLine, Verb
from stigmer.errors import StigmerError
from stigmer.sync import Outcome as Answer
from stigmer.sync import Status

Schemas = Callable[[str], Node]
"""The schema of a kind, by its name."""

_CODES = {
    Status.OK: ExitCode.OK,
    Status.INVALID: ExitCode.ERROR,
    Status.REFUSED: ExitCode.REFUSED,
    Status.DECLINED: ExitCode.REFUSED,
    Status.FAILED: ExitCode.ERROR,
    Status.PARTIAL: ExitCode.PARTIAL,
    Status.CONFLICT: ExitCode.CONFLICT,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
}


def exit_code(answer: Answer, *, detailed: bool = False) -> ExitCode:
    """The code of a finished use case; with `detailed`, CHANGES when there was something to change."""
    code = _CODES[answer.status]
    changes = answer.plan is not None and not answer.plan.is_empty
    return ExitCode.CHANGES if detailed and code is ExitCode.OK and changes else code


def plan_report(plan: Plan, schemas: Schemas | None = None) -> ChangeReport:
    """A plan that nobody has executed yet. With `schemas`, creations list all their fields too."""
    return ChangeReport(
        changes=tuple(_line(change, None, schemas) for change in plan.changes),
        summary=plan.counts(),
        revision=plan.base_revision,
        planned=True,
    )


def answer_report(
    answer: Answer, verb: Verb, *, show_unchanged: bool = False, schemas: Schemas | None = None
) -> ChangeReport:
    """The end of a use case, whatever it was. A plan that was to be executed and was not has its changes skipped."""
    planned = verb in {"plan", "diff", "validate"}
    lines = list(_lines(answer, schemas, planned=planned))
    unchanged = _unchanged(answer)
    report = answer.report
    return ChangeReport(
        verb=verb,
        status=answer.status.value,
        changes=(*lines, *(map(_noop, unchanged) if show_unchanged else ())),
        summary=answer.plan.counts() if planned and answer.plan else _counts(lines, len(unchanged)),
        revision=answer.revision,
        diagnostics=answer.diagnostics,
        planned=planned,
        committed=report.committed if report else False,
        documents=answer.documents,
        files=answer.files,
        error=report.error if report and isinstance(report.error, StigmerError) else None,
    )


def _lines(answer: Answer, schemas: Schemas | None, *, planned: bool) -> Iterator[ChangeLine]:
    if answer.report is not None:
        for applied in answer.report.results:
            yield _line(applied.change, applied.result, schemas)
        return
    for change in answer.plan.changes if answer.plan else ():
        outcome = change.refusal.outcome if change.refusal else Outcome.SKIPPED
        yield _line(change, None if planned else ChangeResult(change.key, outcome), schemas)


def _unchanged(answer: Answer) -> Sequence[ResourceKey]:
    source = answer.report or answer.plan
    return source.unchanged if source else ()


def _counts(lines: Iterable[ChangeLine], unchanged: int) -> dict[str, int]:
    counts = Counter(line.outcome for line in lines)
    counts["unchanged"] += unchanged
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _line(change: Change, result: ChangeResult | None, schemas: Schemas | None) -> ChangeLine:
    origin, live = change.origin, change.observed
    return ChangeLine(
        kind=change.key.kind,
        slug=change.key.slug,
        org=change.key.org,
        action=str(change.action),
        outcome=str(result.outcome) if result else "",
        cause=change.cause,
        fields=tuple(FieldLine(f.path, f.op, f.before, f.after, str(f.cause)) for f in _fields(change, schemas)),
        file=origin.file if origin else "",
        line=origin.line if origin else 0,
        id=(result.id if result else "") or (live.id if live else ""),
        error=_error(change, result),
        blocked_by=str(result.blocked_by) if result and result.blocked_by else "",
        warnings=result.warnings if result else (),
    )


def _fields(change: Change, schemas: Schemas | None) -> Sequence[FieldChange]:
    if change.action is Action.CREATE and change.body is not None and schemas is not None:
        return three_way(schemas(change.key.kind), change.body, {}, frozenset(), {}).changes
    return change.fields


def _error(change: Change, result: ChangeResult | None) -> ErrorLine | None:
    if result is not None and result.error is not None:
        error = result.error
        if isinstance(error, StigmerError):
            violations = tuple((item.field, item.description) for item in error.violations)
            return ErrorLine(error.code, error.message, error.hint, violations)
        return ErrorLine(error.code, str(error))
    if change.refusal is not None:
        refusal = change.refusal
        hint = f"{refusal.flag} allows it" if refusal.flag else ""
        return ErrorLine(refusal.reason.name, refusal.message, hint)
    return None


def _noop(key: ResourceKey) -> ChangeLine:
    return ChangeLine(key.kind, key.slug, key.org, str(Action.NOOP), str(Outcome.UNCHANGED))
