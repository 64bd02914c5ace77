"""Refusals: what a plan must not do although it knows how. A guard looks at one change before anything is written and
answers with a typed reason, so that views can group, exit codes can differ and nobody parses a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.actions import Action, Outcome
from reconciler.diff import CauseKind, FieldChange
from reconciler.resource import Observed


class RefusalReason(StrEnum):
    """Which guard refused."""

    PROTECTED = "protected"
    """The live resource carries `protect`. What the manifest says of it does not count: a deleted manifest says
    nothing."""
    CONFLICT = "conflict"
    """Another manager claims a field whose value would change."""
    IMMUTABLE = "immutable"
    """A field changed that cannot change in place, and losing the resource was not allowed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not made. `flag` is the option that would allow it, "" if none does."""

    reason: RefusalReason
    message: str
    flag: str = ""

    @property
    def outcome(self) -> Outcome:
        return Outcome.CONFLICTED if self.reason is RefusalReason.CONFLICT else Outcome.SKIPPED


@dataclass(frozen=True, slots=True)
class Policy:
    """What the caller allows."""

    delete: bool = False
    """The given resources are to go: their keys are the scope, and nothing is desired."""
    allow_replace: bool = False
    """A resource may be deleted and created anew where a field cannot change in place."""
    force_conflicts: bool = False
    """Fields that other managers claim may be taken from them."""
    keep_going: bool = False
    """Independent resources are written although others were refused or fail."""


def refuse(action: Action, observed: Observed, fields: Sequence[FieldChange], policy: Policy) -> Refusal | None:
    """The first guard that forbids the change, the one that no option overrides first."""
    if action.destroys and observed.protect:
        return Refusal(
            RefusalReason.PROTECTED,
            f"{observed.key} is protected: apply it with metadata.protect set to false before it can be {action}d",
        )
    contested = [change for change in fields if change.cause.kind is CauseKind.CLAIMED]
    if contested and not policy.force_conflicts:
        named = ", ".join(f"{change.path} ({change.cause})" for change in contested)
        return Refusal(RefusalReason.CONFLICT, f"{observed.key}: {named}", "--force-conflicts")
    if action is Action.REPLACE and not policy.allow_replace:
        paths = ", ".join(change.path for change in fields if change.immutable)
        return Refusal(
            RefusalReason.IMMUTABLE,
            f"{observed.key}: {paths} cannot change in place; the resource would be deleted and created anew",
            "--allow-replace",
        )
    return None
