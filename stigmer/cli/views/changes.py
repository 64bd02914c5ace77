"""What a run that changes or checks resources has to show: plain values, made once and drawn by every view.

`ChangeReport` is complete in every case, also when the manifests could not be read or the backend not be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from manifests.diagnostics import Diagnostic, Severity
from stigmer.errors import StigmerError

Verb: TypeAlias = Literal["apply", "plan", "diff", "validate", "delete"]

OUTCOMES = (
    "created",
    "updated",
    "deleted",
    "adopted",
    "moved",
    "replaced",
    "unchanged",
    "skipped",
    "failed",
    "blocked",
    "conflicted",
)
"""Every summary counts these, also those that are zero."""


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field that changes. `op` is add, replace or remove; `before` and `after` are JSON-like, secrets masked."""

    path: str
    op: str
    before: Any
    after: Any
    cause: str = ""


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """Why one change was not made. `violations` are (field, description)."""

    code: str
    message: str
    hint: str = ""
    violations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One resource. `outcome` is empty while nothing was executed; `file` is empty when no manifest names it."""

    kind: str
    slug: str
    org: str
    action: str
    outcome: str = ""
    cause: str = ""
    fields: tuple[FieldLine, ...] = ()
    file: str = ""
    line: int = 0
    id: str = ""
    error: ErrorLine | None = None
    blocked_by: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.slug}"

    @property
    def place(self) -> str:
        """`file:line`, or nothing."""
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """A whole run. `status` is how it ended (`stigmer.sync.Status`). `planned` says that nothing was to be executed:
    the summary then counts what would happen. `committed` is None when that is not known."""

    verb: Verb = "apply"
    status: str = "failed"
    changes: tuple[ChangeLine, ...] = ()
    summary: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    revision: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()
    planned: bool = False
    committed: bool | None = False
    documents: int = 0
    files: int = 0
    error: StigmerError | None = None


def failed_report(error: StigmerError) -> ChangeReport:
    """The report of a run that ended before there was anything to report."""
    return ChangeReport(diagnostics=tuple(diagnostics_of(error)), error=error)


def diagnostics_of(error: StigmerError) -> Iterator[Diagnostic]:
    """An error as mistakes of the input: one per violation, or itself."""
    code = error.reason.lower()
    if not error.violations:
        yield Diagnostic(Severity.ERROR, error.message, hint=error.hint, code=code)
    for item in error.violations:
        place = " ".join(part for part in (item.key, item.field) if part)
        message = f"{place}: {item.description}" if place else item.description
        yield Diagnostic(Severity.ERROR, message, hint=error.hint, code=code)
