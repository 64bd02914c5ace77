"""Field paths over messages, in the manifest's spelling; the text form is `reconciler.path`'s."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from reconciler import path as field_path
from stigmer.backend.v1 import options_pb2
from stigmer.contract.shapes import FieldShape, MessageShape


def join(path: str, key: str) -> str:
    """`path` extended by a field name or map key."""
    suffix = field_path.key_suffix(key)
    return path + suffix if path else field_path.root(suffix)


def item_suffix(field: FieldShape, item: Any, index: int) -> str:
    """How an item of a list is named: [KEY=VALUE] where the list has a key, else [INDEX]."""
    key = field.rules.list_key
    name = getattr(item, key, "") if key and item is not None else ""
    return field_path.item_suffix(key, name) if name else f"[{index}]"


def member_suffix(field: FieldShape, value: str, index: int) -> str:
    """How a plain member of a list is named: [="VALUE"] in a set, where order means nothing, else [INDEX]."""
    is_set = field.rules.list_type == options_pb2.LIST_TYPE_SET
    return field_path.member_suffix(value) if is_set else f"[{index}]"


def violation_path(shape: MessageShape, message: Message, elements: Iterable[Any]) -> str:
    """The manifest's spelling of a protovalidate field path over `message`.

    `elements` are FieldPathElement messages (field_name, and a subscript that is an index or a key of a map). Items of
    a list with a key are named by it, and entries written {NAME: value} by their name.
    """
    text = ""
    value: Any = message
    current: MessageShape | None = shape
    for element in elements:
        field = current.by_name.get(element.field_name) if current else None
        if field is None or current is None:
            text = join(text, element.field_name)
            continue
        text = join(text, getattr(value, current.entry_key) if current.entry_value == field.name else field.key)
        value = getattr(value, field.name, None)
        subscript = getattr(element, "subscript", None)
        if subscript is not None:
            value, suffix = _descend(field, value, subscript)
            text += suffix
        current = field.message
    return text


def _descend(field: FieldShape, value: Any, subscript: Any) -> tuple[Any, str]:
    at = subscript.value
    if subscript.field != "index":
        return value.get(at), field_path.key_suffix(str(at))
    item = value[at] if value is not None and at < len(value) else None
    if isinstance(item, str):
        return item, member_suffix(field, item, at)
    return item, item_suffix(field, item, at)
