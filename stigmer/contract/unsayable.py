"""What a message can hold and no manifest can say: NUL characters, numbers that are not finite, values of no kind.

Documents with them are refused when they are read; clients that send messages of their own could store them all the
same, and an export would then write what no import takes. Every change passes here, so the bytes are looked at first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from stigmer.contract.paths import item_suffix, join, member_suffix
from stigmer.contract.shapes import FREE_FORM, LIST_VALUE, STRUCT, FieldShape, MessageShape
from stigmer.errors import Violation

NUL = "must not contain NUL characters"
NOT_FINITE = "must be a finite number"
NO_KIND = "must be a JSON value; null is one too"


def may_be_unsayable(content: bytes) -> bool:
    """Whether a message with these bytes needs the closer look. NUL and a value of no kind have a byte 00; a double
    that is not finite ends in 7f or ff. Few texts have one of them, most numbers do."""
    return b"\0" in content or b"\x7f" in content or b"\xff" in content


def unsayable(shape: MessageShape, message: Any, path: str = "") -> Iterator[Violation]:
    """A violation for each such value below `message`, whose path is `path`, in the manifest's spelling."""
    for descriptor, value in message.ListFields():
        field = shape.by_name[descriptor.name]
        name = getattr(message, shape.entry_key) if shape.entry_value == field.name else field.key
        yield from _field(field, value, join(path, name))


def _field(field: FieldShape, value: Any, path: str) -> Iterator[Violation]:
    if field.map:
        for key in sorted(value):
            yield from _member(field, key, value[key], join(path, str(key)))
    elif field.repeated:
        for index, item in enumerate(value):
            suffix = member_suffix(field, item, index) if isinstance(item, str) else item_suffix(field, item, index)
            yield from _value(field.message, item, path + suffix)
    else:
        yield from _value(field.message, value, path)


def _member(field: FieldShape, key: Any, value: Any, path: str) -> Iterator[Violation]:
    if isinstance(key, str) and "\0" in key:
        yield Violation(path, NUL)
    yield from _value(field.message, value, path)


def _value(shape: MessageShape | None, value: Any, path: str) -> Iterator[Violation]:
    if isinstance(value, str):
        if "\0" in value:
            yield Violation(path, NUL)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Violation(path, NOT_FINITE)
    elif shape is not None:
        yield from (_json(value, path) if shape.full_name in FREE_FORM else unsayable(shape, value, path))


def _json(message: Any, path: str) -> Iterator[Violation]:
    """The same for a google.protobuf Value, Struct or ListValue."""
    name = message.DESCRIPTOR.full_name
    if name == STRUCT:
        for key in sorted(message.fields):
            if "\0" in key:
                yield Violation(join(path, key), NUL)
            yield from _json(message.fields[key], join(path, key))
    elif name == LIST_VALUE:
        for index, item in enumerate(message.values):
            yield from _json(item, f"{path}[{index}]")
    elif (kind := message.WhichOneof("kind")) is None:
        yield Violation(path, NO_KIND)
    elif kind in {"struct_value", "list_value"}:
        yield from _json(getattr(message, kind), path)
    else:
        yield from _value(None, getattr(message, kind), path)
