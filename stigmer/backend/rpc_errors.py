"""Failed calls as errors of stigmer: the one place where gRPC's failures, with their rich details, are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stigmer.errors import BY_CODE, DeadlineExceeded, Internal, ResourceExhausted, StigmerError, Unavailable, Violation

if TYPE_CHECKING:
    import grpc

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata in which a server puts a google.rpc.Status."""

UNREACHABLE = "UNREACHABLE"
"""Reason of the Unavailable that means: there is no server that answers, or it went away while it did."""

_SUBJECT = re.compile(r"([^/:]+/[^/:]+/[^/:]+):(.*)", re.DOTALL)
"""A PreconditionFailure's subject where a request carries several resources: org/Kind/slug:field."""

_STATUS_PREFIX = re.compile(r"^[A-Z_]+: ")


def translate(error: grpc.RpcError, target: str) -> StigmerError:
    """The error that a failed call stands for. What a server of stigmer sent is taken over with its violations, hint
    and reason; what the transport found out by itself is said in terms of `target`, the server's address."""
    name: str = error.code().name
    message: str = error.details() or ""
    status = _rich_status(error)
    if status is not None:
        return _sent(name, message, status)
    if name == "UNAVAILABLE":
        return _unreachable(target, message)
    if name == "DEADLINE_EXCEEDED":
        return DeadlineExceeded(f"no answer from {target} in time", reason="NO_ANSWER")
    if name == "RESOURCE_EXHAUSTED" and "larger than max" in message:
        return ResourceExhausted(f"a message is too large for the connection: {message}", reason="MESSAGE_TOO_LARGE")
    if name == "UNIMPLEMENTED":
        return BY_CODE[name](f"the server at {target} does not know this operation", hint=_VERSIONS)
    leaf = BY_CODE.get(name, Internal)
    return leaf(message or f"the call to {target} failed with {name}")


_VERSIONS = "client and server are of different versions: compare stigmer version and stigmer backend status"


def _unreachable(target: str, message: str) -> Unavailable:
    what = "cannot reach" if "connect" in message.lower() else "lost the connection to"
    return Unavailable(
        f"{what} the backend at {target}: {_cause(message, target)}",
        hint="run stigmer local status",
        reason=UNREACHABLE,
    )


def _cause(message: str, target: str) -> str:
    """The system's own words at the end of what gRPC's core says, which repeats the target and differs by version."""
    for separator in ("last error: ", " error: ", f"{target}: "):
        message = message.rpartition(separator)[2]
    return _STATUS_PREFIX.sub("", message) or "no connection"


def _rich_status(error: grpc.RpcError) -> Any | None:
    metadata = error.trailing_metadata() or ()
    data = next((value for key, value in metadata if key == DETAILS_KEY), None)
    if data is None:
        return None
    from google.protobuf.message import DecodeError
    from google.rpc import status_pb2

    try:
        return status_pb2.Status.FromString(data)
    except DecodeError:
        return None


def _sent(name: str, message: str, status: Any) -> StigmerError:
    """The error that a server sent with details; details of unknown types are passed over."""
    from google.rpc import error_details_pb2 as details

    bad, failed, info = details.BadRequest(), details.PreconditionFailure(), details.ErrorInfo()
    for packed in status.details:
        for detail in (bad, failed, info):
            packed.Unpack(detail)
    violations = [*_field_violations(bad), *_precondition_violations(failed)]
    leaf = BY_CODE.get(name, Internal)
    return leaf(message, violations=violations, hint=info.metadata.get("hint", ""), reason=info.reason)


def _field_violations(bad: Any) -> Iterator[Violation]:
    return (Violation(each.field, each.description) for each in bad.field_violations)


def _precondition_violations(failed: Any) -> Iterator[Violation]:
    for each in failed.violations:
        match = _SUBJECT.fullmatch(each.subject)
        key, field = match.groups() if match else ("", each.subject)
        yield Violation(field, each.description, key)
