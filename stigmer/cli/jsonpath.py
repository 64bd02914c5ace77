"""A small part of kubectl's JSONPath: enough to take values out of a result.

    {.metadata.name}              a member
    {.items[*].metadata.slug}     a member of every item
    {.items[0]} {.items[-1]}      an item, counted from the start or the end
    {.labels['a.b/c']}            a member whose name is no plain word; double quotes do too
    {.kind}/{.metadata.slug}      text around the braces stays; {"\\n"} is a line break
    .metadata.name                one expression may leave its braces out

Several values are separated by blanks. A string is printed as it is, anything else as JSON; what is not there prints
nothing, because an unset field is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

MAX_LENGTH = 4096
"""Characters of an expression."""

_STEP = re.compile(
    r"""\.(?P<word>[A-Za-z0-9_-]+)
      | \.?\[(?P<index>-?[0-9]{1,9})\]
      | \.?\[(?P<every>\*)\]
      | \.(?P<each>\*)
      | \.?\['(?P<single>(?:[^'\\]|\\.)*)'\]
      | \.?\["(?P<double>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)
_PART = re.compile(
    r"""\{\s*(?P<path>[^{}"']*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^{}"']*)*)\}
      | (?P<text>[^{}]+)""",
    re.VERBOSE,
)


class Every:
    """The step that goes to every member."""


EVERY = Every()
Step = str | int | Every


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A parsed template: literal texts and paths, in order."""

    parts: tuple[str | tuple[Step, ...], ...]

    def render(self, value: object) -> str:
        """The template filled in from `value`, which is JSON-like."""
        return "".join(part if isinstance(part, str) else _joined(_walk([value], part)) for part in self.parts)


def parse_path(text: str) -> JsonPath:
    """Reads a template. Raises UsageError naming the place that cannot be read."""
    if not text.strip():
        raise _error("is empty: write for example {.metadata.name}")
    if len(text) > MAX_LENGTH:
        raise _error(f"is longer than {MAX_LENGTH} characters")
    if "{" not in text and "}" not in text:
        return JsonPath((_steps(text.strip()),))
    parts: list[str | tuple[Step, ...]] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise _error(f"cannot be read from {text[position : position + 20]!r} on: a brace is missing or too many")
        parts.append(match["text"] if match["text"] is not None else _part(match["path"].strip()))
        position = match.end()
    return JsonPath(tuple(parts))


def _part(text: str) -> str | tuple[Step, ...]:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return _unescaped(text[1:-1])
    return _steps(text)


def _steps(text: str) -> tuple[Step, ...]:
    text = text.removeprefix("$").removeprefix("@")
    if text and text[0] not in ".[":
        text = "." + text
    if text in {"", "."}:
        return ()
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            rest = text[position : position + 20]
            raise _error(f"cannot be read from {rest!r} on: steps are .name, [0], [*] and ['name']")
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["every"] or match["each"]:
        return EVERY
    if match["index"] is not None:
        return int(match["index"])
    if match["word"] is not None:
        return match["word"]
    return _unescaped(match["single"] if match["single"] is not None else match["double"])


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)


def _walk(values: Iterable[object], steps: tuple[Step, ...]) -> Iterator[object]:
    for step in steps:
        values = [found for value in values for found in _members(value, step)]
    return iter(values)


def _members(value: object, step: Step) -> Iterator[object]:
    if isinstance(value, dict):
        if isinstance(step, Every):
            yield from value.values()
        elif str(step) in value:
            yield value[str(step)]
    elif isinstance(value, list):
        if isinstance(step, Every):
            yield from value
        elif isinstance(step, int) and -len(value) <= step < len(value):
            yield value[step]


def _joined(values: Iterator[object]) -> str:
    return " ".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)


def _error(what: str) -> click.UsageError:
    return click.UsageError(f"The jsonpath expression {what}.", click.get_current_context(silent=True))
