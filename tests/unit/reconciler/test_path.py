"""Field paths: one text form, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import path
from reconciler.path import Item, Member, Segment

text = st.text(st.characters(codec="utf-8"), max_size=8)
scalar = text | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
segment = text | st.integers(min_value=0) | st.builds(Item, text, text) | st.builds(Member, scalar)

EXAMPLES: list[tuple[str, tuple[Segment, ...]]] = [
    ("", ()),
    ("spec.tasks[name=plan].agent", ("spec", "tasks", Item("name", "plan"), "agent")),
    ("spec.stdio.args[0]", ("spec", "stdio", "args", 0)),
    ("metadata.labels.team", ("metadata", "labels", "team")),
    ('metadata.labels["a.b/c"]', ("metadata", "labels", "a.b/c")),
    ('metadata.tags[="core"]', ("metadata", "tags", Member("core"))),
    ("spec.ports[=80]", ("spec", "ports", Member(80))),
    ("spec.flags[=true]", ("spec", "flags", Member(True))),
    ('spec.tasks[name="to do"].agent', ("spec", "tasks", Item("name", "to do"), "agent")),
    ('["a.b"].c', ("a.b", "c")),
    ('a["]"]', ("a", "]")),
    ('a[""]', ("a", "")),
]


@given(st.lists(segment, max_size=5).map(tuple))
def test_every_path_reads_back_from_its_text(segments: tuple[Segment, ...]) -> None:
    read = path.parse(path.format(segments))
    assert read == segments
    assert [type(one) for one in read] == [type(one) for one in segments]


@pytest.mark.parametrize(("text", "segments"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_the_text_form_is_the_documented_one(text: str, segments: tuple[Segment, ...]) -> None:
    assert path.format(segments) == text
    assert path.parse(text) == segments


def test_a_plain_word_may_be_quoted() -> None:
    assert path.parse('metadata.labels["team"]') == path.parse("metadata.labels.team")
    assert path.parse('tasks[name="plan"]') == path.parse("tasks[name=plan]")


def test_a_true_member_and_the_member_1_have_different_paths() -> None:
    assert path.member_suffix(True) != path.member_suffix(1)


@pytest.mark.parametrize(
    "text",
    [".a", "a..b", "a.", "a b", "a[", "a[0", "a[-1]", "a[x]", 'a["x', "a[=x]", "a[=[1]]", "a[=NaN]", "a]b", "a[]"],
)
def test_text_that_is_no_path_is_refused_with_the_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a field path: .* at offset"):
        path.parse(text)


def test_a_negative_index_has_no_text() -> None:
    with pytest.raises(ValueError, match="negative"):
        path.format(("a", -1))
