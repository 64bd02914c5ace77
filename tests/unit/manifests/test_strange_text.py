"""Layer: text -> documents and mistakes, for text that nobody would write. Assumes nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests import parse
from manifests.split import chunks

MESS = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode(errors="replace")),
    st.lists(
        st.sampled_from(
            [b"a: ", b"b", b"- ", b"\n", b"\r", b"---", b"...", b"\t", b"[", b"]", b"{", b"}", b",", b'"', b"'", b"|\n",
             b"&a ", b"*a ", b"!t ", b"<<", b"? ", b": ", b"#", b"%", b"\\u", b"\xc2\x85", b"\xff", b"\0", b"1e3", b" "]
        ),
        max_size=30,
    ).map(b"".join),
)  # fmt: skip


def check_mess(data: bytes) -> None:
    parsed = parse(data, "a.yaml")
    for item in parsed.diagnostics:
        assert item.source is not None
        assert item.source.line >= 1
        assert item.source.column >= 1
        item.render().encode()
    for manifest in parsed.documents:
        json.dumps(manifest.value, allow_nan=False)
        assert all(manifest.locate(path).line >= 1 for path in manifest.spellings)


@settings(max_examples=500)
@given(MESS)
def test_no_text_is_too_strange(data: bytes) -> None:
    check_mess(data)


@pytest.mark.slow
@settings(max_examples=100_000)
@given(MESS)
def test_no_text_of_very_many_is_too_strange(data: bytes) -> None:
    check_mess(data)


@given(MESS)
def test_the_parts_of_a_file_are_in_order_and_hold_all_its_documents(data: bytes) -> None:
    end = 0
    for chunk in chunks(data):
        assert end <= chunk.start < chunk.end or not data
        assert data[end : chunk.start].strip(b".\xef\xbb\xbf") == b""
        end = chunk.end
    assert data[end:] in (b"", b"...") or data[end:].endswith(b"...")
