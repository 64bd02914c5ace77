"""Layer: which values of a resource are secret, told from the fields' options; and JSON values that come and go."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stigmer.contract import Contract
from stigmer.contract.bodies import free_form_value
from stigmer.contract.secrecy import held_secrets


def held(contract: Contract, kind: str, **spec: Any) -> list[str]:
    known = contract.kinds[kind]
    return list(held_secrets(known.shape, known.message_class(spec=spec)))


def test_a_value_is_secret_where_its_flag_says_so(contract: Contract) -> None:
    data = {
        "PLAIN": {"value": "x"},
        "DECLARED": {"is_secret": True, "description": "given elsewhere"},
        "SECRET": {"is_secret": True, "value": "hunter2"},
        "MASKED": {"is_secret": True, "value": "\u2022\u2022\u2022\u2022"},
        "EMPTY": {"is_secret": True, "value": ""},
    }
    assert held(contract, "Environment", data=data) == [
        f"spec.data.{name}.value" for name in ("EMPTY", "MASKED", "SECRET")
    ]


def test_a_default_of_a_secret_variable_is_a_secret_deep_inside_too(contract: Contract) -> None:
    env = {"TOKEN": {"is_secret": True, "default": "hunter2"}, "REGION": {"default": "eu"}}
    assert held(contract, "Agent", instructions="Help people.", env=env) == ["spec.env.TOKEN.default"]
    assert held(contract, "McpServer", stdio={"command": "run"}, env=env) == ["spec.env.TOKEN.default"]


def test_a_field_that_is_always_secret_is_one_when_it_is_given(contract: Contract) -> None:
    assert held(contract, "Environment", secrets={"A": "hunter2"}) == ["spec.secrets"]
    assert held(contract, "Environment", variables={"A": "x"}) == []


@pytest.mark.parametrize(
    ("number", "plain"),
    [(1.0, 1), (-3.0, -3), (0.5, 0.5), (2.0**53, 2**53), (2.0**53 + 2, 2.0**53 + 2), (1e22, 1e22), (-0.0, -0.0)],
)
def test_a_whole_number_is_an_integer_where_binding_takes_it_for_one(
    contract: Contract, number: float, plain: float
) -> None:
    workflow = contract.kinds["Workflow"].message_class(spec={"inputs": {"n": {"type": "number"}}})
    value = workflow.spec.inputs["n"].default
    value.number_value = number
    found = free_form_value(value)
    assert (found, type(found), math.copysign(1, found)) == (plain, type(plain), math.copysign(1, plain))


def test_null_is_an_absent_field_and_a_member_like_any_other(contract: Contract) -> None:
    kind = contract.kinds["Workflow"]
    message = kind.message_class(metadata={"name": "w"}, spec={"tasks": [{"name": "a", "agent": "b"}]})
    message.spec.inputs["n"].default.null_value = 0
    message.spec.timeout.SetInParent()
    message.spec.tasks[0].inputs["kept"].null_value = 0
    canonical = contract.codec.canonical(kind, message)
    assert not canonical.spec.inputs["n"].HasField("default")
    assert not canonical.spec.HasField("timeout")
    assert "kept" in canonical.spec.tasks[0].inputs
    manifest = contract.codec.manifest(kind, canonical)
    assert contract.codec.bind(manifest).message == canonical
