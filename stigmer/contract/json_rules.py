"""Rules over several fields as JSON Schema: constraints in CEL, and fields of which one at most may be given.

A rule becomes `{"if": BROKEN, "then": REFUSAL}`. JSON Schema has no failure with a text of one's own; the refusal
requires a property that is named like the message, so that every validator shows it, and carries the message once more
for editors that know `errorMessage`. A rule beyond the translation is left out: the schema is then looser than the
server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from stigmer.contract.expressions import Call, ExpressionError, Field, Literal, Node
from stigmer.contract.shapes import FieldShape, MessageShape

Schema = dict[str, Any]

_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|]")
_EMPTY = Literal("")
_ZERO = Literal(0)


def refused_unless(holds: Schema, message: str) -> Schema:
    """The rule that an object meets `holds`."""
    return {"if": {"type": "object", "not": holds}, "then": {"required": [message], "errorMessage": message}}


def present(field: FieldShape, *, filled: bool) -> Schema:
    """An object in which the field is given in either spelling; with `filled`, not as an empty text, list or map."""
    value: Schema = {"not": {"type": "null"}}
    if filled:
        value |= {"minLength": 1, "minItems": 1, "minProperties": 1}
    spellings = dict.fromkeys((field.key, field.name))
    given = [{"required": [name], "properties": {name: value}} for name in spellings]
    return given[0] if len(given) == 1 else {"anyOf": given}


def one_of(fields: Sequence[FieldShape], *, required: bool) -> tuple[Schema, str]:
    """That one of the fields at most is given, or with `required` exactly one; and how to say so."""
    given = [present(field, filled=False) for field in fields]
    *names, last = (field.key for field in fields)
    text = f"{', '.join(names)} and {last}" if names else last
    if required:
        return {"oneOf": given}, f"give exactly one of {text}"
    return {"anyOf": [{"not": {"anyOf": given}}, {"oneOf": given}]}, f"give at most one of {text}"


def object_rule(shape: MessageShape, node: Node) -> Schema:
    """The objects of which an expression about a message is true. Raises ExpressionError."""
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return {} if node.value else {"not": {}}
    if not isinstance(node, Call):
        raise ExpressionError(f"{node} is not a condition")
    if node.function in _CONNECTIVES:
        return _CONNECTIVES[node.function](*(object_rule(shape, operand) for operand in node.operands))
    found = _presence(shape, node)
    if found is None:
        found = _counted(shape, node) if node.function == "==" else None
    if found is None and node.function in {"==", "!="}:
        either = {"oneOf": [object_rule(shape, operand) for operand in node.operands]}
        found = either if node.function == "!=" else {"not": either}
    if found is None:
        raise ExpressionError(f"{node.function} has no translation")
    return found


def text_rule(node: Node) -> str:
    """The pattern of the texts of which an expression about a string is true: prefixes, and the empty text. Raises
    ExpressionError."""
    choices = node.operands if isinstance(node, Call) and node.function == "||" else (node,)
    return "|".join(_text_choice(choice) for choice in choices)


def literally(text: str) -> str:
    """The pattern of a text itself, in the syntax that all dialects of regular expressions share."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def holds_of(node: Node, given: frozenset[str]) -> bool:
    """Whether an expression is true of a message in which just these fields are set. Raises ExpressionError."""
    return bool(_value_of(node, given))


def _all(*schemas: Schema) -> Schema:
    return {"allOf": list(schemas)}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _not(schema: Schema) -> Schema:
    return schema["not"] if set(schema) == {"not"} else {"not": schema}


def _if(condition: Schema, chosen: Schema, other: Schema) -> Schema:
    return {"if": condition, "then": chosen, "else": other}


_CONNECTIVES: dict[str, Callable[..., Schema]] = {"&&": _all, "||": _any, "!": _not, "?:": _if}


def _presence(shape: MessageShape, node: Call) -> Schema | None:
    """`has(this.x)`, and comparisons of a text or a list with nothing."""
    if node.function == "has" and isinstance(node.operands[0], Field):
        return present(_field(shape, node.operands[0]), filled=False)
    if len(node.operands) != 2:
        return None
    left, right = node.operands
    if isinstance(left, Call) and left.function == "size" and right == _ZERO:
        left, right = left.operands[0], _EMPTY
    if not isinstance(left, Field) or right != _EMPTY:
        return None
    given = present(_field(shape, left), filled=True)
    return {"==": {"not": given}, "!=": given, ">": given}.get(node.function)


def _counted(shape: MessageShape, node: Call) -> Schema | None:
    """`(A ? 1 : 0) + (B ? 1 : 0) + ... == 1`."""
    total, wanted = node.operands
    if not isinstance(total, Call) or total.function != "+" or wanted != Literal(1):
        return None
    terms = [term for term in total.operands if isinstance(term, Call) and term.operands[1:] == (Literal(1), _ZERO)]
    if len(terms) != len(total.operands):
        return None
    return {"oneOf": [object_rule(shape, term.operands[0]) for term in terms]}


def _field(shape: MessageShape, field: Field) -> FieldShape:
    known = shape.by_name.get(field.name)
    if known is None:
        raise ExpressionError(f"{shape.full_name} has no field {field.name!r}")
    return known


def _text_choice(node: Node) -> str:
    if isinstance(node, Call):
        subject, text = (*node.operands, None)[:2]
        if subject == Field("") and isinstance(text, Literal) and isinstance(text.value, str):
            if node.function == "startsWith":
                return "^" + literally(text.value)
            if node.function == "==":
                return f"^{literally(text.value)}$"
    raise ExpressionError(f"{node} is not a prefix of a text")


def _value_of(node: Node, given: frozenset[str]) -> Any:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Field):
        return "given" if node.name in given else ""
    values = [_value_of(operand, given) for operand in node.operands]
    apply = _OPERATIONS.get(node.function)
    if apply is None:
        raise ExpressionError(f"{node.function} is not evaluated")
    return apply(values)


_OPERATIONS: dict[str, Callable[[list[Any]], Any]] = {
    "has": lambda values: values[0] != "",
    "size": lambda values: len(values[0]),
    "!": lambda values: not values[0],
    "&&": all,
    "||": any,
    "?:": lambda values: values[1] if values[0] else values[2],
    "+": sum,
    "==": lambda values: values[0] == values[1],
    "!=": lambda values: values[0] != values[1],
    "<": lambda values: values[0] < values[1],
    "<=": lambda values: values[0] <= values[1],
    ">": lambda values: values[0] > values[1],
    ">=": lambda values: values[0] >= values[1],
}
