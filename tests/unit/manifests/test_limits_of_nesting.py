"""Layer: composing under limits. Assumes nothing of the rest; the crashes themselves are in tests/fault."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from manifests import DEFAULT_LIMITS, Limits, compose, parse
from manifests.careful import CarefulWalk
from manifests.construct import IrregularError, construct, may_have_anchors
from manifests.diagnostics import Source
from manifests.spelling import take_spellings

FRAGMENTS = st.sampled_from(
    ["- ", "? ", ": ", "[", "{", "]", "}", ",", "a: ", "b", "a", "\n", "\r", "  ", " ", "\t", "- - ", "? - ", "[a: ",
     "{a: ", "{? ", "&x ", "&", "*x", "!t ", "'q'", '"q"', "|\n", "--- ", "\n---\n", "#", "%", "1", "1e3", "~", "<<"]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=40).map("".join)
SMALL_BRACKETS, SMALL_RUN = 2, 3


def deepest(text: bytes) -> int:
    """The depth of the deepest node that the parser composes, up to the first mistake of the text."""
    depth = most = 0

    def descend(*_: Any) -> None:
        nonlocal depth, most
        depth += 1
        most = max(most, depth)

    def ascend() -> None:
        nonlocal depth
        depth -= 1

    loader = compose._Loader(text)
    loader.descend_resolver, loader.ascend_resolver = descend, ascend
    try:
        while loader.check_node():
            loader.get_node()
    except yaml.YAMLError:
        pass
    return most


@settings(max_examples=400)
@given(TEXTS)
@example("- - - - [a: [b: c]]")
@example("? - - - {? {? a}}")
@example("a:\n- b:\n  - c:\n   - d: [e: [f: g]]")
def test_a_text_that_passes_for_shallow_is_shallow(text: str) -> None:
    data = text.encode()
    assume(compose.is_shallow(data, SMALL_BRACKETS, SMALL_RUN))
    assert deepest(data) <= compose.shallow_depth(SMALL_BRACKETS, SMALL_RUN)


def test_the_bound_is_nearly_reached() -> None:
    run, brackets = compose.SHALLOW_RUN, compose.SHALLOW_BRACKETS
    lines = [" " * column + "a:\n" + " " * column + "-\n" for column in range(run - 2)]
    text = ("".join(lines) + " " * (run - 2) + "- " + "[a: " * brackets + "b" + "]" * brackets).encode()
    assert compose.is_shallow(text)
    assert compose.shallow_depth() - 5 <= deepest(text) <= compose.shallow_depth()


@settings(max_examples=400)
@given(TEXTS)
def test_a_text_without_possible_anchors_has_none(text: str) -> None:
    data = text.encode()
    assume(not may_have_anchors(data))
    try:
        events = list(yaml.parse(data, compose._Loader))
    except yaml.YAMLError:
        return
    assert not any(getattr(event, "anchor", None) for event in events if not isinstance(event, yaml.AliasEvent))


@pytest.mark.parametrize("text", ["Q&A", "a && b", "x & y", "AT&T", "&&", "R&D, and more"])
def test_ampersands_in_prose_are_no_anchors(text: str) -> None:
    assert not may_have_anchors(text.encode())


@settings(max_examples=400)
@given(TEXTS)
def test_the_quick_and_the_careful_walk_agree(text: str) -> None:
    data = ("a: " + text).encode()
    try:
        node, _ = compose.compose(data, DEFAULT_LIMITS, DEFAULT_LIMITS.nodes)
    except (yaml.YAMLError, compose.LimitError):
        return
    assume(isinstance(node, yaml.MappingNode) and not may_have_anchors(data))
    walk = CarefulWalk(DEFAULT_LIMITS, lambda mark: (Source("a.yaml"), ""))
    careful = walk.mapping(node)
    spellings: dict[Any, str] = {}
    try:
        quick = construct(node, DEFAULT_LIMITS.depth, [])
    except IrregularError:
        assert walk.mistakes
        return
    take_spellings(quick, (), spellings)
    assert (quick, spellings, []) == (careful, walk.spellings, walk.mistakes)


@pytest.mark.parametrize("levels", [63, 64, 65])
@pytest.mark.parametrize(
    ("opening", "closing", "levels_each"),
    [("[", "]", 1), ("{a: ", "}", 1), ('{"a":', "}", 1), ("- ", "", 1), ("? ", "", 1)],
    ids=["flow lists", "flow mappings", "json", "block lists", "explicit keys"],
)
def test_the_limit_of_depth_is_exact(levels: int, opening: str, closing: str, levels_each: int) -> None:
    inner = opening * (levels - 1) + "b" + closing * (levels - 1)
    data = f"x:\n  {inner}" if not opening.startswith('{"') else f'{{"x":{inner.replace("b", "1")}}}'
    codes = [item.code for item in parse(data.encode(), "a.yaml").diagnostics]
    assert ("too-deep" in codes) == (levels > DEFAULT_LIMITS.depth)


@pytest.mark.parametrize("count", [9, 10, 11])
@pytest.mark.parametrize("text", ["x: [{}]", '{{"x": [{}]}}'], ids=["yaml", "json"])
def test_the_limit_of_nodes_is_exact(count: int, text: str) -> None:
    items = ",".join(["1"] * (count - 3))
    parsed = parse(text.format(items).encode(), "a.yaml", Limits(nodes=10))
    assert [item.code for item in parsed.diagnostics] == (["too-many-nodes"] if count > 10 else [])


def test_the_nodes_of_a_file_are_limited_too() -> None:
    text = "\n---\n".join(["a: [1, 2]"] * 5).encode()
    parsed = parse(text, "a.yaml", Limits(file_nodes=12))
    assert len(parsed.documents) == 2
    (item,) = parsed.diagnostics
    assert item.message == "the file has more keys and values than allowed"
    assert item.source is not None
    assert item.source.line == 5


@pytest.mark.parametrize("aliases", [5, 6])
def test_the_limit_of_aliases_is_exact(aliases: int) -> None:
    text = f"a: &a {{b: c}}\nx: [{', '.join(['*a'] * aliases)}]".encode()
    codes = [item.code for item in parse(text, "a.yaml", Limits(aliases=5)).diagnostics]
    assert codes == (["too-many-aliases"] if aliases > 5 else [])


def test_a_position_can_be_found_in_the_deepest_document() -> None:
    text = ("x: " + "[" * 63 + "b" + "]" * 63).encode()
    (manifest,) = parse(text, "a.yaml").documents
    assert manifest.locate(["x", *[0] * 63]).column == 67


@pytest.fixture
def without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "_Loader", type("Loader", (compose._Untyped, compose._PythonParser), {}))


@pytest.mark.usefixtures("without_libyaml")
def test_without_libyaml_the_same_documents_come_out() -> None:
    text = b"a: [1, 1e3, 'x', \"y\\n\"]\nb: |\n  text\n  more\nc: &c {d: *e}\n---\nf: &g {h: ~}\ni: *g\n---\nj: k: l\n"
    parsed = parse(text, "a.yaml")
    assert [item.value for item in parsed.documents] == [{"f": {"h": None}, "i": {"h": None}}]
    assert [(item.message, item.source.line) for item in parsed.diagnostics if item.source] == [
        ("this alias has no anchor before it", 5),
        ('unexpected ":"', 10),
    ]
    (plain,) = parse(text.split(b"c:")[0], "a.yaml").documents
    assert plain.value == {"a": [1, 1000.0, "x", "y\n"], "b": "text\nmore\n"}
    assert plain.spellings == {("a", 1): "1e3"}
    assert plain.locate(["a", 2]).position == (1, 13)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize("text", ["[" * 5_000, "- " * 5_000, "{a: " * 5_000, "? " * 5_000])
def test_without_libyaml_deep_nesting_is_refused_too(text: str) -> None:
    assert [item.code for item in parse(text.encode(), "a.yaml").diagnostics] == ["too-deep"]
