"""The nouns: keys, origins, and the lazily loaded body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import Desired, Origin, ResourceKey

part = st.text(st.characters(exclude_characters="/", codec="utf-8"), min_size=1, max_size=12)


@given(part, part, part)
def test_a_key_reads_back_from_its_text(kind: str, org: str, slug: str) -> None:
    key = ResourceKey(kind, org, slug)
    assert ResourceKey.parse(str(key)) == key


def test_a_key_is_written_with_its_org_first() -> None:
    assert f"{ResourceKey('Agent', 'local', 'support-bot')}" == "local/Agent/support-bot"


def test_keys_are_ordered_by_kind_then_org_then_slug() -> None:
    keys = [ResourceKey(*text) for text in (("B", "a", "a"), ("A", "b", "a"), ("A", "a", "z"), ("A", "a", "b"))]
    assert [str(key) for key in sorted(keys)] == ["a/A/b", "a/A/z", "b/A/a", "a/B/a"]


@pytest.mark.parametrize("text", ["", "Agent/x", "a/b/c/d", "//", "local/Agent/", "/Agent/x"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a resource key"):
        ResourceKey.parse(text)


def test_a_body_is_loaded_once_and_only_when_it_is_needed() -> None:
    loads: list[int] = []

    def load() -> dict[str, object]:
        loads.append(1)
        return {}

    desired = Desired(ResourceKey("Agent", "local", "a"), b"", load)
    assert loads == []
    assert desired.body is desired.body
    assert loads == [1]


def test_an_origin_is_shown_as_file_and_line() -> None:
    assert str(Origin("agents.yaml", 14, 3)) == "agents.yaml:14"
