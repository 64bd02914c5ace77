"""What no manifest can say is refused when a client sends it as a message, with the path of the field: it would be in
an export that no import takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Value

from stigmer.contract.unsayable import may_be_unsayable


def text(message: Any) -> None:
    message.spec.description = "a\0b"


def key_of_a_map(message: Any) -> None:
    message.metadata.annotations["a\0b"] = "x"


def member_of_a_set(message: Any) -> None:
    message.metadata.tags.append("a\0b")


def number(message: Any) -> None:
    message.spec.tasks[1].inputs["n"].number_value = float("nan")


def negative_infinity_below_lists_and_maps(message: Any) -> None:
    items = message.spec.tasks[0].inputs["n"].list_value.values
    items.add(bool_value=False)
    items.add().struct_value.fields["deep"].number_value = float("-inf")


def text_of_a_json_value(message: Any) -> None:
    message.spec.tasks[0].inputs["n"].string_value = "\0"


def key_of_a_json_value(message: Any) -> None:
    message.spec.tasks[0].inputs["n"].struct_value.fields["\0"].number_value = 0


def json_value_of_no_kind(message: Any) -> None:
    message.spec.tasks[0].inputs["n"].SetInParent()


BROKEN: list[tuple[Callable[[Any], None], str]] = [
    (text, "spec.description"),
    (key_of_a_map, 'metadata.annotations["a\\u0000b"]'),
    (member_of_a_set, 'metadata.tags[="a\\u0000b"]'),
    (number, "spec.tasks[name=act].inputs.n"),
    (negative_infinity_below_lists_and_maps, "spec.tasks[name=plan].inputs.n[1].deep"),
    (text_of_a_json_value, "spec.tasks[name=plan].inputs.n"),
    (key_of_a_json_value, 'spec.tasks[name=plan].inputs.n["\\u0000"]'),
    (json_value_of_no_kind, "spec.tasks[name=plan].inputs.n"),
]


@pytest.fixture
def workflows(contract):
    return contract.kinds["Workflow"]


@pytest.mark.parametrize(("break_it", "path"), BROKEN, ids=[each.__name__ for each, _ in BROKEN])
def test_what_no_manifest_can_say_is_not_created(client, workflows, org, make, refused, break_it, path):
    wanted = make(workflows, "one")
    break_it(wanted)
    with refused("INVALID_ARGUMENT") as caught:
        client.create(workflows, wanted)
    assert list(caught.error.fields) == [path]
    assert client.items(workflows, org=org) == []


def test_every_such_value_is_named_at_once(client, workflows, make, refused):
    wanted = make(workflows, "one")
    text(wanted)
    number(wanted)
    with refused("INVALID_ARGUMENT") as caught:
        client.create(workflows, wanted)
    assert set(caught.error.fields) == {"spec.description", "spec.tasks[name=act].inputs.n"}


def test_an_update_cannot_bring_them_in_either(client, workflows, org, make, refused):
    created = client.create(workflows, make(workflows, "one"))
    wanted = make(workflows, "one")
    wanted.metadata.etag = created.metadata.etag
    wanted.spec.description = "a\0b"
    for mask in ((), ("spec.description",)):
        with refused("INVALID_ARGUMENT") as caught:
            client.update(workflows, wanted, *mask)
        assert list(caught.error.fields) == ["spec.description"]
    assert client.get(workflows, "one", org) == created


def test_a_bulk_apply_cannot_bring_them_in_either(client, workflows, org, make):
    good, bad = make(workflows, "good"), make(workflows, "bad")
    number(bad)
    response = client.apply(
        *(
            {"key": {"kind": "Workflow", "org": org, "slug": each.metadata.slug}, "action": 1, "content": content}
            for each in (good, bad)
            for content in [each.SerializeToString()]
        )
    )
    assert not response.committed
    assert "spec.tasks[name=act].inputs.n" in str(response.results[1])
    assert client.items(workflows, org=org) == []


def test_null_and_every_finite_number_are_allowed(client, workflows, org, make):
    wanted = make(workflows, "one")
    inputs = wanted.spec.tasks[0].inputs
    for name, value in {"zero": 0.0, "sign": -0.0, "most": 1.7976931348623157e308, "least": 5e-324}.items():
        inputs[name].number_value = value
    inputs["null"].null_value = 0
    inputs["no"].bool_value = False
    inputs["empty"].list_value.SetInParent()
    wanted.metadata.annotations["empty"] = ""
    client.create(workflows, wanted)
    assert client.get(workflows, "one", org).spec == wanted.spec


def test_every_number_that_is_not_finite_gets_the_closer_look():
    for bits in (0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF1111111111111):
        raw = b"\x11" + bits.to_bytes(8, "little")
        assert may_be_unsayable(raw)
        assert Value.FromString(raw).number_value not in (0.0, 1.0)


def test_a_usual_text_needs_no_closer_look(contract):
    text = "Grüße, 世界 😀\n\t" + "words of every day " * 100
    assert not may_be_unsayable(contract.kinds["Skill"].message_class(spec={"skill_md": text}).SerializeToString())
