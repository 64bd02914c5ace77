"""YAML values -> google.protobuf Value, Struct and ListValue: the parts of a manifest that may hold any JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from stigmer.contract.context import Context, Path, describe
from stigmer.contract.shapes import STRUCT, VALUE, MessageShape

MAX_EXACT_INTEGER = 2**53
"""Free-form JSON values hold numbers as doubles: larger integers would change silently."""


def bind_free_form(shape: MessageShape, value: Any, path: Path, context: Context) -> Message | None:
    """A JSON value as google.protobuf Value, Struct or ListValue."""
    if shape.full_name == STRUCT and not isinstance(value, Mapping):
        context.error(path, f"expected a map, got {describe(value)}")
        return None
    message = shape.message_class()
    if shape.full_name == VALUE:
        _fill_value(message, value, path, context)
    else:
        _fill_struct(message, value, path, context)
    return message


def _fill_struct(message: Any, value: Mapping[str, Any], path: Path, context: Context) -> None:
    for key, item in value.items():
        _fill_value(message.fields[key], item, (*path, key), context)


def _fill_value(message: Any, value: Any, path: Path, context: Context) -> None:
    if value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, int):
        if abs(value) > MAX_EXACT_INTEGER:
            context.error(path, f"{value} is too large for a JSON number", "quote it")
        message.number_value = value
    elif isinstance(value, float):
        message.number_value = value
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value, path, context)
    else:
        message.list_value.SetInParent()
        for index, item in enumerate(value):
            _fill_value(message.list_value.values.add(), item, (*path, index), context)
