"""Gives the parameters of commands their completion, by what their metavar says they take."""

from __future__ import annotations

from functools import partial

import click
from click.shell_completion import CompletionItem

from stigmer.cli.completion.candidates import candidates


def attach(command: click.Command) -> None:
    """Completes the parameters of a command and of the commands below it that are loaded."""
    for parameter in command.params:
        # The parser asks the parameter itself.
        parameter.shell_complete = partial(_candidates, parameter)  # type: ignore[method-assign]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            attach(below)


def _candidates(parameter: click.Parameter, context: click.Context, incomplete: str) -> list[CompletionItem]:
    found = candidates(parameter, context, incomplete)
    return type(parameter).shell_complete(parameter, context, incomplete) if found is None else found
