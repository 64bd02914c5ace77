"""Messages -> plain values: the canonical body that the reconciler compares, and the manifest that people read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from stigmer.contract.freeform import MAX_EXACT_INTEGER
from stigmer.contract.shapes import STRUCT, VALUE, FieldShape, MessageShape

_TIMESTAMP = "google.protobuf.Timestamp"

Convert = Callable[[Any], Any]


def to_body(shape: MessageShape, message: Message) -> dict[str, Any]:
    """Only set fields, lowerCamel keys, in field order; shorthands written out, entries as {NAME: value}."""
    body: dict[str, Any] = _message(shape, message, shorthand=False)
    return body


def to_manifest(shape: MessageShape, message: Message) -> Any:
    """As `to_body`, with shorthands where they say the same."""
    return _message(shape, message, shorthand=True)


def _message(shape: MessageShape, message: Any, *, shorthand: bool) -> Any:
    if shape.full_name == _TIMESTAMP:
        return message.ToJsonString()
    by_number = _converters(shape, shorthand=shorthand)
    out = {}
    for descriptor, value in message.ListFields():
        key, convert = by_number[descriptor.number]
        out[key] = convert(value) if convert is not None else value
    if shape.entry_key:
        value_key = shape.by_name[shape.entry_value].key
        return {getattr(message, shape.entry_key): out.get(value_key, {})}
    if shorthand and shape.shorthand and len(out) == 1:
        (key,) = out
        if key == shape.by_name[shape.shorthand].key:
            return out[key]
    return out


def _converters(shape: MessageShape, *, shorthand: bool) -> dict[int, tuple[str, Convert | None]]:
    name = "short_converters" if shorthand else "long_converters"
    known: dict[int, tuple[str, Convert | None]] | None = shape.__dict__.get(name)
    if known is None:
        known = {field.number: (field.key, _converter(field, shorthand=shorthand)) for field in shape.fields}
        shape.__dict__[name] = known
    return known


def _converter(field: FieldShape, *, shorthand: bool) -> Convert | None:
    """How the values of one field are converted; None where they are plain already."""
    single = _single(field, shorthand=shorthand)
    if field.map:
        if single is None:
            return lambda values: {key: values[key] for key in sorted(values)}
        return lambda values: {key: single(values[key]) for key in sorted(values)}
    if field.repeated:
        return list if single is None else lambda values: [single(item) for item in values]
    return single


def _single(field: FieldShape, *, shorthand: bool) -> Convert | None:
    nested = field.message
    if nested is not None:
        if nested.full_name == VALUE:
            return free_form_value
        if nested.full_name == STRUCT:
            return free_form_struct
        return lambda value: _message(nested, value, shorthand=shorthand)
    if field.scalar.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: base64.b64encode(value).decode()
    if field.scalar.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        names = field.scalar.enum_type.values_by_number
        return lambda value: names[value].name if value in names else value
    return None


def free_form_struct(message: Any) -> dict[str, Any]:
    fields = message.fields
    return {key: free_form_value(fields[key]) for key in sorted(fields)}


def free_form_value(message: Any) -> Any:
    """A google.protobuf.Value as plain JSON; whole numbers as integers where a manifest may say them so."""
    kind = message.WhichOneof("kind")
    if kind == "string_value":
        return message.string_value
    if kind == "number_value":
        return _number(message.number_value)
    if kind == "bool_value":
        return message.bool_value
    if kind == "struct_value":
        return free_form_struct(message.struct_value)
    if kind == "list_value":
        return [free_form_value(item) for item in message.list_value.values]
    return None


def _number(number: float) -> int | float:
    """An integer, unless binding would refuse it as inexact, or it is the zero with a sign."""
    if not number.is_integer() or abs(number) > MAX_EXACT_INTEGER or str(number) == "-0.0":
        return number
    return int(number)
