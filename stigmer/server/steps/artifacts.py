"""Artifacts that resources name: they must be there when the transaction commits, and be what the resource says.

Part of Persist, like the references between resources.
"""

from __future__ import annotations

from stigmer.contract.artifacts import ArtifactUse
from stigmer.errors import FailedPrecondition, StigmerError, Violation
from stigmer.server.artifacts import find
from stigmer.server.batch import Change, Unit

NOT_FOUND, MISMATCH = "ARTIFACT_NOT_FOUND", "ARTIFACT_MISMATCH"
"""Reasons of the refusals."""


def check_artifacts(unit: Unit) -> None:
    """Fail what names an artifact that is not stored in its org, or whose text is not that of the artifact's file."""
    pending = unit.batch.pending_artifacts
    for effect in unit.live():
        for use in effect.content.artifacts if effect.content is not None else ():
            problem = None if use.digest in pending else _problem(unit, effect.change, use)
            if problem is not None:
                effect.fail(problem)
                break


def _problem(unit: Unit, change: Change, use: ArtifactUse) -> StigmerError | None:
    head = find(unit.tx, change.org, use.digest)
    if head is None:
        hint = "give the files instead, as a folder or an archive: then stigmer stores them before it applies"
        return _refusal(change, use.path, f"artifact not found: {use.digest}", NOT_FOUND, hint)
    if head.media_type != use.media_type:
        return _refusal(change, use.path, f"is {head.media_type}, not {use.media_type}", MISMATCH)
    if not use.text_file:
        return None
    digest = next((file.digest for file in head.files if file.path == use.text_file), None)
    if digest is None:
        return _refusal(change, use.path, f"the artifact has no {use.text_file} at its top", MISMATCH)
    if digest != use.text_digest:
        hint = f"change {use.text_file} in the files and give them again, or take {use.path} out"
        return _refusal(change, use.text_path, f"is not the text of {use.text_file} in {use.path}", MISMATCH, hint)
    return None


def _refusal(change: Change, path: str, problem: str, reason: str, hint: str = "") -> FailedPrecondition:
    return FailedPrecondition(
        f"{change.kind.singular} {change.slug}: {path}: {problem}",
        violations=[Violation(path, problem, key=str(change.key))],
        hint=hint,
        reason=reason,
    )
