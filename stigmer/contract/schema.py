"""The reconciler's view of a kind: which fields are maps, lists and leaves, what is immutable, what drift means."""

from __future__ import annotations

from reconciler.schema import DriftPolicy, ListType, Node
from stigmer.backend.v1 import options_pb2
from stigmer.contract.shapes import FieldShape, MessageShape

_LIST_TYPES = {
    options_pb2.LIST_TYPE_UNSPECIFIED: ListType.ATOMIC,
    options_pb2.LIST_TYPE_ATOMIC: ListType.ATOMIC,
    options_pb2.LIST_TYPE_SET: ListType.SET,
    options_pb2.LIST_TYPE_MAP: ListType.MAP,
}


def resource_schema(shape: MessageShape) -> Node:
    """The schema of a resource's body. Slug and org are identity and lie outside it.

    Metadata is shared with people and other tools, so what they add there stays; spec belongs to the manifest.
    """
    known: dict[str, Node] = {}
    metadata = Node(type="object", drift=DriftPolicy.MERGE)
    for field in _message(shape, "metadata").content_fields:
        if field.name not in {"slug", "org"}:
            metadata.fields[field.key] = _field(field, known)
    spec = _object(_message(shape, "spec"), known)
    spec.drift = DriftPolicy.STRICT
    return Node(type="object", fields={"metadata": metadata, "spec": spec})


def _message(shape: MessageShape, name: str) -> MessageShape:
    message = shape.by_name[name].message
    if message is None:
        raise ValueError(f"{shape.full_name}.{name} is not a message")
    return message


def _object(shape: MessageShape, known: dict[str, Node]) -> Node:
    node = known.get(shape.full_name)
    if node is None:
        node = known[shape.full_name] = Node(type="object")
        for field in shape.content_fields:
            node.fields[field.key] = _field(field, known)
    return node


def _field(field: FieldShape, known: dict[str, Node]) -> Node:
    node = _shape_of(field, known)
    rules = field.rules
    if not (rules.immutable or rules.secret):
        return node
    return Node(
        type=node.type,
        fields=node.fields,
        item=node.item,
        list_type=node.list_type,
        key=node.key,
        immutable=rules.immutable and not field.oneof,
        immutable_presence=rules.immutable and bool(field.oneof),
        secret=rules.secret,
    )


def _shape_of(field: FieldShape, known: dict[str, Node]) -> Node:
    item = _single(field, known)
    if field.map:
        return Node(type="map", item=item)
    if field.repeated:
        return Node(type="list", item=item, list_type=_LIST_TYPES[field.rules.list_type], key=field.rules.list_key)
    return item


def _single(field: FieldShape, known: dict[str, Node]) -> Node:
    if field.message is None:
        return Node(type="scalar")
    if field.free_form or field.message.entry_key:
        return Node(type="any")
    return _object(field.message, known)
