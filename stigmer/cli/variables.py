"""Variables on the command line, and what they make of an environment's body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stigmer.cli.dotenv import NAME, NAMES
from stigmer.cli.drafts import Body, set_only
from stigmer.errors import InvalidArgument, Violation


def parse_words(words: Sequence[str], *, removable: bool = False) -> dict[str, str | None]:
    """Variables from KEY=VALUE, and with `removable` from KEY-, whose value is None. Raises InvalidArgument with all
    mistakes, by position."""
    values: dict[str, str | None] = {}
    mistakes: list[Violation] = []
    for number, word in enumerate(words, start=1):
        name, equals, value = word.partition("=")
        if not equals and removable and word.endswith("-"):
            name = word[:-1]
        elif not equals:
            mistakes.append(_mistake(number, f"is not KEY=VALUE{' or KEY-' if removable else ''}"))
            continue
        if not NAME.fullmatch(name):
            mistakes.append(_mistake(number, f"has no name that a variable can have: {NAMES}"))
        elif name in values:
            mistakes.append(_mistake(number, "names a variable that stands before it"))
        elif "\0" in value:
            mistakes.append(_mistake(number, "holds a NUL character"))
        values[name] = value if equals else None
    if mistakes:
        raise InvalidArgument("the variables cannot be read", violations=mistakes)
    return values


def with_variables(body: Body, changes: Mapping[str, str | None]) -> Body:
    """The body of an environment with variables set, and those removed whose value is None."""
    spec = dict(body.get("spec", {}))
    spec["data"] = changed_data(spec.get("data", {}), changes)
    return {**body, "spec": set_only(spec)}


def changed_data(data: Mapping[str, Any], changes: Mapping[str, str | None]) -> Body:
    """`spec.data` with the changes made. What a variable has beside its value stays: one that is declared secret does
    not stop being so."""
    kept = {name: entry for name, entry in data.items() if name not in changes or changes[name] is not None}
    given = {name: {**data.get(name, {}), "value": value} for name, value in changes.items() if value is not None}
    return kept | given


def _mistake(number: int, text: str) -> Violation:
    return Violation(f"variable {number}", text)
