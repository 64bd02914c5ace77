"""YAML values -> messages, with every mistake of a document collected.

One function per message type walks a mapping by a table of its spellings and builds keyword arguments for the message
constructor. Violations carry the path as it is written in the document, so that the loader finds its position.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from reconciler import path as field_path
from stigmer.contract.shapes import FREE_FORM, STRUCT, VALUE, FieldShape, MessageShape
from stigmer.contract.suggest import did_you_mean
from stigmer.errors import Violation

Path = tuple[str | int, ...]

MAX_EXACT_INTEGER = 2**53
"""Free-form JSON values hold numbers as doubles: larger integers would change silently."""

_INT32 = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32}
_INT = _INT32 | {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_UNSIGNED = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
_FLOAT = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}


@dataclass(frozen=True, slots=True)
class BindingError:
    """One mistake, at the path as written. `at_key`: the key is wrong rather than its value."""

    path: tuple[field_path.Segment, ...]
    message: str
    hint: str = ""
    at_key: bool = False

    def violation(self) -> Violation:
        return Violation(field_path.format(self.path), f"{self.message}; {self.hint}" if self.hint else self.message)


@dataclass(frozen=True, slots=True)
class ExternalSource:
    """A value that lies outside the manifest: `kind` is env, file or sops. Reading `name` gives the value of the
    field at `path`."""

    kind: str
    name: str
    path: Path


ReadSource = Callable[[ExternalSource], str]
"""Reads an external value, or raises SourceError with a message for the user."""


class SourceError(Exception):
    """An external value cannot be read."""


@dataclass(slots=True)
class Context:
    """What binding one document collects."""

    spellings: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    read_source: ReadSource | None = None
    errors: list[BindingError] = field(default_factory=list)
    sources: list[ExternalSource] = field(default_factory=list)

    def error(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self.errors.append(BindingError(path, message, hint, at_key))

    def read(self, source: ExternalSource) -> str | None:
        """The value of `source`, or None after noting an error."""
        self.sources.append(source)
        if self.read_source is None:
            self.error(source.path, f"a value from {source.kind} cannot be read here")
            return None
        try:
            return self.read_source(source)
        except SourceError as error:
            self.error(source.path, str(error))
            return None


def describe(value: object) -> str:
    """How messages name a YAML value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "a string"
    return "a map" if isinstance(value, Mapping) else "a list"


def bind_message(shape: MessageShape, value: Any, path: Path, context: Context) -> dict[str, Any] | None:
    """Keyword arguments for a message of `shape`, or None when the value has the wrong type (noted)."""
    if not isinstance(value, Mapping):
        if shape.shorthand and isinstance(value, (str, int, float)):
            return _shorthand(shape, value, path, context)
        context.error(path, f"expected a map, got {describe(value)}")
        return None
    if shape.entry_key:
        return _entry(shape, value, path, context)
    kwargs: dict[str, Any] = {}
    by_key = shape.by_key
    for key, item in value.items():
        known = by_key.get(key)
        if known is None:
            context.error(
                (*path, key), f'unknown field "{key}"', did_you_mean(key, (f.key for f in shape.fields)), at_key=True
            )
            continue
        if item is None or known.rules.output_only:
            continue
        if known.name in kwargs:
            context.error((*path, key), f'"{known.key}" is given twice, in two spellings', at_key=True)
            continue
        bound = bind_field(known, item, (*path, key), context)
        if bound is not None:
            kwargs[known.name] = bound
    _check_oneofs(shape, kwargs, path, context)
    return kwargs


def bind_field(shape: FieldShape, value: Any, path: Path, context: Context) -> Any:
    if shape.map:
        return _map(shape, value, path, context)
    if shape.repeated:
        return _list(shape, value, path, context)
    return _single(shape, value, path, context)


def _single(shape: FieldShape, value: Any, path: Path, context: Context) -> Any:
    if shape.message is not None:
        if shape.message.full_name in FREE_FORM:
            return bind_free_form(shape.message, value, path, context)
        kwargs = bind_message(shape.message, value, path, context)
        if kwargs is not None:
            _resolve_value_source(shape.message, kwargs, path, context)
        return kwargs
    if type(value) is str and shape.scalar.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return value
    if shape.rules.file_source and isinstance(value, Mapping):
        return _file_source(value, path, context)
    return bind_scalar(shape, value, path, context)


def _list(shape: FieldShape, value: Any, path: Path, context: Context) -> list[Any] | None:
    if not isinstance(value, list):
        hint = "write a list: [...]" if isinstance(value, str) else ""
        context.error(path, f"expected a list, got {describe(value)}", hint)
        return None
    bound = []
    for index, item in enumerate(value):
        if item is None:
            context.error((*path, index), "a list item cannot be null")
            continue
        result = _single(shape, item, (*path, index), context)
        if result is not None:
            bound.append(result)
    return bound


def _map(shape: FieldShape, value: Any, path: Path, context: Context) -> dict[str, Any] | None:
    if isinstance(value, list) and shape.rules.list_of_keys:
        return _keys(value, path, context)
    if not isinstance(value, Mapping):
        context.error(path, f"expected a map, got {describe(value)}")
        return None
    if shape.message is None and shape.scalar.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _string_map(value, path, context)
    bound: dict[str, Any] = {}
    for key, item in value.items():
        if item is None and shape.message is not None and shape.message.full_name not in FREE_FORM:
            bound[key] = {}
            continue
        result = _single(shape, item, (*path, key), context)
        if result is not None:
            bound[key] = result
    return bound


def _keys(value: list[Any], path: Path, context: Context) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    for index, key in enumerate(value):
        if not isinstance(key, str):
            context.error((*path, index), f"expected a name, got {describe(key)}")
        elif key in bound:
            context.error((*path, index), f'"{key}" is listed twice')
        else:
            bound[key] = {}
    return bound


def _string_map(value: Mapping[str, Any], path: Path, context: Context) -> dict[str, str]:
    bound = {}
    for key, item in value.items():
        if type(item) is str:
            bound[key] = item
        elif isinstance(item, (bool, int, float)):
            bound[key] = scalar_text(item, (*path, key), context)
        elif item is None:
            context.error((*path, key), "expected a string, got null", 'write "" for an empty value')
        else:
            context.error((*path, key), f"expected a string, got {describe(item)}")
    return bound


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
            return base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error):
            context.error(path, "expected base64 text")
            return None
    if isinstance(value, str):
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


def _shorthand(shape: MessageShape, value: Any, path: Path, context: Context) -> dict[str, Any] | None:
    known = shape.by_name[shape.shorthand]
    bound = bind_field(known, value, path, context)
    return None if bound is None else {known.name: bound}


def _entry(shape: MessageShape, value: Mapping[str, Any], path: Path, context: Context) -> dict[str, Any] | None:
    if len(value) != 1:
        names = ", ".join(map(str, value)) or "none"
        context.error(path, f"expected a map with one entry, NAME: {{...}}; got the keys {names}")
        return None
    ((name, item),) = value.items()
    if item is None:
        item = {}
    bound = bind_field(shape.by_name[shape.entry_value], item, (*path, name), context)
    return None if bound is None else {shape.entry_key: name, shape.entry_value: bound}


def _check_oneofs(shape: MessageShape, kwargs: dict[str, Any], path: Path, context: Context) -> None:
    seen: dict[str, str] = {}
    for name in kwargs:
        known = shape.by_name[name]
        if not known.oneof:
            continue
        if known.oneof in seen:
            first = shape.by_name[seen[known.oneof]].key
            context.error((*path, known.key), f'"{first}" and "{known.key}" exclude each other: give one of them')
        seen[known.oneof] = name


def _file_source(value: Mapping[str, Any], path: Path, context: Context) -> str | None:
    if set(value) != {"file"} or not isinstance(value["file"], str):
        context.error(path, "expected a string, or {file: PATH}")
        return None
    return context.read(ExternalSource("file", value["file"], (*path, "file")))


def _resolve_value_source(shape: MessageShape, kwargs: dict[str, Any], path: Path, context: Context) -> None:
    """Replace a value source ({env: X}, {file: PATH}) by what the client reads."""
    for known in shape.fields:
        target = known.rules.value_source_for
        if not target or known.name not in kwargs:
            continue
        source = kwargs.pop(known.name)
        secret_when = shape.by_name[target].rules.secret_when
        at = (*path, known.key)
        if target in kwargs:
            context.error(at, f'"{known.key}" and "{target}" exclude each other: give one of them')
        elif (secret_when and kwargs.get(secret_when)) or "sops" in source:
            context.error(at, SECRETS_REFUSED)
        elif source:
            ((kind, name),) = source.items()
            text = context.read(ExternalSource(kind, name, (*at, kind)))
            if text is not None:
                kwargs[target] = text


SECRETS_REFUSED = (
    "secret values cannot be stored yet: this version has no encryption at rest; "
    "leave the value out, or keep it outside stigmer"
)
"""Why a manifest with a secret value is refused. Nothing secret is ever stored plain."""
