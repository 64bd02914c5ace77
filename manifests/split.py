"""The bytes of a file cut into the texts of its documents, and what is wrong with them as text.

A line that starts with `---` or `...` ends a document whatever surrounds it, by YAML's own rule; cutting there before
parsing keeps a mistake in one document from hiding those in the next. Positions count the line breaks LF, CRLF and CR.
The rarer breaks that libyaml knows besides (NEL, LS, PS) would let a string hide another key, so they are refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, which it starts with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_MARKER = re.compile(rb"(?:\A|\n|\r(?!\n))(---|\.\.\.)(?=[ \t\r\n]|\Z)")
_MARKER_AFTER_LF = re.compile(rb"\n(---|\.\.\.)(?=[ \t\r\n]|\Z)")
_BARE_CR = re.compile(rb"\r(?!\n)")
_LINE_BREAK = re.compile(rb"\r\n?|\n")
_LINE = re.compile(rb"[^\r\n]+")
_TAG_DIRECTIVE = re.compile(rb"[\r\n]%TAG")
_VERSION_DIRECTIVE = re.compile(rb"%YAML[ \t]+1\.[0-9]+[ \t]*(?:#|\Z)")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_RARE_BREAKS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")  # NEL, LS, PS in UTF-8
_NAMES = {0: "NUL", 0x85: "next line", 0x2028: "line separator", 0x2029: "paragraph separator"}


class Chunk(NamedTuple):
    """One document's bytes `data[start:end]` and the number of lines before them."""

    start: int
    end: int
    line: int


class Fault(NamedTuple):
    """Something wrong with the text of a document at `offset` (in bytes of the document)."""

    offset: int
    message: str
    hint: str
    code: str


def unsupported_encoding(data: bytes) -> str | None:
    """The name of the encoding that the file has instead of UTF-8, where its first bytes give it away."""
    for bom, name in _BOMS.items():
        if data.startswith(bom):
            return name
    head = data[:4]
    if head.strip(b"\0") and b"\0\0" in (head[::2], head[1::2]):
        return "UTF-16"
    return None


def chunks(data: bytes) -> Iterable[Chunk]:
    """The documents of a file in order. Texts between markers may hold nothing: the parser finds nothing in them."""
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    marker = _MARKER if _has_bare_cr(data) else _MARKER_AFTER_LF
    if marker.search(data, start) or data[start : start + 3] == b"...":
        return _cut(data, start, marker)
    return (Chunk(start, len(data), 0),)


def _has_bare_cr(data: bytes) -> bool:
    return b"\r" in data and data.count(b"\r") != data.count(b"\r\n")


def _cut(data: bytes, start: int, pattern: re.Pattern[bytes]) -> Iterator[Chunk]:
    line = counted = 0
    for marker, is_end in _markers(data, start, pattern):
        if marker > start:
            line += _breaks(data, counted, start)
            counted = start
            yield Chunk(start, marker, line)
        start = marker + 3 if is_end else marker
    if start < len(data):
        yield Chunk(start, len(data), line + _breaks(data, counted, start))


def _markers(data: bytes, start: int, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, bool]]:
    first = _MARKER.match(data[start : start + 4])
    if first and first.start(1) == 0:
        yield start, first[1] == b"..."
    for match in pattern.finditer(data, start):
        if match.start(1) > start:
            yield match.start(1), match[1] == b"..."


def _breaks(data: bytes, start: int, end: int) -> int:
    breaks = data.count(b"\n", start, end)
    if data.find(b"\r", start, end) >= 0:
        breaks += sum(1 for _ in _BARE_CR.finditer(data, start, end))
    return breaks


def is_suspect(text: bytes) -> bool:
    """Whether libyaml would take something in the text for a line break that is none. Nothing but that is asked here:
    it refuses bad UTF-8 and control characters by itself, and `fault` then says which and where."""
    return not text.isascii() and any(character in text for character in _RARE_BREAKS)


def fault(text: bytes) -> Fault | None:
    """The first byte or character that no manifest may hold."""
    try:
        decoded, problem = text.decode(), None
    except UnicodeDecodeError as caught:
        decoded, problem = text[: caught.start].decode(), caught
    match = _UNREADABLE.search(decoded)
    if match:
        return _character_fault(match.group(), len(decoded[: match.start()].encode()))
    if problem is None:
        return None
    message = f"byte 0x{text[problem.start]:02x} is not valid UTF-8"
    return Fault(problem.start, message, "save the file with the encoding UTF-8", "invalid-utf8")


def _character_fault(character: str, offset: int) -> Fault:
    code = ord(character)
    name = _NAMES.get(code)
    shown = f"U+{code:04X} ({name})" if name else f"the control character U+{code:04X}"
    if code in (0x85, 0x2028, 0x2029):
        hint = f'use an ordinary line break, or write "\\u{code:04x}" in double quotes'
    elif code == 0:
        hint = "this is not a text file, or it was damaged"
    else:
        hint = f'remove it, or write "\\u{code:04x}" in double quotes'
    return Fault(offset, f"{shown} is not allowed", hint, "control-character")


def directive_fault(text: bytes) -> tuple[Fault | None, bool]:
    """What is wrong with `%` lines of a document, and whether the text is nothing but such lines in front of a
    document, which then follows after `---`. `%YAML 1.x` is accepted and changes nothing. `%TAG` is looked for in the
    whole text: libyaml takes time quadratic in their number."""
    if b"%" not in text:
        return None, False
    is_preamble = False
    for match in _LINE.finditer(text):
        line = match.group()
        if line.startswith(b"%"):
            if not _VERSION_DIRECTIVE.match(line):
                return _directive_fault(match.start()), True
            is_preamble = True
        elif line.lstrip(b" \t")[:1] not in (b"", b"#"):
            break
    else:
        return None, is_preamble
    if is_preamble:
        return Fault(match.start(), "a directive is not followed by ---", "remove the directive", "directive"), True
    tag = _TAG_DIRECTIVE.search(text)
    return (_directive_fault(tag.end() - 4), True) if tag else (None, False)


def _directive_fault(offset: int) -> Fault:
    return Fault(offset, "directives are not supported", "remove the line: manifests need none", "directive")


def position(text: bytes, offset: int) -> tuple[int, int]:
    """Line and column of a byte offset, both from 0, the column in characters."""
    line, start = 0, 0
    for match in _LINE_BREAK.finditer(text, 0, offset):
        line, start = line + 1, match.end()
    return line, len(text[start:offset].decode(errors="replace"))


def line_starts(text: bytes) -> list[int]:
    """The offset of every line."""
    return [0, *(match.end() for match in _LINE_BREAK.finditer(text))]


def line_at(text: bytes, starts: list[int], line: int) -> str:
    """The text of a line (from 0) without its break; "" beyond the end. Bytes that are not UTF-8 show as U+FFFD."""
    if not 0 <= line < len(starts):
        return ""
    end = starts[line + 1] if line + 1 < len(starts) else len(text)
    return text[starts[line] : end].rstrip(b"\r\n").decode(errors="replace")
