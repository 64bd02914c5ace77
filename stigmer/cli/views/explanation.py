"""What `stigmer explain` says of a kind or a field: for people, and as an object for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean, clean_block

if TYPE_CHECKING:
    from stigmer.contract import Kind
    from stigmer.contract.explain import FieldEntry

Below = Sequence[tuple[int, "FieldEntry"]]
"""Fields with their depth below the one that is explained, from 0."""

WIDEST = 100
"""Columns of running text; longer lines are harder to read."""

INDENT = "  "


def print_explanation(kind: Kind, entry: FieldEntry, below: Below, console: Console, *, recursive: bool) -> None:
    """Prints one field, or the kind itself, and what may be written below it."""
    width = min(console.width, WIDEST)
    lines = [*_head(kind, entry, console), *_texts(entry, console, width)]
    if below:
        lines += ["", console.paint("FIELDS", "bold")]
    for depth, field in below:
        lines.append(f"{INDENT * (depth + 1)}{_signature(field, console)}")
        if not recursive:
            lines += _wrapped(field.description, INDENT * 3, width)
    console.write("\n".join(lines))


def print_kinds(entries: Sequence[tuple[Kind, FieldEntry]], console: Console) -> None:
    """Prints the kinds there are."""
    from stigmer.cli.views.tables import print_table

    rows = [[kind.name, kind.plural, ", ".join(kind.short_names), entry.description] for kind, entry in entries]
    print_table(console, ["KIND", "PLURAL", "OTHER WORDS", "DESCRIPTION"], rows)


def kind_object(kind: Kind, entry: FieldEntry) -> dict[str, Any]:
    """A kind for programs."""
    return {
        "kind": kind.name,
        "apiVersion": kind.api_version,
        "plural": kind.plural,
        "shortNames": list(kind.short_names),
        "description": entry.description,
    }


def explanation_object(kind: Kind, entry: FieldEntry, below: Below) -> dict[str, Any]:
    """A field for programs, with the fields below it under `fields`; the kind itself has an empty path."""
    value = {"kind": kind.name, "apiVersion": kind.api_version, **field_object(entry)}
    levels: list[list[dict[str, Any]]] = [value["fields"]]
    for depth, field in below:
        found = field_object(field)
        del levels[depth + 1 :]
        levels[depth].append(found)
        levels.append(found["fields"])
    return value


def field_object(entry: FieldEntry) -> dict[str, Any]:
    """One field; always the same keys."""
    reference = entry.reference
    return {
        "path": entry.path,
        "name": entry.name,
        "type": entry.type,
        "description": entry.description,
        "required": entry.required,
        "unless": list(entry.unless),
        "readOnly": entry.read_only,
        "immutable": entry.immutable,
        "deprecated": entry.deprecated,
        "secret": entry.secret,
        "secretWhen": entry.secret_when,
        "listType": entry.list_type,
        "listKey": entry.list_key,
        "reference": {"kind": reference.kind, "required": reference.required} if reference else None,
        "sibling": entry.sibling,
        "oneOf": list(entry.one_of),
        "default": entry.default,
        "choices": [{"value": choice.text, "description": choice.description} for choice in entry.choices],
        "constraints": list(entry.constraints),
        "rules": list(entry.rules),
        "shorthands": list(entry.shorthands),
        "examples": list(entry.examples),
        "fields": [],
    }


def _head(kind: Kind, entry: FieldEntry, console: Console) -> list[str]:
    lines = [("KIND", kind.name), ("VERSION", kind.api_version)]
    if entry.path:
        lines += [("FIELD", entry.path), ("TYPE", entry.type)]
    else:
        lines.append(("WORDS", ", ".join(kind.words)))
    if entry.marks:
        lines.append(("NOTES", ", ".join(entry.marks)))
    if entry.default:
        lines.append(("DEFAULT", entry.default))
    return [f"{console.paint(name, 'bold')}{' ' * (10 - len(name))}{clean(value)}" for name, value in lines]


def _texts(entry: FieldEntry, console: Console, width: int) -> Iterator[str]:
    choices = [
        f"{choice.text}: {choice.description}" if choice.description else choice.text for choice in entry.choices
    ]
    blocks = (
        ("DESCRIPTION", [entry.description] if entry.description else []),
        ("VALUES", choices),
        ("CONSTRAINTS", entry.constraints),
        ("RULES", entry.rules),
        ("SHORTHANDS", entry.shorthands),
        ("EXAMPLES", [str(example) for example in entry.examples]),
    )
    for title, lines in blocks:
        if lines:
            yield ""
            yield console.paint(title, "bold")
            for line in lines:
                yield from _wrapped(line, INDENT, width)


def _signature(entry: FieldEntry, console: Console) -> str:
    text = f"{entry.name} {console.paint(f'<{entry.type}>', 'dim')}"
    return f"{text} {console.paint(', '.join(entry.marks), 'cyan')}" if entry.marks else text


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """Paragraphs in lines of `width` columns; a second line of the same paragraph goes in no further."""
    for number, paragraph in enumerate(clean_block(text).split("\n\n") if text else ()):
        if number:
            yield ""
        yield from textwrap.wrap(
            paragraph, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
        )
