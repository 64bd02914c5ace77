"""Text from elsewhere cannot drive a terminal. Assumes nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer.cli.plaintext import clean, clean_block, json_text, quote, visible

RED = "\x1b[31mred\x1b[0m"
UNSAFE = ["\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800", "\U000e0041", "\r"]


def test_escape_sequences_are_left_out_of_a_line() -> None:
    assert clean(RED) == "[31mred[0m"


def test_line_breaks_and_tabs_of_a_line_become_a_blank() -> None:
    assert clean("a\nb\t\nc\r\nd") == "a b c d"


def test_a_block_keeps_its_lines() -> None:
    assert clean_block("a\n\tb\x1b]0;title\x07\n") == "a\n\tb]0;title\n"


@pytest.mark.parametrize("character", UNSAFE, ids=ascii)
def test_an_unsafe_character_is_written_as_an_escape_in_a_diff(character: str) -> None:
    assert character not in visible(f"a{character}b")
    assert visible(f"a{character}b") != visible("ab")


@pytest.mark.parametrize("character", UNSAFE, ids=ascii)
def test_json_escapes_an_unsafe_character_and_loses_nothing(character: str) -> None:
    text = json_text({"name": f"a{character}b"})
    assert character not in text
    assert json.loads(text) == {"name": f"a{character}b"}


def test_emoji_made_with_joiners_survive() -> None:
    family = "👩\u200d👩\u200d👧"
    assert clean(family) == family


@given(st.text())
def test_whatever_json_prints_reads_back_and_can_be_encoded(text: str) -> None:
    assert json.loads(json_text(text).encode()) == text
    assert json.loads(quote(text)) == text


def test_json_for_a_stream_that_knows_no_unicode_is_ascii() -> None:
    assert json_text("é✓", ascii_only=True).isascii()
