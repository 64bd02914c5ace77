"""The JSON Schema of field types and constraints that no kind of the contract has yet, so that one which has them needs
no Python. The measure is the loader's binder and protovalidate."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from protovalidate import Validator

from stigmer.contract import default_contract
from stigmer.contract.annotations import Annotations
from stigmer.contract.binder import bind_message
from stigmer.contract.context import Context
from stigmer.contract.explain import Explainer
from stigmer.contract.json_messages import MessageSchemas
from stigmer.contract.shapes import MessageShape, Shapes

from .added_kind import PROTO, ROOT, generator

THINGS = """
syntax = "proto3";
package stigmer.backend.v1;
import "buf/validate/validate.proto";
import "stigmer/backend/v1/options.proto";

message Thing {
  // How it shines.
  Shine shine = 1;
  map<string, Shine> shines = 2;
  repeated Shine more_shines = 3 [(buf.validate.field).repeated.max_items = 2];
  bytes blob = 4;
  int32 lenient = 22 [(buf.validate.field).int32.gte = 5, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  double ratio = 5 [(buf.validate.field).double = {gt: -1, lt: 1}];
  uint32 count = 6;
  int64 big = 7 [(buf.validate.field).int64.gte = -5];
  string fixed = 8 [(buf.validate.field).string.len = 3, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string no_word = 9 [(buf.validate.field).string.not_in = "bad"];
  optional string affixed = 10 [(buf.validate.field).string = {prefix: "a." suffix: ".z" contains: "+"}];
  repeated string few = 11 [(buf.validate.field).repeated = {unique: true items: {string: {in: ["x", "y"]}}}];
  optional int32 level = 12 [(buf.validate.field).int32 = {in: [1, 5]}];
  optional bool sure = 13 [(buf.validate.field).bool.const = true];
  string old = 14 [deprecated = true];
  Part part = 15;
  repeated Part parts = 16;
  map<string, Part> by_name = 17;
  Thing inner = 18;
  string mail = 19 [(buf.validate.field).string.email = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  map<string, int32> numbers = 20 [(buf.validate.field).map = {min_pairs: 1 values: {int32: {lte: 3}}}];
  Grade grade = 21;
}

enum Shine {
  SHINE_UNSPECIFIED = 0;
  // Not at all.
  SHINE_DULL = 1;
  SHINE_VERY_BRIGHT = 3;
}

message Part {
  option (form).shorthand = "code";
  option (buf.validate.message).cel = {
    id: "part" message: "give a code or a label" expression: "this.code != '' || this.label != ''"
  };
  string code = 1 [(buf.validate.field).string.prefix = "p", (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string label = 2;
}

message Grade {
  option (form).shorthand = "shine";
  Shine shine = 1;
  int32 how_much = 2;
}
"""

Fields = dict[str, Any]


@cache
def thing() -> tuple[MessageShape, jsonschema.Draft202012Validator, Validator]:
    with tempfile.TemporaryDirectory() as name:
        sources = Path(name) / "proto"
        shutil.copytree(ROOT / "proto", sources)
        (sources / PROTO / "thing.proto").write_text(THINGS)
        full: descriptor_pb2.FileDescriptorSet = generator().compile_sources(Path(name), sources)
    pool = descriptor_pool.DescriptorPool()
    for file in generator().strip_constraints(full).file:
        pool.Add(file)
    shape = Shapes().of(pool.FindMessageTypeByName("stigmer.backend.v1.Thing"))
    explainer = Explainer(default_contract(), Annotations(full.SerializeToString()))
    schemas = MessageSchemas(explainer)
    schema = schemas.reference(shape, null=False) | {"$defs": schemas.definitions}
    jsonschema.Draft202012Validator.check_schema(schema)
    return shape, jsonschema.Draft202012Validator(schema), Validator()


def is_accepted(fields: Fields) -> bool:
    shape, _, rules = thing()
    context = Context()
    kwargs = bind_message(shape, fields, (), context)
    if context.errors or kwargs is None:
        return False
    return not rules.collect_violations(shape.message_class(**kwargs))


BASE: Fields = {"numbers": {"a": 1}}

GOOD: list[Fields] = [
    {"shine": "dull"}, {"shine": "very-bright"}, {"shine": "SHINE_VERY_BRIGHT"}, {"shine": "Very_Bright"}, {"shine": 3},
    {"shine": 0}, {"shine": None}, {"shines": {"a": "dull", "b": 1}}, {"moreShines": ["dull", 3]}, {"blob": "aGk="},
    {"ratio": 0.5}, {"ratio": 0}, {"count": 0}, {"count": 4294967295}, {"big": -5}, {"fixed": "abc"}, {"fixed": ""},
    {"no_word": "good"}, {"affixed": "a.+.z"}, {"few": ["x", "y"]}, {"level": 5}, {"level": None}, {"sure": True},
    {"old": "x"}, {"part": "p1"}, {"part": {"label": "x"}}, {"parts": ["p1", {"code": "p"}]}, {"byName": {"a": "p"}},
    {"inner": {"numbers": {"b": 3}, "inner": None}}, {"mail": "a@b.c"}, {"grade": "dull"}, {"grade": 3},
    {"grade": {"shine": "dull", "how_much": 2}}, {"grade": {}}, {"part": None}, {"lenient": 0}, {"lenient": 5},
]  # fmt: skip

BAD: list[Fields] = [
    {"shine": "dul"}, {"shine": 2}, {"shine": 4}, {"shine": True}, {"shine": 1.5}, {"shines": {"a": "x"}},
    {"shines": ["dull"]}, {"moreShines": ["dull", "dull", "dull"]}, {"moreShines": [None]}, {"blob": 5}, {"ratio": 1},
    {"ratio": "0.5"}, {"ratio": True}, {"count": -1}, {"count": 4294967296}, {"count": 1.5}, {"big": -6},
    {"fixed": "ab"}, {"noWord": "bad"}, {"affixed": "a.z"}, {"affixed": ""}, {"few": ["x", "x"]}, {"few": ["z"]},
    {"level": 2}, {"level": "5"}, {"sure": False}, {"sure": "yes"}, {"part": "q"}, {"part": {}}, {"part": ""},
    {"part": 5}, {"parts": [{}]}, {"parts": [None]}, {"byName": {"a": None}}, {"byName": {"a": {}}}, {"inner": {}},
    {"numbers": None}, {"numbers": {}}, {"numbers": {"a": 4}}, {"numbers": {"a": None}}, {"grade": "grade"},
    {"grade": {"howMuch": "2"}}, {"grade": {"how_much": 1, "howMuch": 1}}, {"grade": [1]}, {"unknown": 1},
    {"lenient": 4},
]  # fmt: skip


@pytest.mark.parametrize("fields", GOOD, ids=str)
def test_what_the_loader_takes_is_valid(fields: Fields) -> None:
    document = {**BASE, **fields}
    assert is_accepted(document)
    assert [error.message for error in thing()[1].iter_errors(document)] == []


@pytest.mark.parametrize("fields", BAD, ids=str)
def test_what_the_loader_refuses_is_not(fields: Fields) -> None:
    document = {**BASE, **fields}
    assert not is_accepted(document)
    assert list(thing()[1].iter_errors(document))


def test_short_names_of_an_enum_are_offered_and_explained() -> None:
    shape, validator, _ = thing()
    field = validator.schema["$defs"]["Thing"]["properties"]["shine"]
    assert field["anyOf"][0]["enum"] == ["unspecified", "dull", "very_bright"]
    assert field["description"] == "How it shines."
    assert validator.schema["$defs"]["Thing"]["properties"]["old"]["deprecated"] is True
    assert shape.by_name["shine"].key == "shine"
