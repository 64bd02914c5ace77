"""`stigmer apply`."""

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


@click.command("apply")
@manifest_paths
@click.option("--dry-run", is_flag=True, help="Plan and check everything, write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before something is deleted or replaced.")
@planning_options
@show_unchanged
@detailed_exitcode
@command_frame(*LISTING)
def command(
    invocation: Invocation,
    /,
    *,
    dry_run: bool,
    yes: bool,
    show_unchanged: bool,
    detailed_exitcode: bool,
    **given: Any,
) -> ExitCode:
    """Make the backend say what the manifests say.

    Reads all manifests, compares them with the backend, shows what changes, and writes it in one transaction: all or
    nothing. Nothing is written when any manifest has an error, or when everything is already as it should be.

    A resource that a manifest no longer names stays; `delete -f` removes it. A field that the manifest used to set and
    no longer does is removed; one that somebody else set stays.

    With -o json, `outcome` is null where nothing was executed (--dry-run), and the summary counts what would happen.

    \b
    Examples:
      stigmer apply -f agents.yaml
      stigmer apply -f agents/ -f environments/ --yes
      generate-manifests | stigmer apply -f -
      stigmer apply -f agents/ --dry-run -o json
    """
    from stigmer import sync
    from stigmer.cli.running import run_use_case

    request = planning_request(invocation, dry_run=dry_run, **given)
    return run_use_case(
        invocation,
        lambda workspace, confirm, emit: sync.apply(request, workspace, confirm=confirm, emit=emit),
        "plan" if dry_run else "apply",
        assume_yes=yes,
        detailed=detailed_exitcode,
        show_unchanged=show_unchanged,
    )
