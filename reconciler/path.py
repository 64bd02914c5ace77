"""Field paths: the one text form in which claims, diffs and diagnostics name a place inside a body.

    spec.stdio.args[0]                 index in an atomic list
    spec.tasks[name=plan].agent        item of a list keyed by `name`
    metadata.tags[="core"]             member of a set
    metadata.labels["a.b/c"]           a key that is not a plain word

`parse` and `format` are inverse. The `*_suffix` functions make one segment's text, for code that walks a body and
appends to the text of the parent instead of building segment tuples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from json import JSONDecoder, JSONEncoder
from typing import NamedTuple, NoReturn, TypeAlias

Scalar: TypeAlias = str | int | float | bool


class Item(NamedTuple):
    """The item of a keyed list whose field `key` has `value`."""

    key: str
    value: str


class Member(NamedTuple):
    """The member of a set that is `value`."""

    value: Scalar


Segment: TypeAlias = str | int | Item | Member

SUFFIX_CACHE = 8192
"""Distinct field names and map keys whose text is remembered; a few hundred are usual."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_INDEX = re.compile(r"(?P<number>[0-9]+)\]")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_encode = JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_decode = JSONDecoder(parse_constant=_refuse_constant).raw_decode


@lru_cache(SUFFIX_CACHE)
def key_suffix(key: str) -> str:
    """The text of a field name or map key below another segment: `.team` or `["a.b/c"]`."""
    return f".{key}" if _WORD.fullmatch(key) else f"[{_encode(key)}]"


def member_suffix(value: Scalar) -> str:
    """The text of a set member. Distinct for values that Python calls equal but JSON does not (1 and true)."""
    return f"[={_encode(value)}]"


def item_suffix(key: str, value: str) -> str:
    """The text of a keyed list's item: `[name=plan]`, each side quoted unless it is a plain word."""
    return f"[{_word(key)}={_word(value)}]"


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else _encode(text)


def root(suffix: str) -> str:
    """The suffix of a top-level field as a path of its own: without the leading dot."""
    return suffix.removeprefix(".")


def format(path: Iterable[Segment]) -> str:  # noqa: A001 - read as path.format, beside path.parse
    """The text of a path; "" for the empty one."""
    return root("".join(map(_suffix, path)))


def parse(text: str) -> tuple[Segment, ...]:
    """The segments that `format` wrote. ValueError, with the offset, for text that `format` cannot have meant."""
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        segment, at = _bracket(text, at + 1) if text[at] == "[" else _name(text, at)
        segments.append(segment)
    return tuple(segments)


def _suffix(segment: Segment) -> str:
    if isinstance(segment, str):
        return key_suffix(segment)
    if isinstance(segment, Item):
        return item_suffix(segment.key, segment.value)
    if isinstance(segment, Member):
        return member_suffix(segment.value)
    if segment < 0:
        raise ValueError(f"a list index cannot be negative: {segment}")
    return f"[{segment}]"


def _name(text: str, at: int) -> tuple[str, int]:
    start = at if at == 0 else _expect(text, at, ".")
    match = _WORD.match(text, start)
    if match is None:
        raise _malformed(text, start, "a field name")
    return match.group(), match.end()


def _bracket(text: str, at: int) -> tuple[Segment, int]:
    """The segment whose opening bracket ends at `at`, and the offset behind its closing bracket."""
    segment: Segment
    if text[at : at + 1] == "=":
        value, at = _json(text, at + 1)
        segment = Member(value)
    elif match := _INDEX.match(text, at):
        return int(match.group("number")), match.end()
    else:
        segment, at = _item(text, at)
    return segment, _expect(text, at, "]")


def _item(text: str, at: int) -> tuple[Segment, int]:
    """`key=value`, or a quoted key alone, which is a map key."""
    key, end = _word_or_quoted(text, at)
    if text[at] == '"' and text[end : end + 1] == "]":
        return key, end
    value, end = _word_or_quoted(text, _expect(text, end, "="))
    return Item(key, value), end


def _word_or_quoted(text: str, at: int) -> tuple[str, int]:
    if match := _WORD.match(text, at):
        return match.group(), match.end()
    value, end = _json(text, at)
    if not isinstance(value, str):
        raise _malformed(text, at, "a word or a quoted string")
    return value, end


def _json(text: str, at: int) -> tuple[Scalar, int]:
    try:
        value, end = _decode(text, at)
    except ValueError:
        raise _malformed(text, at, "a JSON value") from None
    if not isinstance(value, str | int | float):
        raise _malformed(text, at, "a string, number or boolean")
    return value, end


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise _malformed(text, at, f"{character!r}")
    return at + 1


def _malformed(text: str, at: int, expected: str) -> ValueError:
    return ValueError(f"not a field path: {text!r} (expected {expected} at offset {at})")
