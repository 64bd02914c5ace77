"""The subset of JSONPath. Assumes nothing."""

from __future__ import annotations

import click
import pytest

from stigmer.cli.jsonpath import parse_path

VALUE = {
    "kind": "Agent",
    "metadata": {"name": "Support Bot", "generation": 3, "labels": {"a.b/c": "x", "it's": "quoted", "team": "core"}},
    "items": [{"slug": "a", "on": True}, {"slug": "b"}, {"slug": "c", "spec": {"n": None}}],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.kind}", "Agent"),
        (".kind", "Agent"),
        ("kind", "Agent"),
        ("{$.kind}", "Agent"),
        ("{.metadata.generation}", "3"),
        ("{.items[0].slug}", "a"),
        ("{.items[-1].slug}", "c"),
        ("{.items[*].slug}", "a b c"),
        ("{.items[0].on}", "true"),
        ("{.items[2].spec}", '{"n": null}'),
        ("{.metadata.labels['a.b/c']}", "x"),
        ('{.metadata.labels["a.b/c"]}', "x"),
        ("{.metadata.labels['it\\'s']}", "quoted"),
        ("{.metadata.labels.*}", "x quoted core"),
        ("{['kind']}", "Agent"),
        ("{.items}", '[{"slug": "a", "on": true}, {"slug": "b"}, {"slug": "c", "spec": {"n": null}}]'),
        ("{.kind}/{.metadata.name}", "Agent/Support Bot"),
        ('{.kind}{"\\n"}{.metadata.name}', "Agent\nSupport Bot"),
        ("{'{'}{.kind}", "{Agent"),
        ("{.missing}", ""),
        ("{.missing.deeper[3]}", ""),
        ("{.items[9].slug}", ""),
        ("{.kind.deeper}", ""),
        ("{.metadata[0]}", ""),
    ],
)
def test_values_are_taken_out(template: str, text: str) -> None:
    assert parse_path(template).render(VALUE) == text


def test_the_whole_value_can_be_named() -> None:
    assert parse_path("{$}").render({"a": 1}) == '{"a": 1}'


@pytest.mark.parametrize(
    "template",
    ["", "   ", "{.a", "}.a{", "{.a[}", "{.a[x]}", "{.a..b}", "{.a[?(@.b)]}", "{.a['x}", "x" * 5000, "{range .items}"],
    ids=lambda text: text[:12] or "empty",
)
def test_what_cannot_be_read_is_a_usage_error_that_names_the_place(template: str) -> None:
    with pytest.raises(click.UsageError, match="jsonpath expression"):
        parse_path(template)
