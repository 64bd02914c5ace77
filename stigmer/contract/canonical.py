"""The one canonical form of a resource, its bytes and its digests.

Canonical is: only what a manifest may contain, second spellings folded into the first, members of set-lists sorted and
unique, no field that is null. Both sides of a comparison pass through here, so that nothing but a real difference shows
as one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from stigmer.backend.v1 import options_pb2
from stigmer.contract.paths import join
from stigmer.contract.shapes import VALUE, FieldShape, MessageShape
from stigmer.errors import Violation


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 of the resource (kind, slug, name, labels, annotations, tags, protect, spec) and of its spec alone."""

    resource: bytes
    spec: bytes


def normalise(shape: MessageShape, message: Any, path: str = "") -> list[Violation]:
    """Fold, sort and drop in place, below `message`; what is given in both spellings is a violation."""
    violations: list[Violation] = []
    for field in shape.leading_to(_is_fixed):
        at = join(path, field.key)
        if field.rules.HasField("fold"):
            violations += _fold(field, message, at)
        elif field.rules.list_type == options_pb2.LIST_TYPE_SET and field.message is None:
            _sort_set(message, field.name)
        elif _is_any_value(field):
            _drop_null(message, field.name)
        elif field.message is not None:
            violations += _below(field, field.message, message, at)
    return violations


def _below(field: FieldShape, shape: MessageShape, message: Any, path: str) -> list[Violation]:
    """The same for the messages that one field holds."""
    violations: list[Violation] = []
    value = getattr(message, field.name)
    if field.map:
        for key in value:
            violations += normalise(shape, value[key], join(path, key))
    elif field.repeated:
        for index, item in enumerate(value):
            violations += normalise(shape, item, f"{path}[{index}]")
    elif message.HasField(field.name):
        violations += normalise(shape, value, path)
    return violations


def strip_server_fields(shape: MessageShape, message: Any) -> None:
    """Drop api_version, kind, status and server-set metadata in place: the registry knows them or the server sets
    them."""
    for name in ("api_version", "kind"):
        if name in shape.by_name:
            message.ClearField(name)
    for field in shape.fields:
        if field.rules.output_only:
            message.ClearField(field.name)
    metadata = shape.by_name["metadata"].message
    if metadata is not None and message.HasField("metadata"):
        for field in metadata.fields:
            if field.rules.output_only:
                message.metadata.ClearField(field.name)


def content_bytes(message: Message) -> bytes:
    """Canonical bytes of a canonical message: equal messages give equal bytes."""
    content: bytes = message.SerializeToString(deterministic=True)
    return content


def digests(kind: str, message: Any) -> Digests:
    """Digests of a canonical message whose metadata.org is cleared; an org is never part of a digest."""
    return Digests(
        resource=resource_digest(kind, content_bytes(message)),
        spec=hashlib.sha256(content_bytes(message.spec)).digest(),
    )


def resource_digest(kind: str, content: bytes) -> bytes:
    """The resource digest from canonical bytes."""
    return hashlib.sha256(kind.encode() + b"\0" + content).digest()


def _is_fixed(field: FieldShape) -> bool:
    """Whether a field itself is folded, sorted or dropped."""
    if field.rules.HasField("fold") or field.rules.list_type == options_pb2.LIST_TYPE_SET:
        return True
    return _is_any_value(field)


def _is_any_value(field: FieldShape) -> bool:
    """Whether a field holds one JSON value: of a map or a list of them, null is a member like any other."""
    single = not field.map and not field.repeated
    return single and field.message is not None and field.message.full_name == VALUE


def _drop_null(message: Any, name: str) -> None:
    """In a manifest, null means that a field is absent."""
    if message.HasField(name) and getattr(message, name).WhichOneof("kind") in (None, "null_value"):
        message.ClearField(name)


def _sort_set(message: Any, name: str) -> None:
    members = getattr(message, name)
    if len(members) > 1:
        ordered = sorted(set(members))
        if ordered != list(members):
            del members[:]
            members.extend(ordered)


def _fold(field: FieldShape, message: Any, path: str) -> list[Violation]:
    values = getattr(message, field.name)
    if not values:
        return []
    rule = field.rules.fold
    target = getattr(message, rule.into)
    violations = []
    for key in sorted(values):
        if key in target:
            violations.append(Violation(join(path, key), f'"{key}" is also given in {rule.into}'))
            continue
        setattr(target[key], rule.value_field, values[key])
        if rule.true_field:
            setattr(target[key], rule.true_field, True)
    message.ClearField(field.name)
    return violations
