"""`stigmer diff`."""

from __future__ import annotations

from typing import Any

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.manifest_options import detailed_exitcode, manifest_paths, planning_options, planning_request
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE


@click.command("diff")
@manifest_paths
@planning_options
@detailed_exitcode
@command_frame(*SINGLE)
def command(
    invocation: Invocation,
    /,
    *,
    detailed_exitcode: bool,
    **given: Any,
) -> ExitCode:
    """Show, field by field, how manifests differ from the backend.

    Only what an apply would change is shown: what the backend adds by itself, and what others have set, is no
    difference. Lines with `-` are in the backend, lines with `+` in the manifests. Nothing is written.

    The exit code is 0 whether or not there is a difference; with --detailed-exitcode it is 2 when there is one.

    \b
    Examples:
      stigmer diff -f agents/
      stigmer diff -f agents.yaml --detailed-exitcode > changes.diff
    """
    from stigmer import sync
    from stigmer.cli.running import run_use_case

    request = planning_request(invocation, dry_run=True, **given)
    return run_use_case(
        invocation,
        lambda workspace, _, emit: sync.plan(request, workspace, emit=emit),
        "diff",
        detailed=detailed_exitcode,
    )
