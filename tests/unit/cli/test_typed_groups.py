"""The commands of single kinds are the same everywhere. Assumes the parser works."""

from __future__ import annotations

import importlib
import inspect

import click
import pytest

from stigmer.cli import typed_group
from stigmer.cli.catalog import COMMANDS
from stigmer.contract import default_contract

GROUPS = {
    name: (importlib.import_module(entry.module).command, spec)
    for name, entry in COMMANDS.items()
    for _, spec in inspect.getmembers(
        importlib.import_module(entry.module), lambda value: isinstance(value, typed_group.TypedGroup)
    )
}
SHARED = ("delete", "delete-all", "get", "list", "update")


def options(command: click.Command) -> set[str]:
    return {flag for item in command.params for flag in (*item.opts, *item.secondary_opts)}


def test_agents_environments_and_workflows_have_groups() -> None:
    assert {"agent", "env", "workflow"} <= set(GROUPS)


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_names_its_kind_as_the_contract_does(name: str) -> None:
    _, spec = GROUPS[name]
    kind = default_contract().kinds[spec.kind]
    assert (spec.word, spec.many) == (name, kind.plural)
    assert default_contract().kinds.find(name) is kind
    assert spec.has_default_instances is bool(kind.default_instance_kind)


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_has_the_same_commands_with_the_same_options(name: str) -> None:
    group, spec = GROUPS[name]
    first = GROUPS["agent"][0]
    assert {"create", *SHARED} <= set(group.commands)
    for command in SHARED:
        own = {f"--{text.name}" for text in (*spec.texts, *GROUPS["agent"][1].texts)} if command == "update" else set()
        assert options(group.commands[command]) - own == options(first.commands[command]) - own
    assert {"name", "--slug", "--description", "--label"} <= options(group.commands["create"])


@pytest.mark.parametrize("name", GROUPS)
def test_the_texts_of_an_update_are_fields_of_the_spec(name: str) -> None:
    _, spec = GROUPS[name]
    shape = default_contract().kinds[spec.kind].shape.by_name["spec"].nested
    assert {text.name for text in (*spec.texts, typed_group.DESCRIPTION)} <= set(shape.by_key)
