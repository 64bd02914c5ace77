"""Where output goes: data to standard output, everything said about it to standard error.

Colour is used per stream and only on a terminal; NO_COLOR, TERM=dumb and --no-color turn it off. Text given to this
module has been made safe before (`stigmer.cli.plaintext`).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

_ANSI = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "magenta": "35", "dim": "2", "bold": "1"}

NO_COLOR_VARIABLE = "NO_COLOR"
"""Set to anything, it turns colour off, as --no-color does."""

DEFAULT_WIDTH = 80
"""Columns of a terminal that does not say how many it has."""


class Console:
    """The two output streams of one process. Every run makes one, also `--help`: this module loads next to nothing."""

    def __init__(self, out: TextIO, err: TextIO, color_out: bool = False, color_err: bool = False) -> None:
        self.out = out
        self.err = err
        self.color_out = color_out
        self.color_err = color_err

    @staticmethod
    def standard(arguments: Iterable[str], environ: Mapping[str, str]) -> Console:
        """The process's own streams; a closed one swallows what is written to it."""
        out, err = _buffered(_usable(sys.stdout)), _usable(sys.stderr)
        allowed = not environ.get(NO_COLOR_VARIABLE) and environ.get("TERM") != "dumb" and "--no-color" not in arguments
        return Console(out, err, allowed and out.isatty(), allowed and err.isatty())

    @property
    def on_terminal(self) -> bool:
        """Whether standard output is read by a person."""
        return self.out.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to read a question and answer it."""
        return sys.stdin is not None and sys.stdin.isatty() and self.err.isatty()

    @property
    def unicode(self) -> bool:
        """Whether standard output can carry any character."""
        return (getattr(self.out, "encoding", None) or "").lower().replace("-", "") in {"utf8", "utf16", "utf32"}

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        import shutil

        return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns

    def write(self, text: str) -> None:
        """Data, with a final newline."""
        self.out.write(text if text.endswith("\n") else text + "\n")

    def write_bytes(self, data: bytes) -> None:
        """Data as it is: what is saved from it is UTF-8, whatever the terminal's encoding."""
        self.out.flush()
        self.out.buffer.write(data)

    def write_error(self, text: str) -> None:
        """Lines on standard error, as they are."""
        self.out.flush()
        self.err.write(text if text.endswith("\n") else text + "\n")
        self.err.flush()

    def success(self, text: str) -> None:
        self._status("✓", "green", text)

    def failure(self, text: str) -> None:
        self._status("✗", "red", text)

    def info(self, text: str) -> None:
        self._status("ℹ", "cyan", text)  # noqa: RUF001 - the information sign is what is meant

    def warning(self, text: str) -> None:
        self._status("⚠", "yellow", text)

    def paint(self, text: str, style: str) -> str:
        """`text` for standard output in a style of this module; plain where colour is off."""
        return painted(text, style) if self.color_out else text

    def paint_error(self, text: str, style: str) -> str:
        """The same for standard error."""
        return painted(text, style) if self.color_err else text

    def flush(self) -> None:
        self.out.flush()
        self.err.flush()

    def _status(self, symbol: str, style: str, text: str) -> None:
        self.write_error(f"{self.paint_error(symbol, style)} {text}")


def painted(text: str, style: str) -> str:
    """`text` in an ANSI style; several style words are separated by blanks."""
    codes = ";".join(_ANSI[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def _buffered(stream: TextIO) -> TextIO:
    """The stream with a buffer, which PYTHONUNBUFFERED takes away: without one, what a pipe does not take at once is
    lost without a word."""
    if not isinstance(getattr(stream, "buffer", None), io.RawIOBase):
        return stream
    encoding, errors = getattr(stream, "encoding", "utf-8"), getattr(stream, "errors", "backslashreplace")
    return open(stream.fileno(), "w", encoding=encoding, errors=errors, closefd=False)


def _usable(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream
