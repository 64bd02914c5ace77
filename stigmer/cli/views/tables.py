"""Tables: aligned text in a pipe, drawn by rich on a terminal. Nothing is cut in either: a name or an id that is broken
could not be copied, so that a terminal that is too narrow wraps whole lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean

MAX_DRAWN = 500
"""Rows that are drawn to fit a terminal; more scroll away anyway and come faster as aligned text."""

GAP = "   "


def print_table(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Mapping[str, str] | None = None,
) -> None:
    """Prints rows of untrusted text under headers. `styles` colours cells by what they say."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if console.on_terminal and len(rows) <= MAX_DRAWN:
        _draw(console, headers, cleaned, styles or {})
    else:
        console.write("\n".join(aligned([list(headers), *cleaned])))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns; no blanks at the end of a line."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_character_cells(character) for character in text)


def _character_cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _draw(console: Console, headers: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str]) -> None:
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
    for header in headers:
        table.add_column(Text(header), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, styles.get(cell, "")) for cell in row))
    needed = max(map(cells, aligned([headers, *rows]))) + len(GAP)
    Terminal(
        file=console.out,
        color_system="auto" if console.color_out else None,
        highlight=False,
        width=max(console.width, needed),
    ).print(table, soft_wrap=True)
