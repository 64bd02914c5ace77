"""The constraints that fields and messages declare (`buf.validate`), as plain values.

Only the server enforces them, with protovalidate. Here they are read for documentation and for the JSON Schema, from
the full descriptor set in a pool of its own: the generated code carries them as bytes that nothing else needs to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from stigmer.contract.shapes import FieldShape

_EXAMPLE = "example"
_CONTAINERS = frozenset({"repeated", "map"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule in CEL; `message` says to people what it asks for."""

    id: str
    message: str
    expression: str


@dataclass(frozen=True, slots=True)
class Constraints:
    """What one value must meet. `rules` are those of the value's own type by their buf.validate names (`min_len`,
    `pattern`, `in`, `gte`, `max_items`, ...); `items`, `keys` and `values` belong to lists and maps. `lenient`: an
    unset or zero value is never wrong."""

    required: bool = False
    lenient: bool = False
    rules: Mapping[str, Any] = field(default_factory=dict)
    expressions: tuple[Expression, ...] = ()
    examples: tuple[Any, ...] = ()
    items: Constraints | None = None
    keys: Constraints | None = None
    values: Constraints | None = None


NONE = Constraints()


class ConstraintIndex:
    """The constraints of one descriptor set, by full name of field, message and oneof."""

    def __init__(self, files: descriptor_pb2.FileDescriptorSet) -> None:
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        self._fields: dict[str, Constraints] = {}
        self._messages: dict[str, tuple[Expression, ...]] = {}
        self._required_oneofs: set[str] = set()
        reader = _Reader(pool)
        for file in files.file:
            if file.package.startswith("stigmer."):
                for message in file.message_type:
                    self._read(message, f"{file.package}.{message.name}", reader)

    def of_field(self, full_name: str) -> Constraints:
        return self._fields.get(full_name, NONE)

    def of_message(self, full_name: str) -> tuple[Expression, ...]:
        return self._messages.get(full_name, ())

    def is_required_oneof(self, full_name: str) -> bool:
        return full_name in self._required_oneofs

    def _read(self, message: Any, name: str, reader: _Reader) -> None:
        for each in message.field:
            rules = reader.read("Field", "field", each.options)
            if rules is not None:
                self._fields[f"{name}.{each.name}"] = _constraints(rules)
        own = reader.read("Message", "message", message.options)
        if own is not None:
            self._messages[name] = _expressions(own)
        for each in message.oneof_decl:
            rules = reader.read("Oneof", "oneof", each.options)
            if rules is not None and rules.required:
                self._required_oneofs.add(f"{name}.{each.name}")
        for nested in message.nested_type:
            if not nested.options.map_entry:
                self._read(nested, f"{name}.{nested.name}", reader)


class _Reader:
    """Reads buf.validate's options with the message classes of one pool."""

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool

    def read(self, kind: str, extension: str, options: Message) -> Any:
        """The rules in the options of a field, message or oneof; None when there are none."""
        data = options.SerializeToString()
        if not data:
            return None
        descriptor = self._pool.FindMessageTypeByName(f"google.protobuf.{kind}Options")
        known = self._pool.FindExtensionByName(f"buf.validate.{extension}")
        read: Any = message_factory.GetMessageClass(descriptor).FromString(data)
        return read.Extensions[known] if read.HasExtension(known) else None


def needs_value(shape: FieldShape, constraints: Constraints) -> bool:
    """Whether a message without the field breaks its constraints."""
    if constraints.required:
        return True
    if constraints.lenient:
        return False
    if shape.repeated or shape.map:
        return any(constraints.rules.get(name, 0) > 0 for name in ("min_items", "min_pairs"))
    return not shape.optional and not _allows_zero(shape, constraints.rules)


def _allows_zero(shape: FieldShape, rules: Mapping[str, Any]) -> bool:
    """Whether the value that an unset field has meets the rules."""
    import re  # noqa: PLC0415 -- most fields have no pattern, and most commands ask for no constraint

    text = shape.scalar.cpp_type == FieldDescriptor.CPPTYPE_STRING
    zero: Any = "" if text else 0
    if "const" in rules and rules["const"] != zero:
        return False
    if ("in" in rules and zero not in rules["in"]) or zero in rules.get("not_in", ()):
        return False
    if text:
        shortest = max(rules.get(name, 0) for name in ("min_len", "min_bytes", "len"))
        return shortest == 0 and ("pattern" not in rules or re.search(rules["pattern"], "") is not None)
    return bool(rules.get("gte", 0) <= 0 <= rules.get("lte", 0) and rules.get("gt", -1) < 0 < rules.get("lt", 1))


def _constraints(rules: Any) -> Constraints:
    which = rules.WhichOneof("type")
    typed = getattr(rules, which) if which else None
    values = {name.name: _plain(value) for name, value in typed.ListFields()} if typed is not None else {}
    examples = values.pop(_EXAMPLE, ())
    nested = {name: values.pop(name, None) for name in ("items", "keys", "values")}
    inner = {name: _constraints(getattr(typed, name)) for name, value in nested.items() if value is not None}
    return Constraints(
        required=rules.required,
        lenient=bool(rules.ignore),
        rules=values,
        expressions=_expressions(rules),
        examples=tuple(examples),
        **inner,
    )


def _expressions(rules: Any) -> tuple[Expression, ...]:
    return tuple(Expression(rule.id, rule.message, rule.expression) for rule in rules.cel)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, bytes, Message)) else tuple(value)
