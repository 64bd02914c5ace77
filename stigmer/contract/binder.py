"""YAML values -> messages, with every mistake of a document collected.

One function per message type walks a mapping by a table of its spellings and builds keyword arguments for the message
constructor. Violations carry the path as it is written in the document, so that the loader finds its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from stigmer.contract.context import SECRETS_REFUSED, Context, ExternalSource, Path, describe
from stigmer.contract.freeform import bind_free_form
from stigmer.contract.scalars import NUL_REFUSED, bind_scalar, scalar_text
from stigmer.contract.shapes import FREE_FORM, FieldShape, MessageShape
from stigmer.contract.suggest import did_you_mean


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
            sources = shape.message.artifact_sources
            if sources and any(source.name in kwargs for source in sources):
                from stigmer.contract.artifacts import resolve_artifacts  # noqa: PLC0415 -- few manifests give files

                resolve_artifacts(shape.message, kwargs, path, context)
        return kwargs
    if type(value) is str and shape.scalar.type == FieldDescriptor.TYPE_STRING and "\0" not in value:
        return value
    if shape.rules.file_source and isinstance(value, Mapping):
        return _file_source(shape, value, path, context)
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
        if type(item) is str and "\0" not in item:
            bound[key] = item
        elif isinstance(item, (bool, int, float)):
            bound[key] = scalar_text(item, (*path, key), context)
        elif item is None:
            context.error((*path, key), "expected a string, got null", 'write "" for an empty value')
        else:
            context.error(
                (*path, key), NUL_REFUSED if isinstance(item, str) else f"expected a string, got {describe(item)}"
            )
    return bound


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


def _file_source(
    shape: FieldShape, value: Mapping[str, Any], path: Path, context: Context
) -> str | ExternalSource | None:
    """The text of a file; of an artifact only where it is, to be read when the rest is bound."""
    if set(value) != {"file"} or not isinstance(value["file"], str):
        context.error(path, "expected a string, or {file: PATH}")
        return None
    source = ExternalSource("file", value["file"], (*path, "file"))
    return source if shape.rules.HasField("artifact_source") else context.read(source)


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
        elif len(source) == 1:
            ((kind, name),) = source.items()
            text = context.read(ExternalSource(kind, name, (*at, kind)))
            if text is not None:
                kwargs[target] = text
        elif not any(error.path[: len(at)] == at for error in context.errors):
            choices = ", ".join(each.key for each in known.nested.fields)
            context.error(at, "expected a map with one entry, got an empty one", f"give one of {choices}")
