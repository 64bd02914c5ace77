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
    return list(_walk(shape, message, ""))


def split_reference(text: str) -> tuple[str, str]:
    """`slug` or `org/slug` -> (org, slug); org is empty when absent."""
    org, _, slug = text.rpartition("/")
    return org, slug


def condition_types(shape: MessageShape) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in shape.reachable:
        for field in part.fields:
            if field.rules.reference.condition:
                found[field.rules.reference.condition] = None
    return tuple(found)


def target_kinds(shape: MessageShape) -> frozenset[str]:
    """The kinds that resources of this shape may refer to."""
    fields = (field for part in shape.reachable for field in part.content_fields)
    return frozenset(field.rules.reference.kind for field in fields if is_reference(field))


def _walk(shape: MessageShape, message: Any, path: str) -> Iterator[ResolvedReference]:
    for field in shape.leading_to(is_reference):
        value = getattr(message, field.name)
        at = join(path, field.key)
        if is_reference(field):
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


def is_reference(field: FieldShape) -> bool:
    return bool(field.rules.HasField("reference"))
