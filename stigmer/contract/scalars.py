"""YAML scalars -> protobuf scalars."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from stigmer.contract.context import Context, Path, describe
from stigmer.contract.shapes import FieldShape
from stigmer.contract.suggest import did_you_mean

_INT32 = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32}
_INT = _INT32 | {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_UNSIGNED = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
_FLOAT = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}


NUL_REFUSED = "a NUL character (U+0000) is not allowed"


def scalar_text(value: bool | float, path: Path, context: Context) -> str:
    """A number or boolean as it is spelled in the document."""
    spelled = context.spellings.get(path)
    if spelled is not None:
        return str(spelled)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def bind_scalar(shape: FieldShape, value: Any, path: Path, context: Context) -> Any:
    kind = shape.scalar.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return _string(shape, value, path, context)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return _bool(value, path, context)
    if kind in _INT:
        return _integer(shape, value, path, context)
    if kind in _FLOAT:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        context.error(path, f"expected a number, got {describe(value)}")
        return None
    return _enum(shape.scalar.enum_type, value, path, context)


def _string(shape: FieldShape, value: Any, path: Path, context: Context) -> Any:
    if shape.scalar.type == FieldDescriptor.TYPE_BYTES:
        try:
            return base64.b64decode("".join(value.split()), validate=True)  # it may be broken into lines
        except (AttributeError, TypeError, ValueError, binascii.Error):
            context.error(path, "expected base64 text")
            return None
    if isinstance(value, str):
        if "\0" in value:
            context.error(path, NUL_REFUSED)
        return value
    if isinstance(value, (bool, int, float)):
        text = scalar_text(value, path, context)
        if shape.rules.scalar_text:
            return text
        context.error(path, f"expected a string, got {describe(value)}", f'quote it: "{text}"')
        return None
    context.error(path, f"expected a string, got {describe(value)}")
    return None


_BOOLEAN_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _bool(value: Any, path: Path, context: Context) -> bool | None:
    if isinstance(value, bool):
        return value
    hint = ""
    if isinstance(value, str):
        meant = _BOOLEAN_WORDS.get(value.lower(), value.lower())
        hint = f"did you mean {meant}?" if meant in {"true", "false"} else ""
    context.error(path, f"expected true or false, got {describe(value)}", hint)
    return None


def _integer(shape: FieldShape, value: Any, path: Path, context: Context) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        context.error(path, f"expected an integer, got {describe(value)}")
        return None
    bits = 32 if shape.scalar.cpp_type in _INT32 else 64
    low, high = (0, 2**bits) if shape.scalar.cpp_type in _UNSIGNED else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    if not low <= value < high:
        context.error(path, f"{value} is not between {low} and {high - 1}")
        return None
    return value


def _enum(enum: EnumDescriptor, value: Any, path: Path, context: Context) -> int | None:
    """Full name, short name in any case, or number."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value in enum.values_by_number:
            return value
    elif isinstance(value, str):
        wanted = value.upper().replace("-", "_")
        for name, known in enum.values_by_name.items():
            if wanted in {name, name.removeprefix(enum_prefix(enum))}:
                return int(known.number)
    names = [name.removeprefix(enum_prefix(enum)).lower() for name in enum.values_by_name]
    context.error(path, f"{describe(value)} is not one of {', '.join(names)}", did_you_mean(str(value).lower(), names))
    return None


def enum_prefix(enum: EnumDescriptor) -> str:
    """The part that all value names share with the enum's own name: ListType -> LIST_TYPE_."""
    letters = [f"_{char}" if char.isupper() and index else char for index, char in enumerate(enum.name)]
    return "".join(letters).upper() + "_"
