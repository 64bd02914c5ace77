"""Label selectors, as Kubernetes writes them: `team=core,tier!=test,env in (a,b),zone notin (x),legacy,!old`.

Requirements are joined by AND. `!=` and `notin` also hold for resources without the label. Values with characters
outside the bare ones are written in double quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stigmer.errors import InvalidArgument, Violation

Labels = Mapping[str, str]

_TOKEN = re.compile(r'\s*(?:(?P<word>[^\s,()=!"]+)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<mark>==|!=|[=!,()]))')
_OPERATORS = {"=", "==", "!="}


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector. `equality` is one of its key=value requirements, for the label index, if it has any."""

    requirements: tuple[Callable[[Labels], bool], ...]
    equality: tuple[str, str] | None

    def matches(self, labels: Labels) -> bool:
        return all(requirement(labels) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """InvalidArgument when `text` is not a selector; an empty one matches everything."""
    parser = _Parser(text, _tokens(text))
    requirements: list[Callable[[Labels], bool]] = []
    while parser.tokens:
        requirements.append(parser.requirement())
        if parser.tokens:
            parser.expect(",")
            if not parser.tokens:
                raise _bad(text, "a requirement after the comma")
    return Selector(tuple(requirements), parser.equality)


def _tokens(text: str) -> list[tuple[str, bool]]:
    """(text, is a mark) of every token."""
    tokens: list[tuple[str, bool]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _bad(text, f"something else than {text[at:].strip()[:20]!r}")
        if match["mark"]:
            tokens.append((match["mark"], True))
        else:
            tokens.append((match["word"] or _unquote(text, match["quoted"]), False))
        at = match.end()
    return tokens


def _unquote(text: str, quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise _bad(text, f"a quoted value instead of {quoted[:20]}") from None


class _Parser:
    def __init__(self, text: str, tokens: list[tuple[str, bool]]) -> None:
        self.text = text
        self.tokens = tokens
        self.equality: tuple[str, str] | None = None

    def requirement(self) -> Callable[[Labels], bool]:
        if self.tokens[0] == ("!", True):
            self.tokens.pop(0)
            absent = self.word("a label")
            return lambda labels: absent not in labels
        key = self.word("a label")
        if not self.tokens or self.tokens[0] == (",", True):
            return lambda labels: key in labels
        return self.comparison(key, *self.tokens.pop(0))

    def comparison(self, key: str, operator: str, is_mark: bool) -> Callable[[Labels], bool]:
        if is_mark and operator in _OPERATORS:
            value = self.word("a value", empty=True)
            if operator == "!=":
                return lambda labels: labels.get(key) != value
            self.equality = (key, value)
            return lambda labels: labels.get(key) == value
        if not is_mark and operator in ("in", "notin"):
            values = self.values()
            if operator == "in":
                return lambda labels: key in labels and labels[key] in values
            return lambda labels: key not in labels or labels[key] not in values
        raise _bad(self.text, f"=, !=, in or notin after {key}")

    def values(self) -> frozenset[str]:
        self.expect("(")
        found = [self.word("a value", empty=True)]
        while self.tokens and self.tokens[0] == (",", True):
            self.tokens.pop(0)
            found.append(self.word("a value", empty=True))
        self.expect(")")
        return frozenset(found)

    def word(self, what: str, *, empty: bool = False) -> str:
        """The next word; with `empty`, nothing before a comma, a bracket or the end stands for the empty value."""
        if self.tokens and not self.tokens[0][1]:
            return self.tokens.pop(0)[0]
        if empty and (not self.tokens or self.tokens[0][0] in ",)"):
            return ""
        raise _bad(self.text, what)

    def expect(self, mark: str) -> None:
        if not self.tokens or self.tokens.pop(0) != (mark, True):
            raise _bad(self.text, f'"{mark}"')


def _bad(text: str, expected: str) -> InvalidArgument:
    return InvalidArgument(
        f"not a label selector: {text!r}",
        violations=[Violation("label_selector", f"expected {expected}")],
        hint='write it like "team=core,tier!=test,env in (a,b),!legacy"',
    )
