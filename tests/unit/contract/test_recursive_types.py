"""Rules below message types that hold each other: none is missed, whichever type is asked first."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from stigmer.backend.v1 import options_pb2
from stigmer.contract.canonical import normalise
from stigmer.contract.checks import check_fields
from stigmer.contract.shapes import MessageShape, Shapes

FIELD = descriptor_pb2.FieldDescriptorProto


def shapes_of_two_recursive_types() -> dict[str, MessageShape]:
    """`Tree {repeated Branch branches; repeated string tags (set)}`, `Branch {Tree tree; bool hidden; string text}`."""
    file = descriptor_pb2.FileDescriptorProto(name="recursive.proto", package="test", syntax="proto3")
    tree, branch = file.message_type.add(name="Tree"), file.message_type.add(name="Branch")
    many, one = FIELD.LABEL_REPEATED, FIELD.LABEL_OPTIONAL
    tree.field.add(name="branches", number=1, label=many, type=FIELD.TYPE_MESSAGE, type_name=".test.Branch")
    tags = tree.field.add(name="tags", number=2, label=many, type=FIELD.TYPE_STRING)
    tags.options.Extensions[options_pb2.rules].list_type = options_pb2.LIST_TYPE_SET
    branch.field.add(name="tree", number=1, label=one, type=FIELD.TYPE_MESSAGE, type_name=".test.Tree")
    branch.field.add(name="hidden", number=2, label=one, type=FIELD.TYPE_BOOL)
    text = branch.field.add(
        name="text", number=3, label=one, type=FIELD.TYPE_STRING, proto3_optional=True, oneof_index=0
    )
    text.options.Extensions[options_pb2.rules].secret_when = "hidden"
    branch.oneof_decl.add(name="_text")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    shapes = Shapes()
    return {name: shapes.of(pool.FindMessageTypeByName(f"test.{name}")) for name in ("Tree", "Branch")}


@pytest.mark.parametrize("first", ["Tree", "Branch"])
def test_sets_and_secrets_are_found_at_every_depth(first: str) -> None:
    shapes = shapes_of_two_recursive_types()
    tree = shapes["Tree"].message_class
    leaf = {"tags": ["b", "a"], "branches": [{"hidden": True, "text": "hush"}]}
    normalise(shapes[first], shapes[first].message_class())
    list(check_fields(shapes[first], shapes[first].message_class(), ""))
    message = tree(branches=[{"tree": {"branches": [{"tree": leaf}]}}])
    normalise(shapes["Tree"], message)
    assert list(message.branches[0].tree.branches[0].tree.tags) == ["a", "b"]  # type: ignore[attr-defined]
    found = [violation.field for violation in check_fields(shapes["Tree"], message, "")]
    assert found == ["branches[0].tree.branches[0].tree.branches[0].text"]


def test_a_branch_asked_by_itself_has_the_same_rules() -> None:
    shapes = shapes_of_two_recursive_types()
    normalise(shapes["Tree"], shapes["Tree"].message_class())
    branch = shapes["Branch"].message_class(tree={"tags": ["b", "a"]})
    normalise(shapes["Branch"], branch)
    assert list(branch.tree.tags) == ["a", "b"]  # type: ignore[attr-defined]
