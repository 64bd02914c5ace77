"""Reading CEL: what the contract uses is read, everything else is refused as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer.contract.annotations import default_annotations
from stigmer.contract.expressions import Call, ExpressionError, Field, Literal, parse
from stigmer.contract.json_rules import holds_of, text_rule

UNREADABLE = ("this.tasks.map(t, t.name).unique()",)
"""Expressions of the contract that this program knows by their message only."""


def test_precedence_is_that_of_cel() -> None:
    either = Call("||", (Field("a"), Call("&&", (Field("b"), Call("!", (Field("c"),))))))
    assert parse("this.a || this.b && !this.c") == either
    assert parse("this.a != '' ? 1 : 0") == Call("?:", (Call("!=", (Field("a"), Literal(""))), Literal(1), Literal(0)))
    assert parse("(1 + 2 == 3)") == Call("==", (Call("+", (Literal(1), Literal(2))), Literal(3)))


def test_a_text_keeps_what_its_quotes_hold() -> None:
    assert parse(r"this.startsWith('it\'s ${')") == Call("startsWith", (Field(""), Literal("it's ${")))


@pytest.mark.parametrize(
    "text",
    [
        *("", "this.", "a", "has(", "1 ?", "'abc", "this.a.b", "has(this.a, this.b)", "size()", "((", "&&", "1 2"),
        *("this.startsWith", "this.a.exists(x, x)", "[1]", "has(this.a)) ", "this.a ? 1", "\N{SNOWMAN}"),
    ],
)
def test_what_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@settings(max_examples=300)
@given(st.text("this.ab()'\\ !&|?:=<>+-01,\"", max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        parse(text)
    except ExpressionError:
        return


def test_all_rules_of_the_contract_but_the_known_ones_are_read() -> None:
    constraints = default_annotations().constraints
    messages = ("AgentSpec", "McpServerUse", "WorkflowSpec", "DslTask")
    rules = [rule for name in messages for rule in constraints.of_message(f"stigmer.backend.v1.{name}")]
    unread = []
    for rule in rules:
        try:
            parse(rule.expression)
        except ExpressionError:
            unread.append(rule.expression)
    assert len(rules) > len(unread)
    assert tuple(unread) == UNREADABLE


def test_an_expression_is_evaluated_for_fields_that_are_given() -> None:
    node = parse("this.server != '' ? this.name == '' && !has(this.stdio) : this.name != '' && has(this.stdio)")
    assert holds_of(node, frozenset({"server"}))
    assert holds_of(node, frozenset({"name", "stdio"}))
    assert not holds_of(node, frozenset())
    assert not holds_of(node, frozenset({"server", "name"}))


def test_prefixes_become_a_pattern() -> None:
    rule = parse("this == '' || this.startsWith('http://') || this.startsWith('${')")
    assert text_rule(rule) == r"^$|^http://|^\$\{"
    with pytest.raises(ExpressionError):
        text_rule(parse("size(this) > 3"))
