"""What the doctor found: a line for each check with what to do below it, or one object."""

from __future__ import annotations

from dataclasses import asdict

from stigmer.backend.health import Check
from stigmer.cli.console import Console
from stigmer.cli.output import Format
from stigmer.cli.plaintext import clean
from stigmer.errors import StigmerError
from stigmer.sync.doctor import Diagnosis

MAX_DETAILS = 20
"""Further sentences of one check that are shown to people; JSON has all."""

_SYMBOLS = {"ok": ("✓", "green"), "warning": ("⚠", "yellow"), "error": ("✗", "red")}


def failed_configuration(error: StigmerError) -> Diagnosis:
    """The diagnosis when nobody can tell where the backend is."""
    return Diagnosis([Check("configuration", "error", error.message, error.hint)])


def print_diagnosis(diagnosis: Diagnosis, console: Console, form: Format) -> None:
    if not form.for_people:
        from stigmer.cli.views.objects import print_object

        checks = [{**asdict(check), "details": list(check.details)} for check in diagnosis.checks]
        print_object({"status": diagnosis.status, "checks": checks, "store": diagnosis.store}, console, form)
        return
    width = max(len(check.name) for check in diagnosis.checks)
    for check in diagnosis.checks:
        symbol, style = _SYMBOLS[check.status]
        console.write(f"{console.paint(symbol, style)} {check.name:<{width}}   {clean(check.message)}")
        _more(check, console, " " * (width + 5))


def _more(check: Check, console: Console, indent: str) -> None:
    if check.status == "ok":
        return
    for detail in check.details[:MAX_DETAILS]:
        if detail != check.message:
            console.write(f"{indent}- {clean(detail)}")
    if len(check.details) > MAX_DETAILS:
        console.write(f"{indent}and {len(check.details) - MAX_DETAILS} more")
    if check.hint:
        console.write(f"{indent}{console.paint(clean(check.hint), 'dim')}")
