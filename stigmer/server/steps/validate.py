"""ValidateFieldConstraints: the constraints declared in the contract, and the rules that constraints cannot say.

The only importer of protovalidate. Violations carry paths in the manifest's spelling, so that a client can point at
the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from protovalidate import Validator
from protovalidate import Violation as ProtoViolation

from stigmer.contract import Contract, Kind
from stigmer.contract.paths import join, violation_path
from stigmer.contract.slug import is_slug
from stigmer.contract.unsayable import may_be_unsayable, unsayable
from stigmer.errors import InvalidArgument, Violation
from stigmer.server.batch import Batch, Change

MAX_RESOURCE_BYTES = 2 << 20
"""The largest content of one resource. Every answer that carries one resource stays within the 4 MiB that gRPC clients
receive by default."""


_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


class Validation:
    """The checks of one contract. protovalidate remembers message types by name, so each contract has its own."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._validator = Validator()

    def canonical(self, kind: Kind, message: Any) -> Any:
        """A valid canonical copy of `message`. InvalidArgument with all violations otherwise."""
        copy = self._contract.codec.canonical(kind, message)
        violations = self._resource(kind, copy)
        if violations:
            raise refusal(f"{kind.singular} {copy.metadata.slug}".rstrip(), violations)
        return copy

    def request(self, request: Message) -> None:
        """Check the request around the resource it carries; the resource has its own check. InvalidArgument."""
        violations = [
            Violation(".".join(element.field_name for element in _elements(found)), found.proto.message)
            for found in self._validator.collect_violations(_without_resources(request))
            if found.proto.rule_id != "required"
        ]
        if violations:
            raise refusal("the request", violations)

    def _resource(self, kind: Kind, message: Any) -> list[Violation]:
        violations = [
            Violation(violation_path(kind.shape, message, _elements(found)), found.proto.message)
            for found in self._validator.collect_violations(message)
        ]
        violations += self._contract.check(kind, message)
        metadata = message.metadata
        violations += [
            Violation(join("metadata.labels", key), "must not contain control characters")
            for key, value in metadata.labels.items()
            if _CONTROL_CHARACTER.search(key + value)
        ]
        if not metadata.slug:
            violations.append(Violation("metadata.name", "is missing"))
        elif not is_slug(metadata.slug):
            violations.append(Violation("metadata.slug", "must be of a-z, 0-9 and single hyphens"))
        content = message.SerializeToString()
        if may_be_unsayable(content):
            violations += unsayable(kind.shape, message)
        if len(content) > MAX_RESOURCE_BYTES:
            text = f"the resource has {len(content)} bytes, at most {MAX_RESOURCE_BYTES} are allowed"
            violations.append(Violation("spec", text))
        return violations


def validate_field_constraints(batch: Batch) -> None:
    """Bring every wanted resource into canonical form and check it. Updates that merge are checked once merged."""
    for change in batch.changes:
        if change.error is None and change.wanted is not None and not change.merges:
            try:
                change.wanted = batch.services.validation.canonical(change.kind, change.wanted)
                check_org(change)
            except InvalidArgument as error:
                change.error = error


def _elements(found: ProtoViolation) -> Sequence[Any]:
    """The path of a violation; empty when it concerns the whole message."""
    return found.proto.field.elements if found.proto.field is not None else ()


def check_org(change: Change) -> None:
    if not is_slug(change.org):
        raise refusal(
            f"{change.kind.singular} {change.slug}".rstrip(),
            [Violation("metadata.org", f'"{change.org}" is not an org: use a-z, 0-9 and single hyphens')],
        )


def refusal(subject: str, violations: Sequence[Violation]) -> InvalidArgument:
    """The error for broken rules. Its text names the first, for clients that show only texts."""
    first = violations[0]
    text = f"{subject} is not valid: {first.field}: {first.description}" if first.field else first.description
    if len(violations) > 1:
        text += f" (and {len(violations) - 1} more)"
    return InvalidArgument(text, violations=violations)


def _without_resources(request: Message) -> Message:
    """The scalar fields of a request whose message fields are checked elsewhere."""
    if all(field.type != FieldDescriptor.TYPE_MESSAGE for field in request.DESCRIPTOR.fields):
        return request
    shell = type(request)()
    for field, value in request.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            setattr(shell, field.name, value)
    return shell
