"""The value of -o: which form a result is printed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stigmer.cli.jsonpath import JsonPath

JSONPATH = "jsonpath="

SINGLE = ("table", "json", "yaml", "jsonpath=EXPR")
"""Formats of a command that has one result."""

LISTING = ("table", "wide", "yaml", "json", "name", "jsonpath=EXPR")
"""Formats of a command that has a list of resources or of changes."""


@dataclass(frozen=True, slots=True)
class Format:
    """`name` is table, wide, yaml, json, name or jsonpath; `path` belongs to jsonpath."""

    name: str
    path: JsonPath | None = None

    @property
    def for_people(self) -> bool:
        """Whether a person reads it."""
        return self.name in {"table", "wide"}


TABLE = Format("table")


def parse_format(text: str, allowed: tuple[str, ...]) -> Format:
    """Reads the value of -o. Raises UsageError for a format that the command does not have."""
    if not text:
        return TABLE
    if text.startswith(JSONPATH) and any(name.startswith(JSONPATH) for name in allowed):
        from stigmer.cli.jsonpath import parse_path

        return Format("jsonpath", parse_path(text.removeprefix(JSONPATH)))
    if text in allowed:
        return Format(text)
    raise click.UsageError(f"-o takes {', '.join(allowed)}; not {text!r}.", click.get_current_context(silent=True))
