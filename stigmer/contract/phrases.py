"""How documentation words what descriptors say of a field: its type, its constraints, its other spellings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from stigmer.contract.constraints import Constraints
from stigmer.contract.scalars import enum_prefix
from stigmer.contract.shapes import LIST_VALUE, STRUCT, VALUE, FieldShape, MessageShape, lower_camel

TIMESTAMP = "google.protobuf.Timestamp"

_WELL_KNOWN = {VALUE: "any", STRUCT: "object", LIST_VALUE: "[]any", TIMESTAMP: "timestamp"}

_SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_ENUM: "string",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
}
"""Names of the scalar types in JSON; the others are integers."""


def value_shape(field: FieldShape) -> MessageShape | None:
    """The shape whose fields are written below the field: of an entry {NAME: value} that of the value. None where
    values have no fields."""
    if not field.holds_messages or field.nested.full_name == TIMESTAMP:
        return None
    shape = field.nested
    return shape.by_name[shape.entry_value].message if shape.entry_key else shape


def type_text(field: FieldShape) -> str:
    """`string`, `[]string`, `map[string]VariableDeclaration`, `any`."""
    single = single_type_text(field)
    if field.map:
        return f"map[string]{single}"
    return f"[]{single}" if field.repeated else single


def single_type_text(field: FieldShape) -> str:
    """The type of one item of a list, one value of a map, or the value itself."""
    if field.message is None:
        return _SCALARS.get(field.scalar.cpp_type, "integer")
    known = _WELL_KNOWN.get(field.message.full_name)
    if known:
        return known
    shape = value_shape(field)
    name = shape.descriptor.name if shape is not None else "object"
    return f"map[string]{name}" if field.message.entry_key else name


def enum_words(field: FieldShape) -> dict[str, str]:
    """The short names of an enum field's values as manifests write them -> the full names of the values, as comments
    are found by. Empty for other fields."""
    enum = field.scalar.enum_type
    if enum is None:
        return {}
    prefix = enum_prefix(enum)
    return {value.name.removeprefix(prefix).lower(): f"{enum.full_name}.{value.name}" for value in enum.values}


def constraint_phrases(constraints: Constraints) -> Iterator[str]:
    """What a value must meet, each constraint in a few words."""
    yield from _rule_phrases(constraints.rules)
    for rule in constraints.expressions:
        yield rule.message or rule.expression
    for name, inner in (("item", constraints.items), ("key", constraints.keys), ("value", constraints.values)):
        if inner is not None:
            yield from (f"each {name}: {phrase}" for phrase in constraint_phrases(inner))


def shorthand_phrases(field: FieldShape) -> Iterator[str]:
    """The other spellings that a manifest may use for the field's value."""
    rules = field.rules
    if field.message is not None:
        yield from _message_shorthands(field.message, "each value" if field.map or field.repeated else "the value")
    if rules.list_of_keys:
        yield "a list of names stands for a map of empty values"
    if rules.file_source:
        yield "{file: PATH} stands for the content of a file beneath the manifest's folder"
    if rules.HasField("fold"):
        yield _fold_phrase(rules.fold)
    if rules.scalar_text or (field.map and field.scalar.cpp_type == FieldDescriptor.CPPTYPE_STRING):
        yield "numbers and booleans are taken as text, as they are written"


def _message_shorthands(shape: MessageShape, what: str) -> Iterator[str]:
    if shape.entry_key:
        value = shape.by_name[shape.entry_value].nested
        yield f"{what} is a map with one entry, {{NAME: {value.descriptor.name}}}"
    if shape.shorthand:
        target = shape.by_name[shape.shorthand]
        yield f"{what} may be a plain {single_type_text(target)}, which stands for {{{target.key}: ...}}"


def _fold_phrase(fold: Any) -> str:
    parts = [part for part in (fold.value_field, fold.true_field) if part]
    written = ", ".join(f"{lower_camel(part)}: {'true' if part == fold.true_field else 'X'}" for part in parts)
    return f"{{NAME: X}} stands for {lower_camel(fold.into)}: {{NAME: {{{written}}}}}"


_COUNTS = {
    "gte": "at least {}",
    "gt": "more than {}",
    "lte": "at most {}",
    "lt": "less than {}",
    "len": "exactly {} characters",
    "min_len": "at least {} characters",
    "max_len": "at most {} characters",
    "min_bytes": "at least {} bytes",
    "max_bytes": "at most {} bytes",
    "min_items": "at least {} items",
    "max_items": "at most {} items",
    "min_pairs": "at least {} entries",
    "max_pairs": "at most {} entries",
}
"""Constraints that are one number, in the order in which they are named."""


def _rule_phrases(rules: Mapping[str, Any]) -> Iterator[str]:
    order = list(_COUNTS)
    for name, value in sorted(rules.items(), key=lambda rule: order.index(rule[0]) if rule[0] in _COUNTS else -1):
        if name in {"min_len", "min_items", "min_pairs"} and value == 1:
            yield "not empty"
        elif name in _COUNTS:
            yield _COUNTS[name].format(f"{value:,}")
        elif name == "pattern":
            yield f"matches {value}"
        elif name == "in":
            yield "one of " + ", ".join(_shown(item) for item in value)
        elif name == "not_in":
            yield "none of " + ", ".join(_shown(item) for item in value)
        elif name == "const":
            yield f"always {_shown(value)}"
        elif value is True:
            yield name.replace("_", " ")
        else:
            yield f"{name.replace('_', ' ')} {_shown(value)}"


def _shown(value: Any) -> str:
    return '""' if value == "" else str(value)
