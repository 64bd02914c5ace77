"""List filters: the part of AIP-160 that joins comparisons by AND, over name, slug, owner, protect and labels.KEY.

    slug = "a*" AND protect = true AND labels.team != "core"

A `*` at either end of a text stands for anything. What is not of this form is refused, never ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from stigmer.errors import InvalidArgument, Violation

Predicate = Callable[[Any, Any], bool]
"""(content message, stored resource) -> whether it matches."""

_COMPARISON = re.compile(
    r'\s*(?P<field>[A-Za-z_][\w-]*(?:\.(?:[\w-]+|"(?:[^"\\]|\\.)*"))?)'
    r"\s*(?P<operator>!=|=)"
    r'\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s"()<>=!:]+)\s*'
)
_AND = re.compile(r"AND\s")
_FIELDS: dict[str, Callable[[Any, Any], str]] = {
    "name": lambda content, _: content.metadata.name,
    "slug": lambda _, stored: stored.slug,
    "owner": lambda _, stored: stored.state.owner,
    "protect": lambda content, _: "true" if content.metadata.protect else "false",
}


def parse_filter(text: str) -> Predicate:
    """InvalidArgument when `text` is not a filter; an empty one matches everything."""
    predicates: list[Predicate] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        if predicates:
            joined = _AND.match(text, at)
            if joined is None:
                raise _bad(text, f"AND instead of {text[at:][:20]!r}")
            at = joined.end()
        comparison = _COMPARISON.match(text, at)
        if comparison is None:
            raise _bad(text, f'a comparison such as slug = "a*" instead of {text[at:][:20]!r}')
        predicates.append(_predicate(text, comparison["field"], comparison["operator"], comparison["value"]))
        at = comparison.end()
    return lambda content, stored: all(predicate(content, stored) for predicate in predicates)


def _predicate(text: str, field: str, operator: str, value: str) -> Predicate:
    read = _reader(text, field)
    wanted = _text(text, value)
    if field == "protect" and wanted not in ("true", "false"):
        raise _bad(text, "true or false for protect")
    matches = _pattern(wanted)
    if operator == "=":
        return lambda content, stored: matches(read(content, stored))
    return lambda content, stored: not matches(read(content, stored))


def _reader(text: str, field: str) -> Callable[[Any, Any], str]:
    group, _, name = field.partition(".")
    if group == "labels" and name:
        key = _text(text, name)
        return lambda content, _: content.metadata.labels.get(key, "")
    if field not in _FIELDS:
        raise _bad(text, f"{', '.join(_FIELDS)} or labels.KEY instead of {field}")
    return _FIELDS[field]


def _text(text: str, value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        raise _bad(text, f"a quoted value instead of {value[:20]}") from None


def _pattern(wanted: str) -> Callable[[str], bool]:
    inner = wanted.strip("*") if wanted != "*" else ""
    if wanted == "*":
        return bool
    if wanted.startswith("*") and wanted.endswith("*"):
        return lambda value: inner in value
    if wanted.endswith("*"):
        return lambda value: value.startswith(inner)
    if wanted.startswith("*"):
        return lambda value: value.endswith(inner)
    return lambda value: value == wanted


def _bad(text: str, expected: str) -> InvalidArgument:
    return InvalidArgument(
        f"not a filter: {text!r}",
        violations=[Violation("filter", f"expected {expected}")],
        hint='write it like: slug = "a*" AND protect = true',
    )
