"""Dotenv files: text -> variables.

Whatever is wrong, a message says where and never what stands there: any part of a line may be a secret, also what looks
like a name in a line that was cut in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stigmer.errors import InvalidArgument, Violation

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The contract's rule for names of variables. It is held here too, because the server's refusal names the key."""

NAMES = "a name has letters, digits and _, and begins with no digit"

_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=([ \t]*)")
_BARE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"[ \t]#.*")
_QUOTED = {'"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL), "'": re.compile(r"'([^']*)'")}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}


def parse_dotenv(text: str, place: str) -> dict[str, str]:
    """The variables of a dotenv file, in its order. `place` is its name in messages.

    A line is `KEY=VALUE`, perhaps after `export`, or a comment. A bare value ends at the line's end or before a `#`
    that follows a blank. Quoted values may have several lines: single quotes take everything as it is, double quotes
    know \\n, \\r, \\t, \\", \\\\, \\$ and \\`. Nothing is expanded. Raises InvalidArgument with all mistakes, by line.
    """
    lines = _Lines(text.removeprefix("\ufeff").replace("\r\n", "\n"), place)
    values = dict(lines.variables())
    if lines.mistakes:
        raise InvalidArgument(f"{place} cannot be read as a dotenv file", violations=lines.mistakes)
    return values


@dataclass(slots=True)
class _Lines:
    """The reading of one file, with the mistakes found so far."""

    text: str
    place: str
    mistakes: list[Violation] = field(default_factory=list)
    _first: dict[str, int] = field(default_factory=dict)

    def variables(self) -> Iterator[tuple[str, str]]:
        at, line = 0, 1
        while at < len(self.text):
            end = at
            blank = _BLANK.match(self.text, at)
            if blank:
                end = blank.end()
            else:
                name, value, end = self._assignment(at, line)
                if name:
                    yield name, value
            line += self.text.count("\n", at, end)
            at = end

    def _assignment(self, at: int, line: int) -> tuple[str, str, int]:
        """Name, value and the start of the next line; no name for a mistake."""
        found = _ASSIGNMENT.match(self.text, at)
        if found is None:
            self._mistake(line, f"expected KEY=VALUE; {NAMES}")
            return "", "", self._next(at)
        name, blanks, start = found[1], found[2], found.end()
        quote = _QUOTED.get(self.text[start : start + 1])
        value, end = self._quoted(quote, start, line) if quote else self._bare(blanks, start)
        first = self._first.setdefault(name, line)
        if value is not None and first != line:
            self._mistake(line, f"the variable of line {first} is given again")
        if value is not None and "\0" in value:
            self._mistake(line, "the value holds a NUL character")
        return (name if value is not None else ""), value or "", end

    def _bare(self, blanks: str, start: int) -> tuple[str, int]:
        found = _BARE.match(self.text, start)
        assert found is not None
        value = _COMMENT.sub("", blanks + found[0], count=1).strip()
        return value, self._next(start)

    def _quoted(self, form: re.Pattern[str], start: int, line: int) -> tuple[str | None, int]:
        found = form.match(self.text, start)
        if found is None:
            self._mistake(line, "the quote that opens here is never closed")
            return None, len(self.text)
        rest = _BLANK.match(self.text, found.end())
        if rest is None:
            self._mistake(line + found[0].count("\n"), "something follows the closing quote")
            return None, self._next(found.end())
        value = found[1] if self.text[start] == "'" else _ESCAPE.sub(_unescaped, found[1])
        return value, rest.end()

    def _next(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def _mistake(self, line: int, text: str) -> None:
        self.mistakes.append(Violation(f"{self.place}:{line}", text))


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[0])
