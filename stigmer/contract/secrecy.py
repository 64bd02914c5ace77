"""Which values of a document are secret, also in a document with mistakes: what messages may quote must be told apart
before anything is bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler import MASK
from stigmer.contract.shapes import MessageShape


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
