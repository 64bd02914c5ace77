"""`stigmer plan`."""

from __future__ import annotations

from typing import Any

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.manifest_options import (
    detailed_exitcode,
    manifest_paths,
    planning_options,
    planning_request,
    show_unchanged,
)
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING


@click.command("plan")
@manifest_paths
@planning_options
@show_unchanged
@detailed_exitcode
@command_frame(*LISTING)
def command(
    invocation: Invocation,
    /,
    *,
    show_unchanged: bool,
    detailed_exitcode: bool,
    **given: Any,
) -> ExitCode:
    """Show what apply would change, and change nothing.

    Makes the plan that apply would execute and lets the backend check it. `+` creates, `~` updates, `-` deletes, `±`
    replaces: deletes and creates anew, because a field cannot change in place.

    The exit code is 0 whether or not something would change; with --detailed-exitcode it is 2 when something would.
    With -o json, every `outcome` is null, and the summary counts what would happen in the words of apply.

    \b
    Examples:
      stigmer plan -f agents/
      stigmer plan -f agents/ --detailed-exitcode || echo "not in step"
      stigmer plan -f agents/ -o jsonpath='{.summary.created}'
    """
    from stigmer import sync
    from stigmer.cli.running import run_use_case

    request = planning_request(invocation, dry_run=True, **given)
    return run_use_case(
        invocation,
        lambda workspace, _, emit: sync.plan(request, workspace, emit=emit),
        "plan",
        detailed=detailed_exitcode,
        show_unchanged=show_unchanged,
    )
