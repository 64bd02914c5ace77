"""Layer: JSON objects that follow each other without a marker, and the JSON that export writes. Assumes single
documents tested elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests import DEFAULT_LIMITS, IMPORT_LIMITS, Limits, ManifestError, parse, render_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["}\n{", "}", "{", "---", "\n---\n", "\u0085", "\u2028", "\x7f", "\x00", "😀", "\ufffe", "\U0001fffe", "\\u0041"]
)
NUMBER = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.recursive(
    TEXT | NUMBER | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.lists(st.dictionaries(TEXT, VALUE, max_size=3), min_size=1, max_size=4)


def values(text: str) -> list[Any]:
    parsed = parse(text.encode(), "a.json")
    assert parsed.diagnostics == ()
    return [each.value for each in parsed.documents]


def messages(text: str) -> list[tuple[str, int]]:
    return [(each.code, each.source.line) for each in parse(text.encode(), "a.json").diagnostics if each.source]


@settings(max_examples=150)
@given(DOCUMENTS, st.sampled_from([None, 1, 4]))
def test_objects_one_after_the_other_are_documents(documents: list[Any], indent: int | None) -> None:
    text = "\n".join(json.dumps(each, indent=indent).replace("\x7f", "\\u007f") for each in documents)
    assert repr(values(text)) == repr(documents)


@settings(max_examples=150)
@given(DOCUMENTS)
def test_what_is_rendered_as_json_is_read_back(documents: list[Any]) -> None:
    text = "".join(render_json(each) + "\n" for each in documents)
    assert text.count("\n") == len(documents)
    assert repr(values(text)) == repr(documents)
    assert [json.loads(line) for line in text.splitlines()] == documents
    assert "".join(render_json(each) + "\n" for each in values(text)) == text


def test_lines_count_through_the_stream() -> None:
    parsed = parse(b'{"a": 1}\n\n{\n  "b": {\n  }\n}\n  {"c": 1}\n---\nd: 1\n', "a.json")
    assert [str(each.source) for each in parsed.documents] == ["a.json:1:1", "a.json:3:1", "a.json:7:3", "a.json:9:1"]
    assert messages('{"a": 1}\n{"b": 1,}x\n{"c": [}\n{"d": 1}\n')[0][1] == 2


def test_a_mistake_in_one_object_does_not_hide_the_others() -> None:
    parsed = parse(b'{"a": 1}\n{"b": 1, "b": 2}\n{"c": 3}\n', "a.json")
    assert [each.value for each in parsed.documents] == [{"a": 1}, {"c": 3}]
    assert [(each.code, each.source.line) for each in parsed.diagnostics if each.source] == [("duplicate-key", 2)]


@pytest.mark.parametrize(
    "text", ['{a: "x}\n{y"}\n', '{"a": [\n{\n}\n,\n{}]}', '{"a": {\n}\n}\n', "{a: 1}\n# {\n", '{"a": "}"}\n'],
)  # fmt: skip
def test_what_is_one_document_stays_one(text: str) -> None:
    assert len(values(text)) == 1


def test_a_stream_after_a_marker_is_a_stream_too() -> None:
    assert values('---\n{"a": 1}\n{"b": 2}\n---\n{"c": "\\ud83d\\ude00"}\n') == [{"a": 1}, {"b": 2}, {"c": "😀"}]


def test_each_object_of_a_stream_has_the_limit_of_a_document() -> None:
    small, large = '{"a": 1}', json.dumps({"a": "x" * 60})
    stream = f"{small}\n{large}\n{small}".encode()
    assert len(parse(stream, "a", Limits(document_bytes=80)).documents) == 3
    parsed = parse(stream, "a", Limits(document_bytes=50))
    assert [(each.code, each.source.line) for each in parsed.diagnostics if each.source] == [("document-too-large", 2)]
    assert len(parsed.documents) == 2
    assert [each.code for each in parse(stream, "a", Limits(documents=2)).diagnostics] == ["too-many-documents"]


def test_importing_takes_more_documents_and_no_larger_ones() -> None:
    many = b"---\n".join([b"a: 1\n"] * (DEFAULT_LIMITS.documents + 1))
    assert [each.code for each in parse(many, "a").diagnostics] == ["too-many-documents"]
    assert len(parse(many, "a", IMPORT_LIMITS).documents) == DEFAULT_LIMITS.documents + 1
    assert IMPORT_LIMITS.document_bytes == DEFAULT_LIMITS.document_bytes
    assert IMPORT_LIMITS.nodes == DEFAULT_LIMITS.nodes
    large = b"a: " + b"x" * DEFAULT_LIMITS.document_bytes
    assert [each.code for each in parse(large, "a", IMPORT_LIMITS).diagnostics] == ["document-too-large"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**64, -(2**63) - 1, "\ud800", b"x", {1: 2}, {"a": {True: 1}}, (1,), {"a"}],
    ids=repr,
)  # fmt: skip
def test_what_no_manifest_can_hold_is_not_rendered_as_json(value: Any) -> None:
    with pytest.raises(ManifestError) as caught:
        render_json({"a": value})
    assert caught.value.diagnostic.code == "not-renderable"


@pytest.mark.parametrize("levels", [64, 65])
def test_nesting_is_refused_where_the_loader_would_refuse_it(levels: int) -> None:
    value: Any = "x"
    for level in range(levels):
        value = {"a": value} if level % 2 or level == levels - 1 else [value]
    if levels > DEFAULT_LIMITS.depth:
        with pytest.raises(ManifestError):
            render_json(value)
    else:
        assert values(render_json(value)) == [value]
