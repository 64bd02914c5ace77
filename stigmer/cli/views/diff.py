"""Field-level differences as lines to read.

A short value stands on the line of its field, a long text as a line diff, a free-form value as the places inside it
that differ. Work is bounded: comparing texts line by line is quadratic, so that what is larger than the limits below
is named by its size and digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from stigmer.cli.plaintext import quote, visible
from stigmer.cli.views.changes import FieldLine
from stigmer.cli.views.lines import Line

MAX_INLINE = 72
"""Characters of a value, quoted, that stands on the line of its field."""

MAX_TEXT = 64 * 1024
"""Characters of a text that is compared line by line, or shown in full."""

MAX_LINES = 2_000
"""Lines of a text that is compared line by line."""

MAX_SHOWN = 200
"""Lines shown of one field."""

CONTEXT = 2
"""Unchanged lines shown around a change."""

SYMBOLS = {"add": "+", "replace": "~", "remove": "-"}
STYLES = {"add": "green", "replace": "yellow", "remove": "red"}

_INDENT = "    "


def field_lines(field: FieldLine, indent: str = _INDENT) -> list[Line]:
    """The lines of one changed field, the first naming it."""
    symbol, style = SYMBOLS.get(field.op, "~"), STYLES.get(field.op, "yellow")
    head = f"{indent}{symbol} {visible(field.path)}:"
    inline, below = _sides(field)
    lines = [Line(f"{head} {inline}", style)]
    shown = list(islice(below, MAX_SHOWN + 1))
    if len(shown) > MAX_SHOWN:
        shown[MAX_SHOWN:] = [Line("…", "dim")]
    return lines + [Line(f"{indent}    {line.text}", line.style) for line in shown]


def _sides(field: FieldLine) -> tuple[str, Iterator[Line]]:
    """What stands on the field's own line, and what below it."""
    before, after = field.before, field.after
    if field.op in {"add", "remove"}:
        return _one_side(after if field.op == "add" else before, field.op)
    if isinstance(before, str) and isinstance(after, str):
        return _texts(before, after)
    if isinstance(before, dict | list) and isinstance(after, dict | list):
        return _structures(before, after)
    return f"{_short(before)} → {_short(after)}", iter(())


def _one_side(value: Any, op: str) -> tuple[str, Iterator[Line]]:
    quoted = quote(value)
    if len(quoted) <= MAX_INLINE and not (isinstance(value, str) and is_block(value)):
        return quoted, iter(())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if len(text) > MAX_TEXT:
        return size(value), iter(())
    if "\n" not in text:
        return quoted, iter(())
    symbol, style = SYMBOLS[op], STYLES[op]
    return _count(text), (Line(f"{symbol} {visible(line)}", style) for line in lines_of(text))


def _texts(before: str, after: str) -> tuple[str, Iterator[Line]]:
    short = len(quote(before)) + len(quote(after)) <= 2 * MAX_INLINE
    if short and not is_block(before) and not is_block(after):
        return f"{quote(before)} → {quote(after)}", iter(())
    old, new = lines_of(before), lines_of(after)
    if max(len(before), len(after)) > MAX_TEXT or max(len(old), len(new)) > MAX_LINES:
        return f"{size(before)} → {size(after)}", iter(())
    if len(old) <= 1 and len(new) <= 1:
        return _long_line(before, after)
    if old == new:
        return "only the line ends differ", iter(())
    return f"{_count(before)} → {_count(after)}", _line_diff(old, new)


def _long_line(before: str, after: str) -> tuple[str, Iterator[Line]]:
    """Two long lines: what they share at both ends is left out but for a few characters."""
    start, end = shared_ends(before, after)
    keep = MAX_INLINE // 4
    head = "…" if start > keep else ""
    tail = "…" if end > keep else ""
    pieces = [text[max(0, start - keep) : len(text) - max(0, end - keep)] for text in (before, after)]
    removed, added = (f"{head}{visible(piece)}{tail}" for piece in pieces)
    return "one line", iter((Line(f"- {removed}", "red"), Line(f"+ {added}", "green")))


def shared_ends(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, int]:
    """How much two sequences share at the start, and of the rest at the end."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    return start, end


def _line_diff(old: list[str], new: list[str]) -> Iterator[Line]:
    from difflib import unified_diff

    start, end = shared_ends(old, new)
    first, last = max(0, start - CONTEXT), max(0, end - CONTEXT)
    changed = unified_diff(old[first : len(old) - last], new[first : len(new) - last], n=CONTEXT, lineterm="")
    hunks = 0
    for line in islice(changed, 2, None):
        if line.startswith("@@"):
            hunks += 1
            if hunks > 1:
                yield Line("…", "dim")
            continue
        yield Line(f"{line[:1]} {visible(line[1:])}".rstrip(), {"+": "green", "-": "red"}.get(line[:1], ""))


def _structures(before: Any, after: Any) -> tuple[str, Iterator[Line]]:
    old, new = quote(before), quote(after)
    if len(old) + len(new) <= MAX_INLINE:
        return f"{old} → {new}", iter(())
    if max(len(old), len(new)) > MAX_TEXT:
        return f"{size(before)} → {size(after)}", iter(())
    from stigmer.cli.views.freeform import inner_changes

    changes = [field_lines(change, "") for change in inner_changes(before, after)]
    return f"{len(changes)} differences inside", (line for lines in changes for line in lines)


def _short(value: Any) -> str:
    quoted = quote(value)
    return quoted if len(quoted) <= MAX_TEXT else size(value)


def is_block(text: str) -> bool:
    """Whether a text has several lines."""
    return "\n" in text.rstrip("\n")


def lines_of(text: str) -> list[str]:
    """The lines of a text; a final line break ends the last one."""
    return text.removesuffix("\n").split("\n")


def _count(text: str) -> str:
    lines = len(lines_of(text))
    return f"{lines:,} lines" if lines != 1 else "1 line"


def size(value: Any) -> str:
    """A value too large to show, by its length and digest."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{len(text):,} characters (sha256 {digest})"
