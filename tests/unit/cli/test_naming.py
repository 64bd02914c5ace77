"""Names on the command line. Assumes the contract's registry."""

from __future__ import annotations

import click
import pytest

from reconciler import ResourceKey
from stigmer.cli.naming import keys_of, require_all, select
from stigmer.contract import default_contract
from stigmer.errors import InvalidArgument, NotFound

KINDS = default_contract().kinds


def key(kind: str, slug: str) -> ResourceKey:
    return ResourceKey(kind, "local", slug)


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("agent", "a"), [key("Agent", "a")]),
        (("AGENTS", "a", "b"), [key("Agent", "a"), key("Agent", "b")]),
        (("agent/a",), [key("Agent", "a")]),
        (("env/e", "wf/w"), [key("Environment", "e"), key("Workflow", "w")]),
        (("agent", "a", "a"), [key("Agent", "a")]),
        ((), []),
    ],
    ids=str,
)
def test_single_resources_are_named(words: tuple[str, ...], keys: list[ResourceKey]) -> None:
    assert list(keys_of(words, KINDS, "local")) == keys


def test_kinds_are_selected_by_any_of_their_words() -> None:
    assert [kind.name for kind in select(("agents,env,wf",), KINDS, "local").kinds] == [
        "Agent",
        "Environment",
        "Workflow",
    ]


@pytest.mark.parametrize("words", [("agent/a", "b"), ("a/b/c",), ("/a",), ("agent/",)], ids=" ".join)
def test_a_mixture_is_a_usage_error(words: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        select(words, KINDS, "local")


def test_a_kind_alone_names_no_resource() -> None:
    with pytest.raises(click.UsageError, match="Say which agent"):
        keys_of(("agents",), KINDS, "local")


def test_an_unknown_kind_gets_a_suggestion() -> None:
    with pytest.raises(InvalidArgument) as caught:
        select(("agnets",), KINDS, "local")
    assert "agents" in caught.value.hint


def test_one_missing_resource_is_named_as_the_server_names_it() -> None:
    with pytest.raises(NotFound, match=r"^agent not found: a$"):
        require_all([key("Agent", "a")], [])


def test_all_missing_resources_are_named_at_once() -> None:
    with pytest.raises(NotFound) as caught:
        require_all([key("Agent", "a"), key("Agent", "b"), key("Agent", "c")], [key("Agent", "b")])
    assert [item.key for item in caught.value.violations] == ["local/Agent/a", "local/Agent/c"]
