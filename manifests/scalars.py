"""What plain (unquoted) text means: the core schema of YAML 1.2 and nothing else.

So `no`, `on`, `12:30:45` and dates stay the strings they look like, `0777` is 777, and whatever JSON cannot hold
(infinities, integers beyond 64 bits) is refused rather than bent. `construct` and `careful` type values with it,
`render` quotes what it would take for something else than text.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

MAYBE_TYPED = "-+.0123456789~nNtTfF"
"""First characters of plain text that may be something else than a string. As `"" in MAYBE_TYPED` is true, the test
`text[:1] in MAYBE_TYPED` lets the empty text pass too, which is null."""

INT64_MIN = -(2**63)
UINT64_MAX = 2**64 - 1
_MOST_DIGITS = 25  # of a number within 64 bits in any of the three notations, sign and prefix included
NULLS = ("", "~", "null", "Null", "NULL")
"""Plain texts that mean null."""

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(NULLS),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_INTEGER = re.compile(r"[-+]?[0-9]+\Z").match
_PREFIXED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z").match
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z").match
_NOT_A_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z").match


class UnfitScalarError(ValueError):
    """A plain scalar that the core schema types but JSON cannot represent."""


def resolve(text: str) -> Scalar:
    """The value of plain text. Returns `text` itself where it is a string; raises UnfitScalarError."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER(text):
        return _integer(text, 10)
    if _FLOAT(text):
        return _finite(text)
    if _PREFIXED(text):
        return _integer(text, 8 if text[1] == "o" else 16)
    if _NOT_A_NUMBER(text):
        raise UnfitScalarError(f"{text} cannot be represented")
    return text


def is_canonical(text: str, value: Scalar) -> bool:
    """Whether writing the value out gives the same text again, whoever writes it. A whole float has no such text:
    `1.0` and `1` are both in use. Null has no spelling worth keeping: it means absent."""
    if value is None or isinstance(value, str):
        return True
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, float):
        return text == repr(value) and not value.is_integer()
    return text == str(value)


def type_name(value: Scalar) -> str:
    """What a user calls the type: `an integer`, `a boolean`."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a string"}
    return names[type(value)]


def _integer(text: str, base: int) -> int:
    if len(text) > _MOST_DIGITS:  # int() of a long text is slow, and refused beyond 4,300 digits
        text = re.sub(r"\A([-+]?(?:0[ox])?)0*(?=[0-9a-fA-F])", r"\1", text)
    if len(text) <= _MOST_DIGITS:
        value = int(text, 0) if base != 10 else int(text)
        if INT64_MIN <= value <= UINT64_MAX:
            return value
    raise UnfitScalarError("this integer does not fit into 64 bits")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise UnfitScalarError("this number is too large")
    return value
