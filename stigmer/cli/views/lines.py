"""One line of output with the style it has on a terminal."""

from __future__ import annotations

from typing import NamedTuple

from stigmer.cli.console import Console


class Line(NamedTuple):
    """`text` is safe to print; `style` is one of `stigmer.cli.console`, or empty."""

    text: str
    style: str = ""


def write_lines(lines: list[Line], console: Console) -> None:
    """Prints lines to standard output in one piece."""
    if lines:
        console.write("\n".join(console.paint(text, style) if style else text for text, style in lines))
