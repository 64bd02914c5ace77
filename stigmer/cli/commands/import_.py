"""`stigmer import`: apply, for what an export wrote."""

from __future__ import annotations

import sys
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


@click.command("import")
@manifest_paths
@click.option("--dry-run", is_flag=True, help="Plan and check everything, write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before something is replaced.")
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
    paths: tuple[str, ...],
    more_paths: tuple[str, ...],
    **given: Any,
) -> ExitCode:
    """Apply what an export printed or saved.

    The same as apply, which see, with two differences: without a path, standard input is read; and a file, or standard
    input, may hold 100,000 manifests and 512 MiB. What the backend holds beyond that stays as it is.

    A backend that was exported and emptied holds the same resources afterwards, under new ids. Where everything is
    already as the manifests say, nothing is written.

    \b
    Examples:
      stigmer import < estate.yaml
      stigmer import -f estate/ --dry-run
      stigmer export --all | stigmer import --yes --data-dir /srv/stigmer
    """
    from dataclasses import replace

    from manifests import IMPORT_LIMITS
    from stigmer import sync
    from stigmer.cli.running import run_use_case

    if not paths and not more_paths:
        paths = _standard_input()
    planned = planning_request(invocation, dry_run=dry_run, paths=paths, more_paths=more_paths, **given)
    request = replace(planned, limits=IMPORT_LIMITS)
    return run_use_case(
        invocation,
        lambda workspace, confirm, emit: sync.apply(request, workspace, confirm=confirm, emit=emit),
        "plan" if dry_run else "apply",
        assume_yes=yes,
        detailed=detailed_exitcode,
        show_unchanged=show_unchanged,
    )


def _standard_input() -> tuple[str, ...]:
    """Standard input as a path. UsageError where nobody would feed it."""
    if sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError(
            "Say what to import: -f PATH, or feed it in: stigmer import < FILE.", click.get_current_context()
        )
    return ("-",)
