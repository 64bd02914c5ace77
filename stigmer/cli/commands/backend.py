"""`stigmer backend`."""

from __future__ import annotations

from typing import Any

import click

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame, common_parameters
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean
from stigmer.cli.world import load_config


@click.group("backend", cls=CommandGroup, params=common_parameters())
def command() -> None:
    """Show or choose the backend that commands talk to.

    The local backend is a daemon on this machine. Which backend is used, and where it is, is in the configuration
    file; STIGMER_BACKEND overrides it for one command.

    \b
    Examples:
      stigmer backend status
      stigmer backend switch local
    """


@command.command("status")
@command_frame(*SINGLE)
def status(invocation: Invocation) -> ExitCode:
    """Say which backend is configured, and whether it answers; does not start it.

    \b
    Examples:
      stigmer backend status
      stigmer backend status -o json
    """
    from stigmer.cli.views.objects import print_object
    from stigmer.cli.views.page import print_fields

    found = _status(invocation)
    if invocation.format.for_people:
        fields = [(key.replace("_", " ").capitalize(), _word(value)) for key, value in found.items()]
        print_fields(fields, invocation.console)
    else:
        print_object(found, invocation.console, invocation.format)
    return ExitCode.OK


@command.command("switch")
@click.argument("backend", metavar="local|cloud")
@command_frame("table")
def switch(invocation: Invocation, *, backend: str) -> ExitCode:
    """Use this backend from now on; writes the configuration file.

    \b
    Examples:
      stigmer backend switch local
    """
    from stigmer.backend import config

    loaded = load_config(invocation)
    config.store(loaded, "backend.type", backend)
    invocation.console.success(clean(f"the {backend} backend is used from now on ({loaded.file})"))
    effective = load_config(invocation).get("backend.type")
    if effective.text != backend:
        invocation.console.warning(clean(f"{effective.origin} says {effective.text}, which counts more than the file"))
    return ExitCode.OK


command.add_command(switch, "set")


def _status(invocation: Invocation) -> dict[str, Any]:
    from stigmer.backend import local

    loaded = load_config(invocation)
    value = loaded.get("backend.type")
    found: dict[str, Any] = {"type": value.text, "configured_by": value.origin or value.source.value}
    if value.text != "local":
        return found | {"endpoint": loaded.endpoint, "organization": loaded.organization}
    daemon = local.status(loaded)
    found |= {"running": daemon.running, "data_dir": daemon.data_dir, "engine": daemon.engine}
    return found | {"pid": daemon.pid, "version": daemon.version, "revision": daemon.revision}


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
