"""One line of a manifest as a terminal may show it: cut to a width, nothing that could drive the terminal, and a row of
carets under the word that starts at a column. Used by `diagnostics`; knows nothing of YAML beyond what ends a word.
"""

from __future__ import annotations

import re
import unicodedata

SNIPPET_CHARACTERS = 240
"""Characters that a diagnostic keeps of its line: a line may have a million, and a file a thousand mistakes."""

EXCERPT_CHARACTERS = 100
"""Characters of a snippet that are printed."""

_ELLIPSIS = "…"

# C0 and C1 controls, line separators, bidirectional overrides and isolates, invisible format characters, surrogates.
# Zero-width joiners stay: emoji are made with them, and they move nothing.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s,:\[\]{}"']+""")


def visible(text: str) -> str:
    """The text with everything that could drive or confuse a terminal replaced by something that shows."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_picture, text)


def clip(line: str, column: int, width: int = SNIPPET_CHARACTERS) -> tuple[str, int]:
    """At most about `width` characters of the line around `column` (from 1), and the column in what is left."""
    if len(line) <= width:
        return line, column
    at = min(max(column - 1, 0), len(line))
    start = max(0, min(at - width // 3, len(line) - width))
    end = start + width
    left = _ELLIPSIS if start else ""
    right = _ELLIPSIS if end < len(line) else ""
    return left + line[start:end] + right, at - start + len(left) + 1


def excerpt(line: str, column: int) -> tuple[str, str]:
    """The printable line, and carets that stand under the word starting at `column` (from 1)."""
    line, column = clip(line.rstrip("\r\n"), column, EXCERPT_CHARACTERS)
    at = min(max(column - 1, 0), len(line))
    match = _WORD.match(line, at)
    end = match.end() if match else at + 1
    before = visible(line[:at])
    marked = visible(line[at:end])
    return visible(line), " " * _cells(before) + "^" * max(1, _cells(marked))


def _picture(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character == "\t":
        return "→"
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def _cells(text: str) -> int:
    """Screen cells: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
