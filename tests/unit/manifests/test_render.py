"""Layer: values -> text. Assumes the loader, whose inverse it is, and PyYAML as the reader of others."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from manifests import Limits, ManifestError, parse, render

TRICKY = st.sampled_from(
    [
        "no", "on", "y", "N", "1e3", "0o7", "0x1F", "1_000", "12:30:45", "2024-01-01", "~", "null", "True",
        ".inf", "<<", "=", "---", "...", "--- a", "- a", "-", "--x", "-x", "a: b", "a:", ":a", "a #b", "#a",
        "a#b", "&a", "*a", "!a", "|", ">", "'a'", "\"a\"", "{a}", "[a", "{{ x }}", "${x}", "@a", "`a`", "%a",
        ", a", "? a", " a", "a ", "\ta", "a\t", "", "\n", "\n\n", "a\n", "a\n\n", "\na", "\n\na\n", " a\nb",
        "\ta\nb", "a\n b\n", "a\n  ", "a\n  \n", "a\n\t\n", "a\n---\nb", "a\n# b\n", "a\r\nb", "a\u0085b",
        "a\u2028b", "\ufeffa", "é", "日本", "😀\nb\n", "a\u0000b", "a\u001bb", "\u202ea", "\ufffe",
        "k" * 1_500,
    ]
)  # fmt: skip
SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MIXED = st.text(st.sampled_from(" \t\n\r:#-?'\"|>&*!%@`[]{},.ab01exé😀\x85\u2028\ufeff\x00"), max_size=12)
TEXT = st.one_of(TRICKY, MIXED, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
SCALAR = st.one_of(
    TEXT, st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
DOCUMENT = st.dictionaries(TEXT, VALUE, max_size=4)


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))


@settings(max_examples=150)
@given(st.lists(DOCUMENT, max_size=3))
@example([{"a": ["\n", "", {}, [], [[]], [{}]], "": {"": None}}])
def test_what_is_rendered_loads_back_to_the_same_values(documents: list[dict[str, Any]]) -> None:
    text = render(documents)
    parsed = parse(text.encode(), "a.yaml")
    assert parsed.diagnostics == ()
    assert same([item.value for item in parsed.documents], documents)
    assert render(item.value for item in parsed.documents) == text
    assert same(list(yaml.load_all(text, SafeLoader)), documents), "readers of YAML 1.1 see something else"
    assert not any(c in text for c in "\r\x00\x1b\x85\u2028\u2029\u202e\ufeff"), "something hides in the text"


def test_an_ordinary_manifest_looks_as_a_person_would_write_it() -> None:
    manifest = {
        "kind": "Agent",
        "metadata": {"name": "support 😀", "labels": {"a.b/c": "d", "on": "no"}, "tags": ["core", "1.0"]},
        "spec": {
            "instructions": "Be kind.\n\n  - Be *brief* 😀: yes\n",
            "note": "no newline\nat the end",
            "mcpServers": ["orders", {"name": "billing", "stdio": {"command": "npx", "args": ["-y", "--x", "a: b"]}}],
            "matrix": [[1, 2], []],
            "config": {"temperature": 0.7, "limit": 1e22, "empty": {}, "none": None, "stream": True},
            "script": "${tasks.plan.outputs.text} is no. 1#2, at https://example.com:8080/x?y=z&w",
        },
    }
    assert (
        render([manifest, {"kind": "Skill"}])
        == """\
kind: Agent
metadata:
  name: support 😀
  labels:
    a.b/c: d
    "on": "no"
  tags:
    - core
    - "1.0"
spec:
  instructions: |
    Be kind.

      - Be *brief* 😀: yes
  note: |-
    no newline
    at the end
  mcpServers:
    - orders
    - name: billing
      stdio:
        command: npx
        args:
          - -y
          - --x
          - "a: b"
  matrix:
    - - 1
      - 2
    - []
  config:
    temperature: 0.7
    limit: 1.0e+22
    empty: {}
    none: null
    stream: true
  script: ${tasks.plan.outputs.text} is no. 1#2, at https://example.com:8080/x?y=z&w
---
kind: Skill
"""
    )


def test_equal_values_in_two_places_are_written_twice() -> None:
    shared = {"a": ["b"]}
    assert "&" not in render([{"x": shared, "y": shared}])


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**64, -(2**63) - 1, "\ud800", b"x", {1: 2}, {"a": {True: 1}}, (1,), {"a"}],
    ids=repr,
)
def test_what_no_manifest_can_hold_is_refused(value: Any) -> None:
    with pytest.raises(ManifestError) as caught:
        render([{"a": value}])
    assert caught.value.diagnostic.code == "not-renderable"


@pytest.mark.parametrize("levels", [64, 65])
@pytest.mark.parametrize("make", [lambda inner: {"a": inner}, lambda inner: [inner]], ids=["mappings", "lists"])
def test_nesting_is_refused_where_the_loader_would_refuse_it(levels: int, make: Any) -> None:
    value: Any = make("x")
    for _ in range(levels - 2):
        value = make(value)
    if levels > Limits().depth:
        with pytest.raises(ManifestError):
            render([{"a": value}])
    else:
        assert parse(render([{"a": value}]).encode(), "a.yaml").diagnostics == ()


def test_no_documents_are_no_text() -> None:
    assert render([]) == ""
