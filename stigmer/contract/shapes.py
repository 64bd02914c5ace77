"""What codec and checks need of a message type, read from its descriptor once: names, types and field rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from stigmer.backend.v1 import options_pb2

VALUE = "google.protobuf.Value"
STRUCT = "google.protobuf.Struct"
LIST_VALUE = "google.protobuf.ListValue"
FREE_FORM = frozenset({VALUE, STRUCT, LIST_VALUE})
"""Message types that hold any JSON value."""


def lower_camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def field_rules(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[options_pb2.rules]


@dataclass(frozen=True)
class FieldShape:
    """One field. `message` is the shape of its message type (for a map: of its values), None for scalars."""

    name: str
    key: str
    number: int
    descriptor: FieldDescriptor
    rules: Any
    repeated: bool
    map: bool
    optional: bool
    oneof: str
    scalar: FieldDescriptor
    message: MessageShape | None

    @property
    def nested(self) -> MessageShape:
        """The shape of the values' message type. TypeError for scalars."""
        if self.message is None:
            raise TypeError(f"{self.name} holds no messages")
        return self.message

    @property
    def holds_messages(self) -> bool:
        """Whether values are messages with fields of their own, and not any JSON."""
        return self.message is not None and not self.free_form

    @property
    def free_form(self) -> bool:
        return self.message is not None and self.message.full_name in FREE_FORM


def is_second_spelling(field: FieldShape) -> bool:
    """Whether the field only says in other words what another one says: it is in no message that was bound."""
    return bool(field.rules.HasField("fold") or field.rules.HasField("artifact_source"))


class MessageShape:
    """One message type; fields are resolved on first use, so that recursive types work."""

    def __init__(self, descriptor: Descriptor, shapes: Shapes) -> None:
        self.descriptor = descriptor
        self.full_name: str = descriptor.full_name
        self._shapes = shapes
        form = descriptor.GetOptions().Extensions[options_pb2.form]
        self.shorthand: str = form.shorthand
        self.entry_key: str = form.entry_key
        self.entry_value: str = form.entry_value
        self._leading: dict[Callable[[FieldShape], bool], tuple[FieldShape, ...]] = {}

    @cached_property
    def message_class(self) -> type[Message]:
        message_class: type[Message] = message_factory.GetMessageClass(self.descriptor)
        return message_class

    @cached_property
    def fields(self) -> tuple[FieldShape, ...]:
        return tuple(self._field(field) for field in self.descriptor.fields)

    @cached_property
    def by_name(self) -> Mapping[str, FieldShape]:
        return {field.name: field for field in self.fields}

    @cached_property
    def by_key(self) -> Mapping[str, FieldShape]:
        """Fields by every spelling that YAML may use: lowerCamel and snake_case."""
        return {spelling: field for field in self.fields for spelling in (field.name, field.key)}

    @cached_property
    def content_fields(self) -> tuple[FieldShape, ...]:
        """Fields that a manifest may contain and that mean something: not output-only, not a second spelling."""
        return tuple(f for f in self.fields if not (f.rules.output_only or is_second_spelling(f)))

    @cached_property
    def artifact_sources(self) -> tuple[FieldShape, ...]:
        """Fields that spell an artifact by its files."""
        return tuple(f for f in self.fields if f.rules.HasField("artifact_source"))

    @cached_property
    def reachable(self) -> tuple[MessageShape, ...]:
        """This type and every message type that its content may hold, each once; recursive types end."""
        seen: dict[str, MessageShape] = {}
        pending = [self]
        while pending:
            current = pending.pop()
            if current.full_name not in seen:
                seen[current.full_name] = current
                pending.extend(field.nested for field in current.content_fields if field.holds_messages)
        return tuple(seen.values())

    def leading_to(self, wanted: Callable[[FieldShape], bool]) -> tuple[FieldShape, ...]:
        """The fields that `wanted` picks or that may hold such a field further down: what a walk has to visit.

        Remembered per function, so `wanted` must be one of a module and depend on nothing but the field.
        """
        known = self._leading.get(wanted)
        if known is None:
            known = self._leading[wanted] = tuple(field for field in self.fields if self._leads(field, wanted))
        return known

    def _leads(self, field: FieldShape, wanted: Callable[[FieldShape], bool]) -> bool:
        if field.rules.output_only:
            return False
        if wanted(field):
            return True
        below = field.nested.reachable if field.holds_messages else ()
        return any(wanted(other) for part in below for other in part.fields if not other.rules.output_only)

    def _field(self, field: FieldDescriptor) -> FieldShape:
        is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
        scalar = field.message_type.fields_by_name["value"] if is_map else field
        oneof = field.containing_oneof
        real_oneof = oneof.name if oneof is not None and not oneof.name.startswith("_") else ""
        return FieldShape(
            name=field.name,
            key=lower_camel(field.name),
            number=field.number,
            descriptor=field,
            rules=field_rules(field),
            repeated=field.is_repeated and not is_map,
            map=is_map,
            optional=field.has_presence,
            oneof=real_oneof,
            scalar=scalar,
            message=self._shapes.of(scalar.message_type) if scalar.message_type else None,
        )


class Shapes:
    """All message shapes of one descriptor pool."""

    def __init__(self) -> None:
        self._known: dict[str, MessageShape] = {}

    def of(self, descriptor: Descriptor) -> MessageShape:
        known = self._known.get(descriptor.full_name)
        if known is None:
            known = self._known[descriptor.full_name] = MessageShape(descriptor, self)
        return known
