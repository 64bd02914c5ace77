"""`stigmer version`."""

from __future__ import annotations

import platform
from typing import Any

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE
from stigmer.version import VERSION


@click.command("version")
@click.option("--client", is_flag=True, help="Only this program; do not look for a daemon.")
@command_frame(*SINGLE)
def command(invocation: Invocation, *, client: bool) -> ExitCode:
    """Show the versions of this program and of the daemon.

    The daemon is asked if it runs, and not started.

    \b
    Examples:
      stigmer version
      stigmer version -o json
    """
    found: dict[str, Any] = {"client": {"version": VERSION, "python": platform.python_version()}}
    if not client:
        found["daemon"] = _daemon(invocation)
    if not invocation.format.for_people:
        from stigmer.cli.views.objects import print_object

        print_object(found, invocation.console, invocation.format)
        return ExitCode.OK
    invocation.console.write(f"stigmer {VERSION} (Python {platform.python_version()})")
    if not client:
        daemon = found["daemon"]
        invocation.console.write(f"daemon {daemon['version']} (pid {daemon['pid']})" if daemon else "no daemon runs")
    return ExitCode.OK


def _daemon(invocation: Invocation) -> dict[str, Any] | None:
    from stigmer.backend import local
    from stigmer.cli.world import load_config

    config = load_config(invocation)
    if config.backend_type != "local":
        return None
    status = local.status(config)
    if not status.running:
        return None
    return {"version": status.version, "pid": status.pid, "contract_hash": status.contract_hash}
