"""`stigmer local backup`, `restore` and `doctor`: commands about the local backend's store."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean
from stigmer.cli.world import load_config

if TYPE_CHECKING:
    from stigmer.backend.backups import Restored, StoreSummary

STANDARD = "-"

MEGABYTE = 1_000_000


@click.command("backup")
@click.argument("file", metavar="[FILE|FOLDER|-]", default="")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@command_frame(*SINGLE)
def backup(invocation: Invocation, *, file: str, force: bool) -> ExitCode:
    """Copy the whole store into one file, and verify it.

    The daemon may be running: it is not stopped, and writers do not wait. The backup holds one revision, and no apply
    in part. Without FILE its name is made from the store, the revision and the time; the name is printed. FILE may be
    a folder, or - for standard output.

    \b
    Examples:
      stigmer local backup
      stigmer local backup /var/backups -o json
      stigmer local backup - | gzip > stigmer.tar.gz
    """
    from stigmer.backend import backups
    from stigmer.cli.views.objects import print_object
    from stigmer.cli.views.progress import showing

    _check_stream(invocation, file)
    config = load_config(invocation)
    with showing(invocation.console, "making a backup") as progress:
        made = backups.backup(config, file, force=force, say=progress.say)
    if file == STANDARD or invocation.format.for_people:
        counts = f"revision {made.revision}, {_count(made.resources)}, {_size(made.bytes)}, {made.seconds:.1f} s"
        invocation.console.success(clean(f"backed up and verified: {counts}"))
        if file != STANDARD:
            invocation.console.write(clean(made.file))
        return ExitCode.OK
    print_object(asdict(made), invocation.console, invocation.format)
    return ExitCode.OK


@click.command("restore")
@click.argument("file", metavar="FILE|FOLDER|-")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@command_frame(*SINGLE)
def restore(invocation: Invocation, *, file: str, yes: bool) -> ExitCode:
    """Put the store of a backup in the place of the one that is there.

    The backup is checked to its last byte, and the store in it opened and verified, before anything is touched. Then
    the daemon is stopped and the store replaced; the old one, in whatever state it is, is kept in a folder of the data
    directory. Works when the present data are damaged or gone. FILE may also be a folder that holds a store, such as
    one that an earlier restore has kept, or - for standard input.

    \b
    Examples:
      stigmer local restore stigmer-backup-1f2e3d4c-r41-20261121T233100Z.tar
      gunzip -c stigmer.tar.gz | stigmer local restore - --yes
    """
    from stigmer.backend import backups
    from stigmer.cli.confirmation import Confirmation
    from stigmer.cli.views.progress import showing

    if file == STANDARD and invocation.console.can_ask:
        raise click.UsageError("A backup is not read from a terminal: redirect standard input.", _context())
    config = load_config(invocation)
    with showing(invocation.console, "restoring") as progress:
        confirmation = Confirmation(invocation.console, progress, assume_yes=yes)

        def agree(incoming: StoreSummary, current: StoreSummary) -> bool:
            if current.state == "empty":
                return True
            with progress.paused():
                _tell(invocation, incoming, current)
                return confirmation.of(f"replace the store in {clean(str(config.data_dir))}")

        done = backups.restore(config, file, agree=agree, say=progress.say)
    _report(invocation, done)
    return ExitCode.OK if done.restored else ExitCode.REFUSED


@click.command("doctor")
@click.option("--verify", is_flag=True, help="Read every page, checksum and index entry of the store.")
@command_frame(*SINGLE)
def doctor(invocation: Invocation, *, verify: bool) -> ExitCode:
    """Look for what is wrong, and say what to do.

    Looks at the configuration, the folders and their disk, the daemon, the store and what has been left by work that
    was killed. Changes nothing, and does not start the daemon; works while it runs, and when it cannot start. The exit
    code is 0 when nothing is wrong (warnings do not count), 10 when something is.

    \b
    Examples:
      stigmer local doctor
      stigmer local doctor --verify -o json
    """
    from stigmer.cli.views.health import failed_configuration, print_diagnosis
    from stigmer.cli.views.progress import showing
    from stigmer.errors import FailedPrecondition, InvalidArgument
    from stigmer.sync.doctor import examine

    with showing(invocation.console, "looking around") as progress:
        try:
            config = load_config(invocation)
        except (InvalidArgument, FailedPrecondition) as error:
            diagnosis = failed_configuration(error)
        else:
            diagnosis = examine(config, verify=verify, say=progress.say)
    print_diagnosis(diagnosis, invocation.console, invocation.format)
    return ExitCode.UNSOUND if diagnosis.status == "error" else ExitCode.OK


def _check_stream(invocation: Invocation, file: str) -> None:
    """A backup is no text for a terminal, and shares standard output with nothing."""
    if file != STANDARD:
        return
    if invocation.console.on_terminal:
        raise click.UsageError("A backup is not for a terminal: redirect standard output.", _context())
    if not invocation.format.for_people:
        raise click.UsageError("Standard output carries the backup itself; -o needs a FILE.", _context())


def _context() -> click.Context:
    return click.get_current_context()


def _tell(invocation: Invocation, incoming: StoreSummary, current: StoreSummary) -> None:
    """What would be replaced by what."""
    there = _described(current) if current.state == "sound" else f"cannot be read: {current.problem}"
    invocation.console.info(clean(f"the store that is there: {there}"))
    invocation.console.info(clean(f"the store that comes:    {_described(incoming)}"))


def _described(store: StoreSummary) -> str:
    text = f"{store.engine} {store.store_id[:8]}, revision {store.revision}, {_count(store.resources)}"
    return f"{text}, last changed {store.committed_at}" if store.committed_at else text


def _report(invocation: Invocation, done: Restored) -> None:
    console = invocation.console
    if not invocation.format.for_people:
        from stigmer.cli.views.objects import print_object

        print_object(_object(done), console, invocation.format)
    elif done.restored:
        counts = f"revision {done.backup.revision}, {_count(done.backup.resources)}, {done.seconds:.1f} s"
        console.success(clean(f"restored: {counts}; the next command starts the daemon"))
    if done.kept_in:
        console.info(clean(f"the store before it is in {done.kept_in}: remove that folder when it is not needed"))
    if done.engine_set:
        console.info(clean(f"backend.local.engine is {done.backup.engine} from now on"))
    if done.engine_advice:
        console.warning(clean(f"the restored store needs another engine than is configured: {done.engine_advice}"))


def _object(done: Restored) -> dict[str, Any]:
    value = asdict(done)
    return {**value, "revision": done.backup.revision, "resources": done.backup.resources}


def _count(resources: int) -> str:
    from stigmer.cli.views.wording import counted

    return counted(resources, "resource")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= MEGABYTE else f"{count / 1e3:,.0f} kB"
