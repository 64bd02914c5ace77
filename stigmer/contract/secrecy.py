"""Which values are secret: those of a document, also of one with mistakes, as what messages may quote must be told
apart before anything is bound; and those that a resource holds, which never leave in plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler import MASK
from stigmer.contract.paths import item_suffix, join
from stigmer.contract.shapes import FieldShape, MessageShape


@dataclass(frozen=True, slots=True)
class SecretFields:
    """Field names by every spelling: `always` hold secrets; `when` maps a field to the flags that make it one."""

    always: frozenset[str]
    when: Mapping[str, frozenset[str]]


def secret_fields(shapes: list[MessageShape]) -> SecretFields:
    """The secret fields of all message types that the given ones may hold."""
    always: set[str] = set()
    when: dict[str, frozenset[str]] = {}
    parts = {part.full_name: part for root in shapes for part in root.reachable}
    for shape in parts.values():
        for field in shape.fields:
            if field.rules.secret:
                always |= {field.name, field.key}
            if field.rules.secret_when:
                flag = shape.by_name[field.rules.secret_when]
                for name in (field.name, field.key):
                    when[name] = when.get(name, frozenset()) | {flag.name, flag.key}
    return SecretFields(frozenset(always), when)


def secret_texts(fields: SecretFields, document: Any) -> set[str]:
    """Every line of every secret value of a document, as text."""
    return {line.strip() for text in _secrets(fields, document) for line in text.splitlines() if line.strip()}


def masked(text: str, secrets: set[str]) -> str:
    """`text` with every secret replaced, longer ones first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def held_secrets(shape: MessageShape, message: Any, path: str = "") -> Iterator[str]:
    """The field paths of the secret values that a message holds, whatever they are: a masked one counts too."""
    for field in shape.leading_to(_may_be_secret):
        at = join(path, field.key)
        if _may_be_secret(field):
            if _is_given(field, message) and (field.rules.secret or getattr(message, field.rules.secret_when)):
                yield at
        elif field.map:
            values = getattr(message, field.name)
            for key in sorted(values):
                yield from held_secrets(field.nested, values[key], join(at, key))
        elif field.repeated:
            for index, item in enumerate(getattr(message, field.name)):
                yield from held_secrets(field.nested, item, at + item_suffix(field, item, index))
        elif message.HasField(field.name):
            yield from held_secrets(field.nested, getattr(message, field.name), at)


def _may_be_secret(field: FieldShape) -> bool:
    return bool(field.rules.secret or field.rules.secret_when)


def _is_given(field: FieldShape, message: Any) -> bool:
    return bool(message.HasField(field.name) if field.optional else getattr(message, field.name))


def _secrets(fields: SecretFields, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            flags = fields.when.get(name, ())
            if name in fields.always or any(value.get(flag) not in (None, False) for flag in flags):
                yield from _texts(item)
            else:
                yield from _secrets(fields, item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(fields, item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
