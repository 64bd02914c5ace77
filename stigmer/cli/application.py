"""The command line as a tree: finds a command in the table, loads its module, and runs it.

Unknown words get a suggestion. The parser's `main` is not used: it has exit codes and messages of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.boundary import COMPLETION_VARIABLE
from stigmer.cli.catalog import COMMANDS, INTRODUCTION, PROGRAM, main_help
from stigmer.cli.console import Console
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.output import TABLE, Format

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HELP_WIDTH = 100
"""Columns of a help page; wider lines are harder to read."""


@dataclass
class Invocation:
    """One run of the program: its streams, and what the options of every command said."""

    console: Console
    arguments: tuple[str, ...] = ()
    command: str = ""
    org: str = ""
    data_dir: Path | None = None
    config: Path | None = None
    output: str = ""
    no_color: bool = False
    verbose: int = 0
    format: Format = field(default=TABLE)


class CommandGroup(click.Group):
    """A group that says what was probably meant, and explains itself when called without a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit(ExitCode.OK)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            raise click.UsageError(_unknown(name, self.list_commands(ctx)), ctx)
        if ctx.parent is None and isinstance(ctx.obj, Invocation):
            ctx.obj.command = name
        return name, command, args[1:]


class MainGroup(CommandGroup):
    """The commands of the table, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the parser's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(entry.module).command
        assert isinstance(command, click.Command)
        if ctx.resilient_parsing:
            from stigmer.cli.completion.attach import attach

            attach(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands out of the table, and options; loading a command only to complete its name would be slow."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(entry.name, help=entry.summary) for entry in COMMANDS.values()]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [item for item in found if item.value.startswith(incomplete)] + options

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002 - likewise
        return main_help()


def application() -> click.Command:
    """The whole command line as one object, for running and for completion."""
    from stigmer.cli.options import common_parameters

    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH}
    return MainGroup(name=PROGRAM, help=INTRODUCTION, params=common_parameters(), context_settings=settings)


def execute(invocation: Invocation, environ: Mapping[str, str]) -> ExitCode:
    """Parses and runs one command line; errors of every kind are raised."""
    program = application()
    if COMPLETION_VARIABLE in environ:
        from stigmer.cli.completion.scripts import answer

        settings = Invocation(console=invocation.console)  # what the completed line says is not about this run
        invocation.console.write(answer(program, environ[COMPLETION_VARIABLE], settings))
        return ExitCode.OK
    with program.make_context(PROGRAM, list(invocation.arguments), obj=invocation) as context:
        code = program.invoke(context)
    return code if isinstance(code, ExitCode) else ExitCode.OK


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    return f"No such command {name!r}.{suggestion}"
