"""Layer: what plain text means, alone and as the loader gives it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import parse
from manifests.scalars import MAYBE_TYPED, UnfitScalarError, is_canonical, resolve

STRINGS = """no yes on off y n No YES 12:30:45 1:30 2024-01-01 2024-01-01T10:00:00Z 1_000 0b101 0o8 0x 0xg 1.2.3 v1 = .
+ -- e3 1e .e1 1e+ nulL tRue .infinity nan inf -0x1F +0o7 0777a 1,000 ½ ١٢ ~a infinity None""".split()  # noqa: SIM905 - one name a line would fill a screen

TYPED = {
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
    "true": True,
    "True": True,
    "FALSE": False,
    "0": 0,
    "-0": 0,
    "+12": 12,
    "007": 7,
    "0777": 777,
    "0o17": 15,
    "0x1F": 31,
    "18446744073709551615": 2**64 - 1,
    "-9223372036854775808": -(2**63),
    "0" * 60 + "5": 5,
    "-" + "0" * 60: 0,
    "1e3": 1000.0,
    "1.": 1.0,
    "-.5": -0.5,
    "+1.5E-2": 0.015,
    "0.7": 0.7,
    "1.0": 1.0,
}

UNFIT = [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999", "18446744073709551616", "-9223372036854775809"]


@pytest.mark.parametrize("text", STRINGS)
def test_what_looks_like_text_stays_text(text: str) -> None:
    assert resolve(text) is text
    (manifest,) = parse(f"a: {text}".encode(), "a.yaml").documents
    assert manifest.value == {"a": text}


@pytest.mark.parametrize("text", TYPED)
def test_core_types_are_recognised(text: str) -> None:
    value = resolve(text)
    assert value == TYPED[text]
    assert type(value) is type(TYPED[text])
    (manifest,) = parse(f"a: {text}".encode(), "a.yaml").documents
    assert manifest.value == {"a": TYPED[text]}


@pytest.mark.parametrize("text", [*UNFIT, "9" * 6_000, "0x" + "f" * 17])
def test_what_json_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(UnfitScalarError):
        resolve(text)
    (item,) = parse(f"a: 1\nb: [{text}]".encode(), "a.yaml").diagnostics
    assert item.code == "unfit-scalar"
    assert item.source is not None
    assert item.source.position == (2, 5)


@given(st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_the_usual_spelling_of_a_value_means_the_value(value: float | bool) -> None:
    text = ("true" if value else "false") if isinstance(value, bool) else repr(value)
    again = resolve(text)
    assert again == value
    assert type(again) is type(value)
    assert math.copysign(1, again) == math.copysign(1, value)
    if not isinstance(value, float):
        assert is_canonical(text, value)


@given(st.text())
def test_only_texts_with_certain_first_characters_are_typed(text: str) -> None:
    try:
        typed = resolve(text) is not text
    except UnfitScalarError:
        typed = True
    assert not typed or text[:1] in MAYBE_TYPED
