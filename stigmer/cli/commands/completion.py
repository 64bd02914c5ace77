"""`stigmer completion`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation, application
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame


@click.command("completion")
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))
@command_frame()
def command(invocation: Invocation, *, shell: str) -> ExitCode:
    """Print the script that completes stigmer in a shell.

    Completes commands, options and their values, kinds, names of resources of a running backend, and paths of fields
    for explain. Nothing is started for it: where no daemon runs, names are not completed.

    \b
    Examples:
      stigmer completion bash > ~/.local/share/bash-completion/completions/stigmer
      stigmer completion zsh > ~/.zfunc/_stigmer
      stigmer completion fish > ~/.config/fish/completions/stigmer.fish
    """
    from stigmer.cli.completion.scripts import script

    invocation.console.write(script(shell, application()))
    return ExitCode.OK
