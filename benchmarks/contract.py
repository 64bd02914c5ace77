"""Rows of the codec: plain values to a message and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import json_format

from benchmarks.figures import Figure, faster
from benchmarks.harness import OURS, Peer, Session, Side, expect
from benchmarks.records import Resource, resources
from benchmarks.rows import Row
from stigmer.contract import default_contract

ROUNDS = 15


def bind(session: Session) -> Iterator[Figure]:
    """The same dictionaries, in protobuf's own JSON form, which both sides read."""
    made = _sample(session)
    codec = default_contract().codec
    inputs = [_json_form(each) for each in made]
    classes = [each.kind.message_class for each in made]

    def ours(_: object) -> list[Any]:
        return [codec.bind(values).message for values in inputs]

    def theirs(_: object) -> list[Any]:
        return [json_format.ParseDict(values, make()) for values, make in zip(inputs, classes, strict=True)]

    def check(_: object, messages: list[Any]) -> None:
        for message, each in zip(messages, made, strict=True):
            content = codec.content(codec.canonical(each.kind, message))
            expect(content == each.content, True, f"{each.stored.key} is bound to the same message")

    sides = Side(OURS, ours, check=check), Peer(Side("json_format.ParseDict", theirs, check=check), faster(7))
    what = "bind a dictionary to a message, checks included"
    scale = 1e6 / len(made)
    yield from session.compare("bind", what, sides[0], sides[1:], rounds=ROUNDS, unit="us", scale=scale)


def to_values(session: Session) -> Iterator[Figure]:
    """A message to its canonical body, which the reconciler compares."""
    made = _sample(session)
    codec = default_contract().codec
    messages = [codec.parse(each.kind, each.content) for each in made]
    pairs = [(each.kind, message) for each, message in zip(made, messages, strict=True)]

    def ours(_: object) -> list[Any]:
        return [codec.body(kind, message) for kind, message in pairs]

    def theirs(_: object) -> list[Any]:
        return [json_format.MessageToDict(message) for message in messages]

    def check_ours(_: object, bodies: list[Any]) -> None:
        for body, each in zip(bodies, made, strict=True):
            message = codec.from_body(each.kind, each.stored.slug, body)
            expect(codec.content(message) == each.content, True, f"{each.stored.key} comes back from its body")

    def check_theirs(_: object, values: list[Any]) -> None:
        for value, each in zip(values, made, strict=True):
            message = json_format.ParseDict(value, each.kind.message_class())
            expect(codec.content(message) == each.content, True, f"{each.stored.key} comes back from its values")

    sides = (
        Side(OURS, ours, check=check_ours),
        Peer(Side("json_format.MessageToDict", theirs, check=check_theirs), faster(1.8)),
    )
    scale = 1e6 / len(made)
    yield from session.compare(
        "to-dict", "a message to a dictionary", sides[0], sides[1:], rounds=ROUNDS, unit="us", scale=scale
    )


def _sample(session: Session) -> Sequence[Resource]:
    return session.shared("codec", lambda: list(resources(session.size(1_000, 100))))


def _json_form(resource: Resource) -> dict[str, Any]:
    content = default_contract().codec.parse(resource.kind, resource.content)
    values: dict[str, Any] = json_format.MessageToDict(content)
    return {"apiVersion": resource.kind.api_version, "kind": resource.kind.name, **values}


ROWS = (
    Row("bind", "dictionary to message, against json_format", bind),
    Row("to-dict", "message to dictionary, against json_format", to_values),
)
