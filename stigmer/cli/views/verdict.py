"""The last word of a run: one status line that says what is so now."""

from __future__ import annotations

from stigmer.cli.console import Console
from stigmer.cli.views.changes import ChangeReport
from stigmer.cli.views.wording import counted, nothing_to_do

_REASONS = {"conflict": "another manager declares these fields"}
_DONE = {"apply": "applied", "delete": "deleted"}


def print_verdict(report: ChangeReport, console: Console) -> None:
    """Prints how the run ended to standard error; a plan that succeeds speaks for itself."""
    if report.status == "ok":
        _success(report, console)
    elif report.status == "interrupted":
        _interrupted(report, console)
    elif report.status == "partial":
        console.warning(f"some changes were not {_DONE.get(report.verb, 'made')}: see above")
    elif report.status != "declined":
        _failure(report, console)


def _success(report: ChangeReport, console: Console) -> None:
    if report.verb == "validate":
        documents = counted(report.documents, "manifest")
        console.success(f"{documents} in {counted(report.files, 'file')} checked: nothing is wrong")
    elif report.verb in _DONE and report.committed:
        console.success(f"{_DONE[report.verb]} at revision {report.revision}")
    elif report.verb in _DONE:
        console.success(f"{nothing_to_do(report.verb)} at revision {report.revision}")


def _failure(report: ChangeReport, console: Console) -> None:
    errors = sum(1 for item in report.diagnostics if item.severity.value == "error")
    found = f"{counted(errors, 'error')} found" if errors else _REASONS.get(report.status, "refused")
    if report.committed is None:
        console.warning("it is not known whether the changes were made; run plan to see")
    elif report.verb in _DONE:
        console.failure(f"{found}: nothing was {_DONE[report.verb]}")
    else:
        console.failure(found)


def _interrupted(report: ChangeReport, console: Console) -> None:
    if report.committed is None:
        console.warning("interrupted: it is not known whether the changes were made; run plan to see")
    elif report.committed:
        console.warning(f"interrupted after the commit: the changes were made, at revision {report.revision}")
    else:
        console.failure("interrupted before the commit: nothing was changed")
