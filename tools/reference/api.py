"""The page of the service: every RPC, and the messages that only RPCs have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from reference.kinds import description, rules
from reference.markdown import code, link, page, prose, table
from stigmer.contract import Method
from stigmer.contract.explain import Explainer, FieldEntry
from stigmer.contract.shapes import FieldShape, MessageShape


def pages(explainer: Explainer) -> dict[str, str]:
    """Every page by its path below the reference."""
    contract = explainer.contract
    blocks = [
        f"The gRPC service {code(contract.service_name)}. Names are those of the `.proto` files.",
        prose(explainer.comments.of(contract.service_name)),
        "## Operations on resources of any kind",
        _methods(explainer, [method for method in contract.methods.values() if not method.kind]),
    ]
    for kind in contract.kinds.values():
        blocks += [f"## {kind.name}", f"Fields: {link(kind.name, f'kinds/{kind.singular}.md')}."]
        blocks.append(_methods(explainer, list(kind.methods.values())))
    blocks += ["## Messages", *_messages(explainer)]
    return {"api.md": page("Service", *blocks)}


def _methods(explainer: Explainer, methods: list[Method]) -> str:
    comments = [explainer.comments.of(f"{explainer.contract.service_name}.{method.name}") for method in methods]
    rows = [
        [
            code(method.name),
            _stream(_type(explainer, method.input_class.DESCRIPTOR), streams=method.client_streaming),
            _stream(_type(explainer, method.output_class.DESCRIPTOR), streams=method.server_streaming),
            method.verb,
            code(method.permission),
            prose(comment),
        ]
        for method, comment in zip(methods, comments, strict=True)
    ]
    headers = ["RPC", "Request", "Answer", "Verb", "Permission", ""]
    shown = len(headers) if any(comments) else len(headers) - 1
    return table(headers[:shown], [row[:shown] for row in rows])


def _messages(explainer: Explainer) -> Iterator[str]:
    for shape in _own_shapes(explainer):
        yield f"### {shape.descriptor.name}"
        yield prose(explainer.comments.of(shape.full_name))
        yield rules([rule.message or rule.expression for rule in explainer.constraints.of_message(shape.full_name)])
        rows = [
            [code(field.name), _field_type(explainer, field), ", ".join(entry.marks), _said(explainer, field, entry)]
            for field, entry in zip(shape.fields, explainer.members(shape), strict=True)
        ]
        yield table(["Field", "Type", "", "Description"], rows) or "No fields."


def _own_shapes(explainer: Explainer) -> list[MessageShape]:
    """Message types of requests and answers that are no part of a kind, in the order in which they are met."""
    shapes = explainer.contract.shapes
    methods = explainer.contract.methods.values()
    pending = [shapes.of(each.DESCRIPTOR) for method in methods for each in (method.input_class, method.output_class)]
    parts = _parts_of_kinds(explainer)
    found: dict[str, MessageShape] = {}
    while pending:
        shape = pending.pop(0)
        if shape.full_name in found or shape.full_name in parts or not _is_ours(explainer, shape):
            continue
        found[shape.full_name] = shape
        pending += [field.nested for field in shape.fields if field.message is not None]
    return list(found.values())


def _parts_of_kinds(explainer: Explainer) -> dict[str, str]:
    """The page of every message type that a kind is made of, by full name."""
    pages: dict[str, str] = {}
    for kind in explainer.contract.kinds.values():
        pending = [kind.shape]
        while pending:
            shape = pending.pop()
            if shape.full_name not in pages and _is_ours(explainer, shape):
                pages[shape.full_name] = f"kinds/{kind.singular}.md"
                pending += [field.nested for field in shape.fields if field.message is not None]
    return pages


def _is_ours(explainer: Explainer, shape: MessageShape) -> bool:
    return shape.full_name.startswith(f"{explainer.contract.service_name.rpartition('.')[0]}.")


def _type(explainer: Explainer, descriptor: Descriptor) -> str:
    return _linked(explainer, explainer.contract.shapes.of(descriptor), descriptor.name)


def _said(explainer: Explainer, field: FieldShape, entry: FieldEntry) -> str:
    """The description of a field, with the values of an enum by their own names."""
    enum = field.scalar.enum_type
    if enum is None:
        return description(entry)
    comments = {value.name: explainer.comments.of(f"{enum.full_name}.{value.name}") for value in enum.values}
    lines = [f"{code(name)}: {prose(comment)}" if comment else code(name) for name, comment in comments.items()]
    return "\n".join(filter(None, [description(replace(entry, choices=())), *lines]))


def _field_type(explainer: Explainer, field: FieldShape) -> str:
    """The type as a .proto file has it, linked to where a message is explained."""
    word = next(name for name, number in FieldDescriptor.__dict__.items() if _is_type(name, number, field))
    shown = word.removeprefix("TYPE_").lower()
    if field.scalar.enum_type is not None:
        shown = field.scalar.enum_type.name
    if field.message is not None:
        shown = field.message.descriptor.name
    if field.map:
        shown = f"map<string, {shown}>"
    elif field.repeated:
        shown = f"repeated {shown}"
    return _linked(explainer, field.message, shown) if field.message is not None else code(shown)


def _is_type(name: str, number: object, field: FieldShape) -> bool:
    return name.startswith("TYPE_") and number == field.scalar.type


def _linked(explainer: Explainer, shape: MessageShape, text: str) -> str:
    parts = _parts_of_kinds(explainer)
    if shape.full_name in parts:
        return link(code(text), parts[shape.full_name])
    return link(code(text), f"#{shape.descriptor.name.lower()}") if _is_ours(explainer, shape) else code(text)


def _stream(text: str, *, streams: bool) -> str:
    return f"stream of {text}" if streams else text
