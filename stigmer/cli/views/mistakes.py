"""What is wrong, on standard error: diagnostics with their places, and changes that a guard refused."""

from __future__ import annotations

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean
from stigmer.cli.views.changes import ChangeLine, ChangeReport

MAX_SHOWN = 100
"""Mistakes shown in full; the rest are counted. JSON has all."""

REFUSED = frozenset({"skipped", "conflicted", ""})
"""Outcomes whose reason is in no diagnostic: a guard refused the change before the backend saw it."""


def print_mistakes(report: ChangeReport, console: Console) -> None:
    """Prints every diagnostic and every refusal of a report."""
    for item in report.diagnostics[:MAX_SHOWN]:
        console.write_error(item.render(color=console.color_err))
    _rest(len(report.diagnostics), console)
    refused = [line for line in report.changes if line.error is not None and line.outcome in REFUSED]
    for line in refused[:MAX_SHOWN]:
        _refusal(line, console)
    _rest(len(refused), console)


def _refusal(line: ChangeLine, console: Console) -> None:
    assert line.error is not None
    place = f"{line.place}: " if line.place else ""
    console.failure(clean(f"{place}{line.error.message}"))
    if line.error.hint:
        console.write_error(console.paint_error(f"  {clean(line.error.hint)}", "dim"))


def _rest(count: int, console: Console) -> None:
    if count > MAX_SHOWN:
        console.info(f"and {count - MAX_SHOWN:,} more; -o json has all of them")
