"""Single values of a manifest as JSON Schema: scalars with their constraints, enums, and free-form JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from stigmer.contract.constraints import Constraints, Expression
from stigmer.contract.expressions import ExpressionError, parse
from stigmer.contract.json_rules import Schema, literally, text_rule
from stigmer.contract.scalars import enum_prefix
from stigmer.contract.shapes import LIST_VALUE, STRUCT, FieldShape

SCALAR_TEXT = ["string", "number", "boolean"]
"""What stands for a text where numbers and booleans are taken as they are written."""

_INT32 = (-(2**31), 2**31 - 1)
_UINT32 = (0, 2**32 - 1)
_INT64 = (-(2**63), 2**63 - 1)
_UINT64 = (0, 2**64 - 1)

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: _INT32,
    FieldDescriptor.CPPTYPE_UINT32: _UINT32,
    FieldDescriptor.CPPTYPE_INT64: _INT64,
    FieldDescriptor.CPPTYPE_UINT64: _UINT64,
}

_KEYWORDS = {
    "const": "const",
    "min_len": "minLength",
    "max_len": "maxLength",
    "pattern": "pattern",
    "gte": "minimum",
    "gt": "exclusiveMinimum",
    "lte": "maximum",
    "lt": "exclusiveMaximum",
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique": "uniqueItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
}

_FORMATS = {
    "email": "email",
    "hostname": "hostname",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "uuid": "uuid",
}


def scalar_schema(field: FieldShape, constraints: Constraints) -> Schema:
    """One scalar: the field's value, an item of its list, or a value of its map."""
    kind = field.scalar.cpp_type
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return enum_schema(field.scalar.enum_type)
    if field.scalar.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    schema: Schema = {"type": _type(kind, text_of_scalars=field.rules.scalar_text or field.map)}
    if kind in _INTEGERS:
        schema["minimum"], schema["maximum"] = _INTEGERS[kind]
    rules = keywords(constraints)
    if constraints.lenient and rules:
        zero: Schema = {"maxLength": 0} if kind == FieldDescriptor.CPPTYPE_STRING else {"const": 0}
        return schema | {"anyOf": [rules, zero]}
    return schema | rules


def free_form_schema(field: FieldShape, *, null: bool) -> Schema:
    """Any JSON value (`null` says whether that may be null), any object, or any list."""
    any_value: Schema = {} if null else {"not": {"type": "null"}}
    return {STRUCT: {"type": "object"}, LIST_VALUE: {"type": "array"}}.get(field.nested.full_name, any_value)


def enum_schema(enum: EnumDescriptor) -> Schema:
    """The short names are offered; full names, other cases and numbers are accepted."""
    prefix = enum_prefix(enum)
    short = [name.removeprefix(prefix).lower() for name in enum.values_by_name]
    words = [name for full in enum.values_by_name for name in dict.fromkeys((full.removeprefix(prefix), full))]
    numbers = sorted(enum.values_by_number)
    contiguous = numbers == list(range(numbers[0], numbers[-1] + 1))
    known = {"minimum": numbers[0], "maximum": numbers[-1]} if contiguous else {"enum": numbers}
    return {
        "anyOf": [
            {"type": "string", "enum": short},
            {"type": "string", "pattern": f"^(?:{'|'.join(map(_any_case, words))})$"},
            {"type": "integer", **known},
        ]
    }


def keywords(constraints: Constraints) -> Schema:
    """The constraints that JSON Schema has words for."""
    rules = dict(constraints.rules)
    schema: Schema = {word: rules[name] for name, word in _KEYWORDS.items() if name in rules}
    if "len" in rules:
        schema["minLength"] = schema["maxLength"] = rules["len"]
    schema |= _affixes(rules)
    formats = [_FORMATS[name] for name in _FORMATS if rules.get(name) is True]
    if formats:
        schema["format"] = formats[0]
    if "not_in" in rules:
        schema["not"] = {"enum": list(rules["not_in"])}
    if "in" in rules:
        schema |= _choice(rules["in"])
    for rule in constraints.expressions:
        schema |= _pattern_of(rule, schema)
    return schema


def _choice(values: tuple[Any, ...]) -> Schema:
    """One of some values. The empty text is accepted and not offered: it is another way to leave the field out."""
    offered = [value for value in values if value != ""]
    if len(offered) == len(values):
        return {"enum": offered}
    return {"anyOf": [{"enum": offered}, {"maxLength": 0}]}


def _affixes(rules: Mapping[str, Any]) -> Schema:
    found = [
        pattern.format(literally(rules[name]))
        for name, pattern in (("prefix", "^{}"), ("suffix", "{}$"), ("contains", "{}"))
        if name in rules
    ]
    return {"allOf": [{"pattern": pattern} for pattern in found]} if found else {}


def _pattern_of(rule: Expression, schema: Schema) -> Schema:
    """A rule in CEL about a text, where a pattern says the same."""
    try:
        pattern = text_rule(parse(rule.expression))
    except ExpressionError:
        return {}
    if "pattern" in schema:
        return {}
    return {"pattern": pattern, "patternErrorMessage": rule.message}


def _type(kind: int, *, text_of_scalars: bool) -> str | list[str]:
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return list(SCALAR_TEXT) if text_of_scalars else "string"
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return "boolean"
    return "integer" if kind in _INTEGERS else "number"


def _any_case(word: str) -> str:
    """A pattern of the word in any case, with - for _; patterns here have no flags."""
    return "".join(_letters(char) for char in word)


def _letters(char: str) -> str:
    if char == "_":
        return "[_-]"
    return f"[{char.upper()}{char.lower()}]" if char.isalpha() else char


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if schema == {"not": {"type": "null"}}:
        return {}
    known = schema.get("type", [])
    types = known if isinstance(known, list) else [known]
    if types and not {"enum", "const", "not"} & set(schema):
        return {**schema, "type": [*types, "null"]}
    return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]} if "anyOf" in schema else _or_null(schema)


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
