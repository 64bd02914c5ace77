"""Which places of a body are leaves, when two values are the same, and how secrets are masked."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler import MASK, ListType, Node, leaf_paths
from reconciler.leaves import masked, same
from reconciler.places import PLACES_PER_SCHEMA, whole

SCALAR = Node("scalar")


def spec_leaves(schema: Node, spec: Any) -> set[str]:
    return {path.removeprefix("spec.") for path in leaf_paths(schema, {"spec": spec})}


@pytest.mark.parametrize(
    ("spec", "leaves"),
    [
        ({"text": "x", "count": 0}, {"text", "count"}),
        ({"config": {"model": {"name": "m"}}}, {"config"}),
        ({"args": ["a", "b"]}, {"args"}),
        ({"tools": ["b", "a"]}, {'tools[="a"]', 'tools[="b"]'}),
        ({"tasks": [{"name": "plan", "agent": "a"}]}, {"tasks[name=plan].name", "tasks[name=plan].agent"}),
        ({"tasks": [{"name": "plan", "after": ["x"]}]}, {"tasks[name=plan].name", 'tasks[name=plan].after[="x"]'}),
        ({"noise": {"a.b": "1"}}, {'noise["a.b"]'}),
        ({"unheard": {"of": 1}}, {"unheard"}),
    ],
    ids=["scalars", "free-form", "atomic list", "set", "keyed list", "set in an item", "map", "unknown field"],
)
def test_leaves_follow_the_schema(schema: Node, spec: Any, leaves: set[str]) -> None:
    assert spec_leaves(schema, spec) == leaves


@pytest.mark.parametrize(
    "spec",
    [{"tools": ["a", "a"]}, {"tools": [["a"]]}, {"tools": [float("nan")]}, {"tools": "a"}],
    ids=["a member twice", "a list as a member", "no number", "no list"],
)
def test_a_set_that_does_not_come_apart_is_one_leaf(schema: Node, spec: Any) -> None:
    assert spec_leaves(schema, spec) == {"tools"}


@pytest.mark.parametrize(
    "tasks",
    [[{"name": "a"}, {"name": "a"}], [{"agent": "a"}], ["a"], [{"name": 1}]],
    ids=["a key twice", "no key", "no object", "a key that is no string"],
)
def test_a_keyed_list_that_does_not_come_apart_is_one_leaf(schema: Node, tasks: Any) -> None:
    assert spec_leaves(schema, {"tasks": tasks}) == {"tasks"}


@pytest.mark.parametrize(("name", "empty"), [("noise", {}), ("tools", []), ("tasks", []), ("http", {})])
def test_what_is_written_down_empty_is_a_leaf(schema: Node, name: str, empty: Any) -> None:
    assert spec_leaves(schema, {name: empty}) == {name}


def test_an_empty_body_has_no_leaves(schema: Node) -> None:
    assert leaf_paths(schema, {}) == frozenset()


@pytest.mark.parametrize(
    "node",
    [
        Node("list", item=SCALAR, list_type=ListType.SET, secret=True),
        Node("list", item=Node("scalar", secret=True), list_type=ListType.SET),
        Node("list", item=Node("object", fields={"k": Node("scalar", secret=True)}), list_type=ListType.MAP, key="k"),
    ],
    ids=["a secret set", "a set of secrets", "items named by a secret"],
)
def test_no_path_shows_a_secret(node: Node) -> None:
    schema = Node("object", fields={"f": node})
    assert leaf_paths(schema, {"f": ["hunter2"]}) == {"f"}
    assert leaf_paths(schema, {"f": [{"k": "hunter2"}]}) == {"f"}


def test_a_recursive_schema_has_leaves_at_every_depth() -> None:
    node = Node("object", fields={"x": SCALAR})
    node.fields["deeper"] = node
    assert leaf_paths(node, {"deeper": {"deeper": {"x": 1}}}) == {"deeper.deeper.x"}


def test_more_different_paths_than_are_kept_are_still_right() -> None:
    schema = Node("object", fields={"labels": Node("map", item=SCALAR)})
    names = [f"k{i}" for i in range(PLACES_PER_SCHEMA + 100)]
    assert leaf_paths(schema, {"labels": dict.fromkeys(names, 1)}) == {f"labels.{name}" for name in names}
    assert len(whole(schema).field("labels").children) < len(names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        ([1], [True]),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {"b": None}),
        ([1], {"0": 1}),
        ("1", 1),
    ],
    ids=str,
)
def test_values_that_json_tells_apart_differ(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("value", [float("nan"), [float("nan")], 1, "x", None, {"a": [1, {"b": True}]}], ids=str)
def test_every_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)
    assert same([value], [value])


def test_another_nan_is_no_difference() -> None:
    assert same(float("nan"), float("nan"))


def test_masking_reaches_secrets_inside_atomic_values() -> None:
    inner = Node("object", fields={"name": SCALAR, "key": Node("scalar", secret=True)})
    node = Node("list", item=inner)
    assert masked(node, [{"name": "a", "key": "hunter2"}], secret=False) == [{"name": "a", "key": MASK}]
    assert masked(Node("list", item=Node("scalar", secret=True)), ["hunter2"], secret=False) == [MASK]
    assert masked(Node("map", item=Node("scalar", secret=True)), {"a": "hunter2"}, secret=False) == {"a": MASK}
    assert masked(SCALAR, "x", secret=True) == MASK
