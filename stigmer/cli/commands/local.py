"""`stigmer local`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.commands import local_convert, local_store
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame, common_parameters
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean, clean_block
from stigmer.cli.world import load_config

if TYPE_CHECKING:
    from stigmer.backend.config import Config
    from stigmer.backend.local import LocalStatus

DEFAULT_LOG_LINES = 100


@click.group("local", cls=CommandGroup, params=common_parameters())
def command() -> None:
    """Start, stop and look at the local daemon.

    One daemon serves one data directory. Commands start it when they need it, so that starting it by hand only saves
    the first of them some time.

    \b
    Examples:
      stigmer local status -o json
      stigmer local logs --follow
    """


@command.command("start")
@command_frame(*SINGLE)
def start(invocation: Invocation) -> ExitCode:
    """Start the daemon unless it runs.

    \b
    Examples:
      stigmer local start
    """
    from stigmer.backend import local

    return _bring_up(invocation, "starting", local.start)


@command.command("stop")
@command_frame(*SINGLE)
def stop(invocation: Invocation) -> ExitCode:
    """Stop the daemon; it finishes what it is writing.

    \b
    Examples:
      stigmer local stop
    """
    from stigmer.backend import local

    config = load_config(invocation)
    with _waiting(invocation, "stopping the daemon"):
        pid = local.stop(config)
    if not invocation.format.for_people:
        return _machine(local.status(config), invocation)
    if pid is None:
        invocation.console.info("no daemon was running")
    else:
        invocation.console.success(f"the daemon has stopped: pid {pid}")
    return ExitCode.OK


@command.command("restart")
@command_frame(*SINGLE)
def restart(invocation: Invocation) -> ExitCode:
    """Stop the daemon if it runs, and start it.

    \b
    Examples:
      stigmer local restart
    """
    from stigmer.backend import local

    return _bring_up(invocation, "restarting", local.restart)


@command.command("status")
@command_frame(*SINGLE)
def status(invocation: Invocation) -> ExitCode:
    """Say whether the daemon runs, and what it is; does not start it.

    The exit code is 0 whether or not it runs.

    \b
    Examples:
      stigmer local status
      stigmer local status -o jsonpath={.pid}
    """
    from stigmer.backend import local

    found = local.status(load_config(invocation))
    if invocation.format.for_people:
        _print_status(found, invocation)
    return _machine(found, invocation)


@command.command("logs")
@click.option(
    "-n", "--lines", type=click.IntRange(min=0), default=DEFAULT_LOG_LINES, show_default=True, help="How many lines."
)
@click.option("-F", "--follow", is_flag=True, help="Go on printing what is added, until Ctrl-C.")
@command_frame("table")
def logs(invocation: Invocation, *, lines: int, follow: bool) -> ExitCode:
    """Print the end of the daemon's log.

    \b
    Examples:
      stigmer local logs -n 20
      stigmer local logs --follow
    """
    from stigmer.backend import local

    for line in local.logs(load_config(invocation), lines, follow=follow):
        invocation.console.write(clean_block(line))
        if follow:
            invocation.console.flush()
    return ExitCode.OK


command.add_command(local_store.backup)
command.add_command(local_store.restore)
command.add_command(local_store.doctor)
command.add_command(local_convert.convert)


def _bring_up(invocation: Invocation, doing: str, verb: Callable[[Config], LocalStatus]) -> ExitCode:
    config = load_config(invocation)
    with _waiting(invocation, f"{doing} the daemon"):
        status = verb(config)
    if invocation.format.for_people:
        invocation.console.success(clean(f"the daemon runs: pid {status.pid}, {status.data_dir}"))
    return _machine(status, invocation)


def _print_status(status: LocalStatus, invocation: Invocation) -> None:
    from stigmer.cli.views.page import print_fields

    state = "running" if status.running else "not running"
    fields: list[tuple[str, str]] = [
        ("Daemon", state),
        ("Data directory", status.data_dir),
        ("Engine", status.engine),
        ("Log", status.log),
    ]
    if status.running:
        fields[1:1] = [
            ("Pid", str(status.pid)),
            ("Version", status.version),
            ("Revision", str(status.revision)),
            ("Up since", status.started_at),
            ("Socket", status.socket),
        ]
    print_fields(fields, invocation.console)


def _machine(status: LocalStatus, invocation: Invocation) -> ExitCode:
    if not invocation.format.for_people:
        from stigmer.cli.views.objects import print_object

        value: dict[str, Any] = asdict(status)
        print_object(value, invocation.console, invocation.format)
    return ExitCode.OK


def _waiting(invocation: Invocation, text: str) -> Any:
    from stigmer.cli.views.progress import showing

    return showing(invocation.console, text)
