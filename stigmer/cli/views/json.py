"""Change reports as objects: always with the same keys, and nothing else is ever on standard output."""

from __future__ import annotations

from typing import Any, final

from stigmer.cli.console import Console
from stigmer.cli.output import Format
from stigmer.cli.views.changes import ChangeLine, ChangeReport
from stigmer.cli.views.objects import error_object, print_object
from stigmer.cli.views.verdict import print_verdict


@final
class JsonView:
    """Prints a change report as one object, when everything is over."""

    def __init__(self, console: Console, form: Format) -> None:
        self._console = console
        self._form = form

    def event(self, event: object) -> None:
        """Progress is for people."""

    def planned(self, report: ChangeReport) -> None:
        """The finished report has it all."""

    def finished(self, report: ChangeReport) -> None:
        print_object(report_object(report), self._console, self._form)
        if report.status != "ok":
            print_verdict(report, self._console)


def report_object(report: ChangeReport) -> dict[str, Any]:
    """The object of apply, plan, diff, validate and delete."""
    value: dict[str, Any] = {
        "changes": [_change(line) for line in report.changes],
        "summary": dict(report.summary),
        "revision": report.revision,
        "diagnostics": [item.to_json() for item in report.diagnostics],
        "status": report.status,
        "committed": report.committed,
    }
    if report.error is not None:
        value["error"] = error_object(report.error)
    return value


def _change(line: ChangeLine) -> dict[str, Any]:
    value: dict[str, Any] = {
        "kind": line.kind,
        "slug": line.slug,
        "org": line.org,
        "id": line.id or None,
        "action": line.action,
        "outcome": line.outcome or None,
        "cause": line.cause or None,
        "fields": [
            {"path": item.path, "op": item.op, "before": item.before, "after": item.after, "cause": item.cause or None}
            for item in line.fields
        ],
        "source": {"file": line.file, "line": line.line} if line.file else None,
        "error": _error(line),
        "blocked_by": line.blocked_by or None,
        "warnings": list(line.warnings),
    }
    return value


def _error(line: ChangeLine) -> dict[str, Any] | None:
    if line.error is None:
        return None
    return {
        "code": line.error.code,
        "message": line.error.message,
        "hint": line.error.hint,
        "violations": [{"field": field, "description": text} for field, text in line.error.violations],
    }
