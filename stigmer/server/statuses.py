"""Errors as gRPC statuses with rich details (google.rpc): the one table between our codes and gRPC's.

A status travels in HTTP/2 trailers, which clients accept up to 8 KiB by default; a longer one would reach them as
RESOURCE_EXHAUSTED without any text. So texts are cut and violations dropped until it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from stigmer.errors import BY_CODE, StigmerError, Violation

ERROR_DOMAIN = "stigmer.ai"
"""google.rpc.ErrorInfo.domain of our errors."""

DETAILS_KEY = "grpc-status-details-bin"

MAX_MESSAGE_BYTES = 800
"""Longest text of a status: it is sent twice, percent-encoded in the worst case."""

MAX_DETAILS_BYTES = 3_000
"""Longest details of a status; in base64 they take a third more."""

MAX_FIELD_BYTES = 300
MAX_DESCRIPTION_BYTES = 300

CODES: dict[str, grpc.StatusCode] = {code: grpc.StatusCode[code] for code in BY_CODE}


@dataclass(frozen=True, slots=True)
class WireStatus:
    """What a call is aborted with."""

    code: grpc.StatusCode
    message: str
    details: bytes


def wire_status(error: StigmerError) -> WireStatus:
    """The status of an error, small enough for any client."""
    code = CODES[error.code]
    text = _cut(error.message, MAX_MESSAGE_BYTES)
    violations = list(error.violations)
    while True:
        status = status_pb2.Status(code=code.value[0], message=text, details=list(_details(error, violations)))
        data: bytes = status.SerializeToString()
        if len(data) <= MAX_DETAILS_BYTES or not violations:
            return WireStatus(code, text, data)
        violations = violations[: len(violations) // 2]


def _details(error: StigmerError, violations: Sequence[Violation]) -> list[any_pb2.Any]:
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN)
    if error.hint:
        info.metadata["hint"] = _cut(error.hint, MAX_MESSAGE_BYTES)
    if len(violations) < len(error.violations):
        info.metadata["violations"] = str(len(error.violations))
    details = [info]
    if violations:
        details.append(_precondition(error, violations) if error.code == "FAILED_PRECONDITION" else _bad(violations))
    return [_packed(detail) for detail in details]


def _bad(violations: Sequence[Violation]) -> Message:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=_cut(each.field, MAX_FIELD_BYTES), description=_cut(each.description, MAX_DESCRIPTION_BYTES)
            )
            for each in violations
        ]
    )


def _precondition(error: StigmerError, violations: Sequence[Violation]) -> Message:
    """Subjects are `org/Kind/slug:field`, or the field alone where only one resource is meant."""
    return error_details_pb2.PreconditionFailure(
        violations=[
            error_details_pb2.PreconditionFailure.Violation(
                type=error.reason,
                subject=_cut(f"{each.key}:{each.field}" if each.key else each.field, 2 * MAX_FIELD_BYTES),
                description=_cut(each.description, MAX_DESCRIPTION_BYTES),
            )
            for each in violations
        ]
    )


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _cut(text: str, limit: int) -> str:
    data = text.encode()
    return text if len(data) <= limit else data[: limit - 3].decode(errors="ignore") + "..."
