"""Why an export ends without one: the errors of `export_read`, with what to do about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler import ResourceKey
from stigmer.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, Violation

if TYPE_CHECKING:
    from stigmer.contract import Kind


def absent(keys: Iterable[ResourceKey]) -> NotFound:
    """Names that no resource has: all of them."""
    texts = {key: f"{key.kind.lower()} not found: {key.slug}" for key in keys}
    if len(texts) == 1:
        return NotFound(*texts.values())
    violations = [Violation("", text, key=str(key)) for key, text in texts.items()]
    return NotFound(f"{len(texts)} resources were not found", violations=violations)


def is_default(kind: Kind, message: Any) -> InvalidArgument:
    """A default instance that was asked for by name."""
    _, parent, slug = message.metadata.parent.split("/")
    name = f"{kind.singular} {message.metadata.slug}"
    return InvalidArgument(
        f"{name} is not exported: it is the default instance of {parent.lower()} {slug}",
        hint=f"the server makes it with the {parent.lower()}: export that",
        reason="DEFAULT_INSTANCE",
    )


def secret(secrets: Mapping[ResourceKey, tuple[str, ...]]) -> FailedPrecondition:
    """Resources that hold secret values, by the paths of these."""
    violations = [
        Violation(path, "holds a secret value", key=str(key)) for key in sorted(secrets) for path in secrets[key]
    ]
    return FailedPrecondition(
        "secret values cannot be exported: a manifest would hold them in plain",
        violations=violations,
        hint="take the values out of these resources, or export the others by name",
        reason="SECRET_VALUES",
    )


def too_busy() -> Aborted:
    """A backend that was never at one revision for long enough."""
    return Aborted(
        "the backend kept changing while it was read",
        hint="export again when less is being written, or export one kind at a time",
        reason="BACKEND_BUSY",
    )
