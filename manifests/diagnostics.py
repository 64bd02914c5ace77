"""Mistakes in manifests as values: where, what, the line itself, and what to do about it.

Every stage of the loader returns diagnostics instead of raising, so that one run shows all mistakes of all files; upper
layers add their own (unknown fields, dangling references) in the same form. `ManifestError` is the package's only
exception: it carries one diagnostic through places that cannot return one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from manifests.excerpt import clip, excerpt, visible

_SHORTEST_RATIO = 0.7  # below this a suggestion is more puzzling than none
_LONGEST_WORD = 64  # comparing words costs the product of their lengths


class Severity(Enum):
    """An ERROR ends the run before anything is planned; a WARNING is shown and the run goes on."""

    ERROR = "error"
    WARNING = "warning"


class Position(NamedTuple):
    """Line and column, both from 1. The column counts characters (code points), not bytes and not screen cells."""

    line: int
    column: int


class Source(NamedTuple):
    """Where something was written. `document` counts the documents of the file from 0; line and column count from 1
    and are 0 where only the file is known; `commit` is set for manifests read from git."""

    path: str
    document: int = 0
    line: int = 0
    column: int = 0
    commit: str = ""

    @property
    def position(self) -> Position:
        return Position(self.line, self.column)

    def __str__(self) -> str:
        path = visible(self.path)
        return f"{path}:{self.line}:{self.column}" if self.line else path

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"file": self.path}
        if self.line:
            out |= {"line": self.line, "column": self.column, "document": self.document}
        if self.commit:
            out["commit"] = self.commit
        return out


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that takes part in a mistake: the first of two equal keys, the next link of a cycle."""

    message: str
    source: Source
    snippet: str = ""
    caret: int = 0

    def __post_init__(self) -> None:
        _shorten(self)

    def render(self, color: bool = False) -> str:
        return _entry("note", self.message, self.source, self.snippet, self.caret, color)

    def to_json(self) -> dict[str, Any]:
        return {"message": self.message, "source": self.source.to_json(), "snippet": self.snippet}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake. `snippet` is the offending line without its line break, `code` a stable lower-case word for
    machines, `hint` what to do. Long snippets are cut around the column when the value is made; `caret` is then the
    column within the cut snippet (0: the same as `source.column`)."""

    severity: Severity
    message: str
    source: Source | None = None
    snippet: str = ""
    hint: str = ""
    related: tuple[Related, ...] = ()
    code: str = ""
    caret: int = 0

    def __post_init__(self) -> None:
        _shorten(self)

    def render(self, color: bool = False) -> str:
        """Several lines without a final line break, safe for a terminal whatever the manifest holds."""
        parts = [_entry(self.severity.value, self.message, self.source, self.snippet, self.caret, color)]
        parts += [note.render(color) for note in self.related]
        if self.hint:
            parts.append(f"{_paint('help:', 'cyan', color)} {visible(self.hint)}")
        return "\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value,
            "code": self.code,
            "message": self.message,
            "source": self.source.to_json() if self.source else None,
            "snippet": self.snippet,
            "hint": self.hint,
            "related": [note.to_json() for note in self.related],
        }


class ManifestError(Exception):
    """A mistake in the input, carried as an exception. `diagnostic` says it with its position."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic

    def __str__(self) -> str:
        source = self.diagnostic.source
        return f"{source}: {visible(self.diagnostic.message)}" if source else visible(self.diagnostic.message)


def error(
    message: str,
    source: Source | None = None,
    snippet: str = "",
    *,
    hint: str = "",
    related: tuple[Related, ...] = (),
    code: str = "",
) -> Diagnostic:
    """An ERROR diagnostic."""
    return Diagnostic(Severity.ERROR, message, source, snippet, hint, related, code)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether the run has to end: warnings do not count."""
    return any(item.severity is Severity.ERROR for item in diagnostics)


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None. Case, `_` and `-` do not count as differences."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(_fold(candidate), candidate)
    wanted = _fold(word)
    if wanted in folded:
        return folded[wanted]
    if not 1 < len(wanted) <= _LONGEST_WORD:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, and most runs have no mistake

    near = get_close_matches(wanted, [name for name in folded if len(name) <= _LONGEST_WORD], 1, _SHORTEST_RATIO)
    return folded[near[0]] if near else None


def _fold(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _shorten(item: Diagnostic | Related) -> None:
    column = item.caret or (item.source.column if item.source else 0)
    snippet, caret = clip(item.snippet, column)
    if snippet != item.snippet:
        object.__setattr__(item, "snippet", snippet)
        object.__setattr__(item, "caret", caret)


def _entry(word: str, message: str, source: Source | None, snippet: str, caret: int, color: bool) -> str:
    shade = {"error": "red", "warning": "yellow"}.get(word, "cyan")
    head = f"{_paint(word + ':', shade, color)} {visible(message)}"
    if source is None:
        return head
    head = f"{_paint(str(source) + ':', 'bold', color)} {head}"
    if not source.line or not snippet.strip():
        return head
    text, marks = excerpt(snippet, caret or source.column)
    return f"{head}\n{source.line:>5} | {text}\n{'':>5} | {_paint(marks, shade, color)}"


_CODES = {"red": "1;31", "yellow": "1;33", "cyan": "36", "bold": "1"}


def _paint(text: str, shade: str, color: bool) -> str:
    return f"\x1b[{_CODES[shade]}m{text}\x1b[0m" if color else text
