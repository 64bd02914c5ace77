"""The one error tree of stigmer, and the one table between errors and status code names.

    StigmerError                     code                  raised when
    |- InvalidArgument               INVALID_ARGUMENT      a value breaks a rule; carries one violation per field path
    |- NotFound                      NOT_FOUND             nothing has that name, or the caller may not know of it
    |- AlreadyExists                 ALREADY_EXISTS        the slug is taken
    |- Aborted                       ABORTED               an etag is stale: read again, then repeat
    |- FailedPrecondition            FAILED_PRECONDITION   a reference, a protection or an immutable field forbids it
    |- PermissionDenied              PERMISSION_DENIED     the caller is known and may not
    |- Unauthenticated               UNAUTHENTICATED       the caller is not known
    |- ResourceExhausted             RESOURCE_EXHAUSTED    a limit or the disk is full
    |- OutOfRange                    OUT_OF_RANGE          a watch or page cursor has expired: list again
    |- Unavailable                   UNAVAILABLE           the backend cannot be reached or cannot write now
    |- DeadlineExceeded              DEADLINE_EXCEEDED     no answer in time; the outcome may be unknown
    |- Cancelled                     CANCELLED             the caller went away
    |- Unimplemented                 UNIMPLEMENTED         the other side does not know this operation
    |- DataLoss                      DATA_LOSS             stored bytes fail their checksum
    `- Internal                      INTERNAL              a fault of ours; its text stays in the server's log

No transport is imported here: `code` is the *name* of the canonical status code, and the one place that speaks gRPC
(`stigmer.server.boundary`, `stigmer.backend.client`) maps names to its own values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: `field` is a path in the manifest's spelling (`spec.tasks[name=a].agent`), `key` the resource
    it belongs to as `org/Kind/slug` where a request carries several, and `related` other paths that take part in it
    (the members of a cycle, in order)."""

    field: str
    description: str
    key: str = ""
    related: tuple[str, ...] = ()


class StigmerError(Exception):
    """Base of all errors that a user may see. `hint` says what to do next; it is shown on a line of its own.

    `reason` is a stable UPPER_SNAKE word for machines (google.rpc.ErrorInfo.reason); it defaults to the code.
    """

    code: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        hint: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.hint = hint
        self.reason = reason or self.code


class InvalidArgument(StigmerError):
    code = "INVALID_ARGUMENT"


class NotFound(StigmerError):
    code = "NOT_FOUND"


class AlreadyExists(StigmerError):
    code = "ALREADY_EXISTS"


class Aborted(StigmerError):
    code = "ABORTED"


class FailedPrecondition(StigmerError):
    code = "FAILED_PRECONDITION"


class PermissionDenied(StigmerError):
    code = "PERMISSION_DENIED"


class Unauthenticated(StigmerError):
    code = "UNAUTHENTICATED"


class ResourceExhausted(StigmerError):
    code = "RESOURCE_EXHAUSTED"


class OutOfRange(StigmerError):
    code = "OUT_OF_RANGE"


class Unavailable(StigmerError):
    code = "UNAVAILABLE"


class DeadlineExceeded(StigmerError):
    code = "DEADLINE_EXCEEDED"


class Cancelled(StigmerError):
    code = "CANCELLED"


class Unimplemented(StigmerError):
    code = "UNIMPLEMENTED"


class DataLoss(StigmerError):
    code = "DATA_LOSS"


class Internal(StigmerError):
    code = "INTERNAL"


BY_CODE: dict[str, type[StigmerError]] = {
    leaf.code: leaf
    for leaf in (
        InvalidArgument,
        NotFound,
        AlreadyExists,
        Aborted,
        FailedPrecondition,
        PermissionDenied,
        Unauthenticated,
        ResourceExhausted,
        OutOfRange,
        Unavailable,
        DeadlineExceeded,
        Cancelled,
        Unimplemented,
        DataLoss,
        Internal,
    )
}
