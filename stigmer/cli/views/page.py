"""Pages to read: names and values under headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean, clean_block
from stigmer.cli.views.tables import aligned, cells


@dataclass(frozen=True, slots=True)
class Page:
    """`fields` are (name, lines of the value); `tables` are (title, rows), the first row being headers; `blocks` are
    (title, text)."""

    title: str
    fields: Sequence[tuple[str, Sequence[str]]]
    tables: Sequence[tuple[str, Sequence[Sequence[str]]]] = ()
    blocks: Sequence[tuple[str, str]] = ()


def print_fields(fields: Sequence[tuple[str, str]], console: Console) -> None:
    """Prints names and values, one pair a line."""
    print_page(Page("", [(name, [value]) for name, value in fields]), console)


def print_page(page: Page, console: Console) -> None:
    """Prints a whole page; empty tables and blocks are left out."""
    lines = [console.paint(clean(page.title), "bold"), ""] if page.title else []
    lines += _fields(page.fields, console)
    for title, rows in page.tables:
        if len(rows) > 1:
            cleaned = [[clean(cell) for cell in row] for row in rows]
            lines += ["", console.paint(title, "bold"), *(f"  {line}" for line in aligned(cleaned))]
    for title, text in page.blocks:
        if text.strip():
            indented = (f"  {line}".rstrip() for line in clean_block(text).rstrip().split("\n"))
            lines += ["", console.paint(title, "bold"), *indented]
    console.write("\n".join(lines))


def _fields(fields: Sequence[tuple[str, Sequence[str]]], console: Console) -> list[str]:
    width = max((cells(name) for name, _ in fields), default=0)
    lines = []
    for name, values in fields:
        label = console.paint(name, "dim") + " " * (width - cells(name))
        for number, value in enumerate(values or ["-"]):
            head = label if not number else " " * width
            lines.append(f"{head}   {clean(value) or '-'}".rstrip())
    return lines
