"""References between resources, found through the fields' options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from stigmer.contract.paths import item_suffix, join, member_suffix
from stigmer.contract.shapes import FieldShape, MessageShape


@dataclass(frozen=True, slots=True)
class ResolvedReference:
    """One reference: the field's path, the kind it names, and the slug. `org` is empty for the resource's own org.
    An optional reference that has no target makes `condition` False."""

    path: str
    kind: str
    org: str
    slug: str
    required: bool
    condition: str


def references(shape: MessageShape, message: Message) -> list[ResolvedReference]:
    return list(_walk(shape, message, "")) if _may_refer(shape) else []


def split_reference(text: str) -> tuple[str, str]:
    """`slug` or `org/slug` -> (org, slug); org is empty when absent."""
    org, _, slug = text.rpartition("/")
    return org, slug


def condition_types(shape: MessageShape) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in reachable(shape):
        for field in part.fields:
            if field.rules.reference.condition:
                found[field.rules.reference.condition] = None
    return tuple(found)


def _walk(shape: MessageShape, message: Any, path: str) -> Iterator[ResolvedReference]:
    for field in referring_fields(shape):
        value = getattr(message, field.name)
        at = join(path, field.key)
        if field.rules.HasField("reference"):
            yield from _named(field, value, at)
        elif field.map:
            for key in sorted(value):
                yield from _walk(field.nested, value[key], join(at, key))
        elif field.repeated:
            for index, item in enumerate(value):
                yield from _walk(field.nested, item, at + item_suffix(field, item, index))
        elif message.HasField(field.name):
            yield from _walk(field.nested, value, at)


def _named(field: FieldShape, value: Any, path: str) -> Iterator[ResolvedReference]:
    rule = field.rules.reference
    texts = (
        [(path, value)]
        if isinstance(value, str)
        else [(path + member_suffix(field, text, index), text) for index, text in enumerate(value)]
    )
    for at, text in texts:
        if text:
            org, slug = split_reference(text)
            yield ResolvedReference(at, rule.kind, org, slug, rule.required, rule.condition)


def referring_fields(shape: MessageShape) -> tuple[FieldShape, ...]:
    """Fields that are references or may hold some further down."""
    known: tuple[FieldShape, ...] | None = shape.__dict__.get("referring")
    if known is None:
        known = tuple(
            field
            for field in shape.content_fields
            if field.rules.HasField("reference")
            or (field.message is not None and not field.free_form and _may_refer(field.message))
        )
        shape.__dict__["referring"] = known
    return known


def _may_refer(shape: MessageShape) -> bool:
    known = shape.__dict__.get("may_refer")
    if known is None:
        known = shape.__dict__["may_refer"] = any(
            field.rules.HasField("reference") for part in reachable(shape) for field in part.content_fields
        )
    return bool(known)


def reachable(shape: MessageShape) -> list[MessageShape]:
    """`shape` and every message type its content may hold, each once."""
    seen: dict[str, MessageShape] = {}
    pending = [shape]
    while pending:
        current = pending.pop()
        if current.full_name in seen:
            continue
        seen[current.full_name] = current
        pending.extend(f.message for f in current.content_fields if f.message is not None and not f.free_form)
    return list(seen.values())
