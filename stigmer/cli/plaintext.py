"""Text that came from elsewhere, made safe to print.

A name or a message may carry escape sequences that recolour, move or retitle a terminal, or invisible characters that
reorder what is read. Nothing reaches a terminal or a pipe in a human format but through here; JSON has its own way to
write such characters, which loses nothing.
"""

from __future__ import annotations

import json
import re

_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, line-breaking or reordering
    "\ud800-\udfff"  # halves of pairs: not encodable
    "\U000e0000-\U000e007f"  # invisible tags
)
_UNSAFE_OR_BREAK = re.compile(f"[\t\n{_UNSAFE}]+")
_UNSAFE_RUN = re.compile(f"[{_UNSAFE}]+")
_UNSAFE_CHARACTER = re.compile(f"[{_UNSAFE}]")


def clean(text: str) -> str:
    """`text` for one line: unsafe characters are left out, and line breaks and tabs become one space."""
    return _UNSAFE_OR_BREAK.sub(lambda match: " " if "\n" in match[0] or "\t" in match[0] else "", text)


def clean_block(text: str) -> str:
    """`text` of several lines: unsafe characters are left out, line breaks and tabs stay."""
    return _UNSAFE_RUN.sub("", text)


def visible(text: str) -> str:
    """`text` with unsafe characters written as escapes, so that two texts that differ never look the same."""
    return _UNSAFE_CHARACTER.sub(_escape, text)


def quote(value: object) -> str:
    """A value in one line, as JSON; unsafe characters are escaped."""
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def json_text(value: object, *, ascii_only: bool = False, indent: int | None = 2) -> str:
    """`value` as JSON that any reader takes and no terminal obeys."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return _UNSAFE_CHARACTER.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"
