"""The mistakes that are left in documents which have others: the server's constraints on what could be bound of them.

So one run shows all mistakes. What is wrong only because of a mistake that is shown already is left out. A document
with secret values is not sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from manifests import Diagnostic
from reconciler import Action, ApplyOptions, DryRun, ResourceChange
from reconciler import path as field_path
from stigmer.backend.upload import EncodedBody
from stigmer.contract.secrecy import secret_texts
from stigmer.errors import StigmerError, Violation
from stigmer.sync.desired import Broken, DesiredSet
from stigmer.sync.positions import as_written, diagnose, is_written
from stigmer.sync.request import Request, Workspace

CONSTRAINT = "INVALID_ARGUMENT"
"""Code of an error about a resource by itself: true whatever becomes of the documents around it."""


def leftovers(desired: DesiredSet, request: Request, workspace: Workspace) -> list[Diagnostic]:
    """What the server finds in the broken documents. Nothing is written: as creations that are only validated, they are
    refused for their constraints first."""
    changes = [
        ResourceChange(key, Action.CREATE, EncodedBody({}, broken.content))
        for key, broken in desired.broken.items()
        if not secret_texts(workspace.contract.secret_fields, broken.manifest.value)
    ]
    if not changes:
        return []
    options = ApplyOptions(request_id=str(uuid4()), validate_only=True, manager=request.manager)
    answer = DryRun(workspace.backend).apply_changes(changes, options)
    found: list[Diagnostic] = []
    for result in answer.results:
        error = result.error
        if isinstance(error, StigmerError) and error.code == CONSTRAINT:
            broken = desired.broken[result.key]
            found += _diagnostics(broken, error, workspace)
    return found


def _diagnostics(broken: Broken, error: StigmerError, workspace: Workspace) -> Iterator[Diagnostic]:
    for violation in error.violations:
        if not _follows(violation, broken):
            yield diagnose(
                broken.manifest,
                broken.kind,
                violation.field,
                violation.description,
                hidden=workspace.contract.secret_fields,
                code=error.reason.lower(),
            )


def _follows(violation: Violation, broken: Broken) -> bool:
    """Whether a violation only follows from a known mistake: at the same place, above or below it, or of a field that
    is not written down, beside one that is wrong (its name may be mistyped)."""
    place = field_path.parse(violation.field)
    known = [field_path.parse(text) for text in broken.mistakes]
    spelled = as_written(broken.manifest, broken.kind, place)
    if any(path[: len(other)] == other[: len(path)] for path in (place, spelled) for other in known):
        return True
    beside = any(other[:-1] == place[:-1] for other in known if other)
    return beside and (spelled != place or not is_written(broken.manifest, broken.kind, violation.field))
