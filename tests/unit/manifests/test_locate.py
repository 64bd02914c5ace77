"""Layer: from a field back to its line. Assumes that the text loads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import Manifest, Severity, parse, render
from manifests.positions import Segment

TEXT = """# agents of the support team
---
kind: Agent
metadata:
  name: "héllo"
  labels: {team: a, "a.b/c": d}
  tags: [core, prod]
spec:
  instructions: |
    Be kind.
    Be brief.
  mcp_servers:
    - orders
    - name: billing
      http:
        url: https://example.com
  subAgents:
  - {name: one, config: {temperature: 1e3}}
  - name: two
    skills:
      - x
  env:
    FOO_BAR: 1
    FOOBAR: 2
    API_KEY: {isSecret: true}
  shared: &shared
    deep: here
  other: *shared
"""


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    (only,) = parse(TEXT.encode(), "a.yaml").documents
    return only


@pytest.mark.parametrize(
    ("segments", "value", "key"),
    [
        ((), (3, 1), (3, 1)),
        (("kind",), (3, 7), (3, 1)),
        (("metadata",), (5, 3), (4, 1)),
        (("metadata", "name"), (5, 9), (5, 3)),
        (("metadata", "labels", "team"), (6, 18), (6, 12)),
        (("metadata", "labels", "a.b/c"), (6, 30), (6, 21)),
        (("metadata", "tags", 1), (7, 16), (7, 16)),
        (("metadata", "tags", ("", "core")), (7, 10), (7, 10)),
        (("spec", "instructions"), (9, 17), (9, 3)),
        (("spec", "mcpServers"), (13, 5), (12, 3)),
        (("spec", "mcp_servers", 1, "http", "url"), (16, 14), (16, 9)),
        (("spec", "mcpServers", ("name", "billing"), "http"), (16, 9), (15, 7)),
        (("spec", "mcpServers", ("name", "orders")), (13, 7), (13, 7)),
        (("spec", "sub_agents", ("name", "one"), "config", "temperature"), (18, 39), (18, 26)),
        (("spec", "subAgents", ("name", "two"), "skills", 0), (21, 9), (21, 9)),
        (("spec", "env", "FOO_BAR"), (23, 14), (23, 5)),
        (("spec", "env", "FOOBAR"), (24, 13), (24, 5)),
        (("spec", "env", ("name", "API_KEY"), "isSecret"), (25, 25), (25, 15)),
        (("spec", "other", "deep"), (27, 11), (27, 5)),
    ],
)
def test_a_field_is_found(
    manifest: Manifest, segments: tuple[Segment, ...], value: tuple[int, int], key: tuple[int, int]
) -> None:
    assert manifest.locate(segments).position == value
    assert manifest.locate(segments, key=True).position == key


@pytest.mark.parametrize(
    ("segments", "position"),
    [
        (("spec", "instrutions"), (8, 1)),
        (("spec", "mcpServers", ("name", "nobody"), "http"), (12, 3)),
        (("spec", "mcpServers", 7), (12, 3)),
        (("spec", "subAgents", 0, "description"), (18, 5)),
        (("kind", "deeper"), (3, 1)),
        (("kind", 0), (3, 1)),
        (("kind", ("name", "x")), (3, 1)),
        (("nothing",), (3, 1)),
        (("spec", -1), (8, 1)),
        (("metadata", "tags", -1), (7, 3)),
    ],
)
def test_what_is_not_there_leads_to_the_nearest_ancestor(
    manifest: Manifest, segments: tuple[Segment, ...], position: tuple[int, int]
) -> None:
    assert manifest.locate(segments).position == position


def test_the_snippet_is_the_line(manifest: Manifest) -> None:
    assert manifest.snippet(manifest.locate(["metadata", "name"])) == '  name: "héllo"'
    assert manifest.snippet(manifest.source) == "kind: Agent"


def test_a_diagnostic_about_a_field_points_at_it(manifest: Manifest) -> None:
    item = manifest.diagnose(
        "too hot", ["spec", "subAgents", 0, "config", "temperature"], severity=Severity.WARNING, hint="cool it"
    )
    assert item.render().splitlines() == [
        "a.yaml:18:39: warning: too hot",
        "   18 |   - {name: one, config: {temperature: 1e3}}",
        "      |                                       ^^^",
        "help: cool it",
    ]


def test_positions_of_later_documents_count_from_the_top_of_the_file() -> None:
    text = "a: 1\r\n---\r\nb: 2\r\n--- # c\r\nc:\r\n  d: 3\r\n"
    parsed = parse(text.encode(), "a.yaml")
    located = [item.locate([name]) for item, name in zip(parsed.documents, "abc", strict=True)]
    assert [(item.document, *item.position) for item in located] == [(0, 1, 4), (1, 3, 4), (2, 6, 3)]
    assert [item.snippet(place) for item, place in zip(parsed.documents, located, strict=True)] == [
        "a: 1",
        "b: 2",
        "  d: 3",
    ]


def test_json_is_located_in_spite_of_what_yaml_cannot_read() -> None:
    text = '{\n "a": "\\ud83d\\ude00", "b": "x\u2028y", "c": 1,\n "d": [2]}'
    (manifest,) = parse(text.encode(), "a.json").documents
    assert manifest.locate(["b"]).position == (2, 28)
    assert manifest.locate(["c"], key=True).position == (2, 35)
    assert manifest.locate(["d", 0]).position == (3, 8)


def test_json_with_a_key_too_long_for_yaml_is_located_as_a_whole() -> None:
    (manifest,) = parse(('{"' + "k" * 1_100 + '": {"a": 1}}').encode(), "a.json").documents
    assert manifest.locate(["k" * 1_100, "a"]) == manifest.source


KEYS = st.text(st.sampled_from("abcXY_1"), min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers(0, 9) | st.sampled_from(["x", "two\nlines\n", "'", "é: #"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=8,
)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [path]


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_every_rendered_field_is_found_on_a_line_of_its_own_key(value: dict[str, object]) -> None:
    text = render([value])
    (manifest,) = parse(text.encode(), "a.yaml").documents
    places = [manifest.locate(path, key=True) for path in leaves(value)]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    for path, place in zip(leaves(value), places, strict=True):
        if isinstance(path[-1], str):
            line = manifest.snippet(place)[place.column - 1 :]
            assert line.startswith((path[-1] + ":", f'"{path[-1]}":'))
