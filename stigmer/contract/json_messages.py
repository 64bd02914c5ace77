"""Message types as JSON Schema: which fields an object of a manifest may have, in all the spellings the loader takes.

Fields stand under `properties` in lowerCamel; snake_case is accepted by `patternProperties`, which no editor offers.
Types are definitions, so that recursive ones end. Null stands for an absent field, and for an empty value of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stigmer.contract.constraints import NONE, Constraints, needs_value
from stigmer.contract.explain import Explainer, FieldEntry
from stigmer.contract.expressions import ExpressionError, Node, parse
from stigmer.contract.json_notes import notes
from stigmer.contract.json_rules import Schema, holds_of, object_rule, one_of, present, refused_unless
from stigmer.contract.json_values import free_form_schema, keywords, nullable, scalar_schema
from stigmer.contract.shapes import FieldShape, MessageShape
from stigmer.contract.spellings import stand_ins

READ_ONLY: Schema = {"readOnly": True, "doNotSuggest": True}
"""What the server sets: accepted whatever it is, and not offered."""

_FILE: Schema = {
    "title": "File",
    "type": "object",
    "properties": {"file": {"type": "string", "description": "A file beneath the manifest's folder."}},
    "required": ["file"],
    "additionalProperties": False,
}

_ONLY_FOR_SCALARS = frozenset({"type", "minLength", "maxLength", "pattern", "format", "minimum", "maximum"})
"""Keywords that say nothing of objects. A shorthand of only these and the object are one schema of several types, about
which editors have more to say than about a choice of schemas."""


class MessageSchemas:
    """The schemas of one contract's message types; `definitions` fills up with those that were asked for."""

    def __init__(self, explainer: Explainer) -> None:
        self.definitions: dict[str, Schema] = {}
        self._explainer = explainer
        self._constraints = explainer.constraints

    def reference(self, shape: MessageShape, *, null: bool) -> Schema:
        """A value of a type in any of its forms; `null` says whether null will do too."""
        name = _name(shape, null=null)
        if name not in self.definitions:
            self.definitions[name] = {}
            written = self._message(shape, name)
            self.definitions[name] = nullable(written) if null else written
        return {"$ref": f"#/$defs/{name}"}

    def empty_is_refused(self, shape: MessageShape) -> bool:
        """Whether a message without any field breaks its constraints."""
        if any(self._needed(field) for field in shape.content_fields):
            return True
        oneofs = {field.descriptor.containing_oneof.full_name for field in shape.fields if field.oneof}
        if any(self._constraints.is_required_oneof(name) for name in oneofs):
            return True
        return self._rules_refuse_empty(shape)

    def _message(self, shape: MessageShape, name: str) -> Schema:
        """An object of the fields, an entry {NAME: value}, or the shorthand; to be defined under `name`."""
        if shape.entry_key:
            return self._entry(shape)
        short = self._shorthand(shape)
        place = f"#/$defs/{name}"
        if short is None:
            return self._object(shape, place)
        if not _ONLY_FOR_SCALARS.issuperset(short):
            written = self._object(shape, f"{place}/anyOf/1")
            return {"title": written.pop("title"), "anyOf": [short, written]}
        scalars = short["type"]
        types = ["object", *(scalars if isinstance(scalars, list) else [scalars])]
        return self._object(shape, place) | short | {"type": types}

    def _object(self, shape: MessageShape, place: str) -> Schema:
        """An object of the fields; `place` is where it will stand."""
        entries = {entry.name: entry for entry in self._explainer.members(shape)}
        properties = {field.key: self._property(field, entries[field.key]) for field in shape.fields}
        schema: Schema = {"title": shape.descriptor.name, "type": "object", "properties": properties}
        second = [field for field in shape.fields if field.name != field.key]
        if second:
            other = {f"^{each.name}$": {"$ref": f"{place}/properties/{each.key}"} for each in second}
            schema["patternProperties"] = other
        schema["additionalProperties"] = False
        needed = [field for field in shape.fields if self._needed(field)]
        instead = stand_ins(shape)
        plain = [field.key for field in needed if field.key == field.name and field.name not in instead]
        if plain:
            schema["required"] = plain
        rules = [*_required_unless(needed, instead), *self._rules(shape)]
        if rules:
            schema["allOf"] = rules
        return schema

    def _property(self, field: FieldShape, entry: FieldEntry) -> Schema:
        if field.rules.output_only:
            return notes(entry) | READ_ONLY
        needed = self._needed(field)
        if field.holds_messages and not field.map and not field.repeated:
            return self.reference(field.nested, null=not needed) | notes(entry)
        schema = self._field(field)
        return (schema if needed else nullable(schema)) | notes(entry)

    def _field(self, field: FieldShape) -> Schema:
        constraints = self._constraints.of_field(field.descriptor.full_name)
        if field.map:
            return self._map(field, constraints)
        if field.repeated:
            items = self._single(field, constraints.items or NONE, null=False)
            return {"type": "array", "items": items, **keywords(constraints)}
        return self._single(field, constraints, null=False)

    def _single(self, field: FieldShape, constraints: Constraints, *, null: bool) -> Schema:
        if field.holds_messages:
            return self.reference(field.nested, null=null)
        if field.free_form:
            return free_form_schema(field, null=field.map)
        schema = scalar_schema(field, constraints)
        return {"anyOf": [schema, _FILE]} if field.rules.file_source and not field.map else schema

    def _map(self, field: FieldShape, constraints: Constraints) -> Schema:
        null = field.holds_messages and not self.empty_is_refused(field.nested)
        values = self._single(field, constraints.values or NONE, null=null)
        schema: Schema = {"type": "object", "additionalProperties": values}
        if constraints.keys is not None:
            schema["propertyNames"] = keywords(constraints.keys)
        schema |= keywords(constraints)
        if field.rules.list_of_keys:
            names = {"items": {"type": "string"} | schema.get("propertyNames", {}), "uniqueItems": True}
            schema |= {"type": ["object", "array"], "if": {"type": "array"}, "then": names}
        return schema

    def _entry(self, shape: MessageShape) -> Schema:
        key, value = shape.by_name[shape.entry_key], shape.by_name[shape.entry_value]
        constraints = self._constraints.of_field(value.descriptor.full_name)
        null = value.holds_messages and not self.empty_is_refused(value.nested)
        return {
            "title": value.nested.descriptor.name,
            "type": "object",
            "propertyNames": keywords(self._constraints.of_field(key.descriptor.full_name)),
            "additionalProperties": self._single(value, constraints, null=null),
            "minProperties": 1,
            "maxProperties": 1,
        }

    def _shorthand(self, shape: MessageShape) -> Schema | None:
        """The scalars that stand for a message with one field; None where there are none or they can never do."""
        if not shape.shorthand:
            return None
        field = shape.by_name[shape.shorthand]
        if any(self._needed(other) for other in shape.content_fields if other is not field):
            return None
        schema = self._field(field)
        return {"minLength": 1, **schema} if self._rules_refuse_empty(shape) else schema

    def _needed(self, field: FieldShape) -> bool:
        constraints = self._constraints.of_field(field.descriptor.full_name)
        return not field.rules.output_only and needs_value(field, constraints)

    def _rules(self, shape: MessageShape) -> Iterator[Schema]:
        """What the fields must say together."""
        for oneof in shape.descriptor.oneofs:
            members = [field for field in shape.fields if field.oneof == oneof.name]
            if members:
                required = self._constraints.is_required_oneof(oneof.full_name)
                yield refused_unless(*one_of(members, required=required))
        for name, others in stand_ins(shape).items():
            for other in others:
                yield refused_unless(*one_of([shape.by_name[name], other], required=False))
        for field in shape.fields:
            if field.rules.value_source_for:
                yield refused_unless(*one_of([shape.by_name[field.rules.value_source_for], field], required=False))
            if field.name != field.key and not field.rules.output_only:
                yield _one_spelling(field)
        for node, message in self._expressions(shape):
            try:
                yield refused_unless(object_rule(shape, node), message)
            except ExpressionError:
                continue

    def _expressions(self, shape: MessageShape) -> Iterator[tuple[Node, str]]:
        """The rules of a message that this program can read."""
        for rule in self._constraints.of_message(shape.full_name):
            try:
                yield parse(rule.expression), rule.message or rule.expression
            except ExpressionError:
                continue

    def _rules_refuse_empty(self, shape: MessageShape) -> bool:
        """Whether a rule is broken by a message without any field."""
        return not all(_holds(node) for node, _ in self._expressions(shape))


def _name(shape: MessageShape, *, null: bool) -> str:
    """Of the definition of a type, or of the same with null."""
    name = shape.full_name.removeprefix(f"{shape.descriptor.file.package}.")
    return f"{name}OrNull" if null else name


def _required_unless(needed: Sequence[FieldShape], instead: dict[str, list[FieldShape]]) -> Iterator[Schema]:
    """Fields that must be given, in either spelling or by another field."""
    for field in needed:
        others = [present(other, filled=False) for other in instead.get(field.name, ())]
        if field.key != field.name:
            others.append({"required": [field.name]})
        if others:
            absent: dict[str, Any] = {"not": {"anyOf": others}} if len(others) > 1 else {"not": others[0]}
            yield {"if": {"type": "object", **absent}, "then": {"required": [field.key]}}


def _one_spelling(field: FieldShape) -> Schema:
    both = {"required": [field.key, field.name]}
    return refused_unless({"not": both}, f'"{field.key}" is given twice, in two spellings')


def _holds(node: Node) -> bool:
    try:
        return holds_of(node, frozenset())
    except ExpressionError:
        return True
