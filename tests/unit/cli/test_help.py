"""Every command explains itself. Assumes the parser works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from stigmer.cli.application import Invocation, application
from stigmer.cli.catalog import COMMANDS, PROGRAM, main_help
from stigmer.cli.console import Console
from stigmer.cli.main import main


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if path:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, (*path, name))


EVERY = dict(walk(application()))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_a_command_has_a_summary_and_examples(path: tuple[str, ...]) -> None:
    text = EVERY[path].help or ""
    assert re.match(r"[A-Z].+[.]\n", text)
    assert "Examples:" in text


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    silent = [item.name for item in EVERY[path].params if isinstance(item, click.Option) and not item.help]
    assert silent == []


def examples() -> Iterator[tuple[tuple[str, ...], str]]:
    for path, command in EVERY.items():
        for line in (command.help or "").partition("Examples:")[2].splitlines():
            parts = re.split(r"\s*(?:&&|\|\||\||>|\$\(|\))\s*", line.replace('"$(', "$("))
            yield from ((path, part.strip()) for part in parts if part.strip().startswith("stigmer "))


@pytest.mark.parametrize(("path", "line"), list(examples()))
def test_an_example_is_a_command_line_that_parses(path: tuple[str, ...], line: str) -> None:
    command: click.Command = application()
    parent = click.Context(command, obj=Invocation(Console.standard([], {})))
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        found = command.get_command(parent, words.pop(0))
        assert found is not None
        command = found
    command.make_context(line, words, parent=parent)


def test_every_command_has_an_example_of_itself() -> None:
    shown = {" ".join(path) for path, line in examples() if line.startswith(" ".join((PROGRAM, *path)))}
    assert shown == {" ".join(path) for path in EVERY} - {"backend set"}  # the other name of switch


@pytest.mark.parametrize("name", COMMANDS)
def test_the_main_help_says_what_the_command_says_of_itself(name: str) -> None:
    assert (EVERY[(name,)].help or "").split("\n")[0] == COMMANDS[name].summary
    assert re.search(rf"^  {name} +{re.escape(COMMANDS[name].summary)}$", main_help(), re.MULTILINE)


def test_no_line_of_the_main_help_is_wider_than_a_terminal() -> None:
    assert max(map(len, main_help().splitlines())) <= 80


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=str)
def test_help_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: stigmer")


def test_a_group_without_a_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent"]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_the_version_flag_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"stigmer \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
