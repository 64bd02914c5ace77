"""Rules that field constraints cannot say, the same on the client (with file and line) and on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from stigmer.contract.context import SECRETS_REFUSED
from stigmer.contract.cycles import find_name_cycles
from stigmer.contract.paths import item_suffix, join, member_suffix
from stigmer.contract.shapes import FieldShape, MessageShape
from stigmer.contract.suggest import did_you_mean
from stigmer.contract.workflow import check_workflow
from stigmer.errors import Violation

if TYPE_CHECKING:
    from stigmer.contract.kinds import Kind

OWN_CHECKS: dict[str, Callable[[Any], list[Violation]]] = {"Workflow": check_workflow}
"""Kinds with rules of their own."""

TOO_LONG = "the slug has {length} characters; {kind} slugs have at most {limit}"


def check(kind: Kind, message: Any) -> list[Violation]:
    """All violations of one canonical resource, in field order."""
    violations = list(_slug_length(kind, message))
    violations += check_fields(kind.shape, message, "")
    own = OWN_CHECKS.get(kind.name)
    return violations + own(message) if own else violations


def _slug_length(kind: Kind, message: Any) -> Iterator[Violation]:
    length = len(message.metadata.slug)
    if length > kind.max_slug_length:
        text = TOO_LONG.format(length=length, kind=kind.singular, limit=kind.max_slug_length)
        yield Violation("metadata.name", text)


def check_fields(shape: MessageShape, message: Any, path: str) -> Iterator[Violation]:
    """Violations of the rules that options declare, below `message`, whose path is `path`."""
    for field in shape.leading_to(_is_checked):
        at = join(path, field.key)
        if field.rules.secret_when:
            yield from _secret(field, message, at)
        if field.rules.value_source_for and message.HasField(field.name):
            yield Violation(at, "a value source is read by the client before it applies; it is never stored")
        if field.rules.HasField("artifact_source") and message.HasField(field.name):
            yield Violation(at, "the client stores the files before it applies; the resource names the artifact")
        if not field.holds_messages:
            continue
        if field.map:
            values = getattr(message, field.name)
            for key in sorted(values):
                yield from check_fields(field.nested, values[key], join(at, key))
        elif field.repeated:
            yield from _list(field, message, at)
        elif message.HasField(field.name):
            yield from check_fields(field.nested, getattr(message, field.name), at)


def _list(field: FieldShape, message: Any, path: str) -> Iterator[Violation]:
    items = list(getattr(message, field.name))
    for link in field.nested.fields:
        if link.rules.HasField("sibling"):
            yield from check_siblings(items, field, link, path)
    for index, item in enumerate(items):
        yield from check_fields(field.nested, item, path + item_suffix(field, item, index))


def _secret(field: FieldShape, message: Message, path: str) -> Iterator[Violation]:
    if getattr(message, field.rules.secret_when) and message.HasField(field.name):
        yield Violation(path, SECRETS_REFUSED)


def _is_checked(field: FieldShape) -> bool:
    """Whether a rule of this module concerns a field itself."""
    if field.rules.secret_when or field.rules.value_source_for or field.rules.HasField("artifact_source"):
        return True
    linked = field.repeated and field.holds_messages
    return linked and any(link.rules.HasField("sibling") for link in field.nested.fields)


def check_siblings(items: list[Any], field: FieldShape, link: FieldShape, path: str) -> Iterator[Violation]:
    """Names of siblings that do not exist, and cycles among them with the whole chain."""
    key = link.rules.sibling.key
    names = {getattr(item, key): index for index, item in enumerate(items)}

    def at(name: str) -> str:
        index = names[name]
        return join(path + item_suffix(field, items[index], index), link.key)

    edges: dict[str, list[str]] = {}
    for item in items:
        name = getattr(item, key)
        edges[name] = [other for other in getattr(item, link.name) if other in names]
        for index, other in enumerate(getattr(item, link.name)):
            if other not in names:
                hint = did_you_mean(other, names)
                text = f'there is no "{other}" in {field.key}'
                yield Violation(at(name) + member_suffix(link, other, index), f"{text}; {hint}" if hint else text)
    for cycle in find_name_cycles(edges):
        chain = " -> ".join([*cycle, cycle[0]])
        yield Violation(at(cycle[0]), f"cycle: {chain}", related=tuple(at(name) for name in cycle))
