"""The part of CEL that constraints of messages use, read into small trees: whoever documents or translates a rule needs
its structure, while evaluating rules is the server's business.

Read are comparisons, `! && || ?: +`, and the functions `has`, `size` and `startsWith` on `this` and its fields. All
else raises ExpressionError, and the rule is then known by its message only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class ExpressionError(ValueError):
    """An expression beyond what this module reads."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, a whole number, or a truth value."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Field:
    """`this.name`; an empty name is `this` itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`has`, `size`, `startsWith`, or an operator (`!`, `&&`, `||`, `?:`, `+`, `==`, ...) with its operands."""

    function: str
    operands: tuple[Node, ...]


Node = Literal | Field | Call

_SYMBOL = re.compile(
    r"\s*(?:(\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([A-Za-z_]\w*)|(\|\||&&|[=!<>]=|[-+!<>?:().,]))"
)
_ESCAPE = re.compile(r"\\(['\"\\])")
_FUNCTIONS = {"has": 1, "size": 1}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def parse(expression: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    parser = _Parser(_symbols(expression))
    node = parser.ternary()
    parser.expect("")
    return node


def _symbols(text: str) -> list[str]:
    symbols, at = [], 0
    while at < len(text.rstrip()):
        match = _SYMBOL.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read {text[at:]!r}")
        symbols.append(match[0].strip())
        at = match.end()
    return [*symbols, ""]


class _Parser:
    """Recursive descent, one method per level of precedence."""

    def __init__(self, symbols: list[str]) -> None:
        self._symbols = symbols
        self._at = 0

    def ternary(self) -> Node:
        condition = self._chain("||", self._and)
        if not self._take("?"):
            return condition
        chosen = self.ternary()
        self.expect(":")
        return Call("?:", (condition, chosen, self.ternary()))

    def expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise ExpressionError(f"expected {symbol or 'the end'!r}, got {self._symbols[self._at]!r}")

    def _and(self) -> Node:
        return self._chain("&&", self._comparison)

    def _comparison(self) -> Node:
        left = self._chain("+", self._unary)
        operator = self._symbols[self._at]
        if operator not in _COMPARISONS:
            return left
        self._at += 1
        return Call(operator, (left, self._chain("+", self._unary)))

    def _unary(self) -> Node:
        return Call("!", (self._unary(),)) if self._take("!") else self._primary()

    def _primary(self) -> Node:
        symbol = self._next()
        if symbol == "(":
            inner = self.ternary()
            self.expect(")")
            return inner
        if symbol.isdigit():
            return Literal(int(symbol))
        if symbol[:1] in {"'", '"'}:
            return Literal(_ESCAPE.sub(r"\1", symbol[1:-1]))
        if symbol in {"true", "false"}:
            return Literal(symbol == "true")
        if symbol == "this":
            return self._member()
        if symbol in _FUNCTIONS:
            return Call(symbol, self._arguments(_FUNCTIONS[symbol]))
        raise ExpressionError(f"{symbol!r} is not known here")

    def _member(self) -> Node:
        """What stands behind `this`: nothing, a field, a method call, or a field with a method call."""
        field = Field("")
        while self._take("."):
            name = self._next()
            if name == "startsWith":
                return Call(name, (field, *self._arguments(1)))
            if field.name or not name.isidentifier():
                raise ExpressionError(f"{name!r} is not a field of this")
            field = Field(name)
        return field

    def _arguments(self, count: int) -> tuple[Node, ...]:
        self.expect("(")
        arguments = [self.ternary()]
        while self._take(","):
            arguments.append(self.ternary())
        self.expect(")")
        if len(arguments) != count:
            raise ExpressionError(f"expected {count} arguments")
        return tuple(arguments)

    def _chain(self, operator: str, level: object) -> Node:
        assert callable(level)
        operands = [level()]
        while self._take(operator):
            operands.append(level())
        return operands[0] if len(operands) == 1 else Call(operator, tuple(operands))

    def _next(self) -> str:
        symbol = self._symbols[self._at]
        self._at += 1
        return symbol

    def _take(self, symbol: str) -> bool:
        if self._symbols[self._at] != symbol:
            return False
        self._at += 1
        return True
