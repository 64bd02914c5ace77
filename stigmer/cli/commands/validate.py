"""`stigmer validate`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.manifest_options import manifest_paths, required_paths
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE


@click.command("validate")
@manifest_paths
@command_frame(*SINGLE)
def command(
    invocation: Invocation, *, paths: tuple[str, ...], more_paths: tuple[str, ...], recursive: bool
) -> ExitCode:
    """Check manifests and report everything that is wrong.

    Checks the YAML, the fields and their types, names, references and cycles, and lets the backend check what only it
    can. All mistakes of all files come in one run, each with its file, line and column. Nothing is written.

    The exit code is 0 when nothing is wrong (warnings do not count), else 1.

    \b
    Examples:
      stigmer validate -f agents/
      stigmer validate -f agents/ -o json
    """
    from stigmer import sync
    from stigmer.cli.running import run_use_case

    request = sync.Request(
        paths=required_paths(more_paths, paths),
        recursive=recursive,
        org=invocation.org,
        use_cache=False,
        dry_run=True,
    )
    return run_use_case(invocation, lambda workspace, _, emit: sync.validate(request, workspace, emit=emit), "validate")
