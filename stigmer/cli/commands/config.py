"""`stigmer config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame, common_parameters
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean
from stigmer.cli.world import load_config

if TYPE_CHECKING:
    from stigmer.backend.config import Value


@click.group("config", cls=CommandGroup, params=common_parameters())
def command() -> None:
    """Read and write the configuration file.

    A setting comes from a flag, else from its STIGMER_ variable, else from the file, else it has its default.

    \b
    Examples:
      stigmer config list
      stigmer config set backend.local.data_dir /srv/stigmer
    """


@command.command("get")
@click.argument("key")
@command_frame(*SINGLE)
def get(invocation: Invocation, *, key: str) -> ExitCode:
    """Print one setting as it is in effect; a secret is masked.

    \b
    Examples:
      stigmer config get backend.type
    """
    value = load_config(invocation).get(key)
    if invocation.format.for_people:
        invocation.console.write(clean(str(value)))
        return ExitCode.OK
    return _print_object(_object(value), invocation)


@command.command("set")
@click.argument("key")
@click.argument("value")
@command_frame("table")
def set_(invocation: Invocation, *, key: str, value: str) -> ExitCode:
    """Write one setting to the configuration file; the rest of the file stays as it is.

    \b
    Examples:
      stigmer config set log_level debug
    """
    from stigmer.backend import config

    loaded = load_config(invocation)
    stored = config.store(loaded, key, value)
    invocation.console.success(clean(f"{stored.key} = {stored} ({loaded.file})"))
    effective = load_config(invocation).get(key)
    if effective.source is not config.Source.FILE:
        invocation.console.warning(clean(f"{effective.origin} says {effective}, which counts more than the file"))
    return ExitCode.OK


@command.command("list")
@command_frame(*SINGLE)
def list_(invocation: Invocation) -> ExitCode:
    """Print every setting as it is in effect, and where it comes from; secrets are masked.

    \b
    Examples:
      stigmer config list
      stigmer config list -o json
    """
    loaded = load_config(invocation)
    if not invocation.format.for_people:
        return _print_object({"file": str(loaded.file), "settings": [_object(value) for value in loaded]}, invocation)
    from stigmer.cli.views.tables import print_table

    rows = [[value.key, str(value) or "-", value.origin or value.source.value] for value in loaded]
    print_table(invocation.console, ["KEY", "VALUE", "FROM"], rows)
    return ExitCode.OK


@command.command("path")
@command_frame(*SINGLE)
def path(invocation: Invocation) -> ExitCode:
    """Print where the configuration file is, or would be.

    \b
    Examples:
      $EDITOR "$(stigmer config path)"
    """
    loaded = load_config(invocation)
    if invocation.format.for_people:
        invocation.console.write(clean(str(loaded.file)))
        return ExitCode.OK
    return _print_object({"path": str(loaded.file), "exists": loaded.file.exists()}, invocation)


def _object(value: Value) -> dict[str, Any]:
    return {"key": value.key, "value": str(value), "source": value.source.value, "origin": value.origin}


def _print_object(value: dict[str, Any], invocation: Invocation) -> ExitCode:
    from stigmer.cli.views.objects import print_object

    print_object(value, invocation.console, invocation.format)
    return ExitCode.OK
