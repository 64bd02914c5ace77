"""`stigmer local convert`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from stigmer.backend.settings import ENGINES
from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean
from stigmer.cli.world import load_config

if TYPE_CHECKING:
    from stigmer.backend.engine import Conversion, Convertible


@click.command("convert")
@click.option("--to", "engine", type=click.Choice(ENGINES), required=True, help="The engine to convert to.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@command_frame(*SINGLE)
def convert(invocation: Invocation, *, engine: str, yes: bool) -> ExitCode:
    """Change the storage engine of the local backend, with everything in it.

    The daemon is stopped, and the store copied whole: resources with their ids, history with its revisions. The copy
    is verified before it takes the place of the old store, which is kept in a folder of the data directory. A
    conversion that fails or is interrupted leaves the old store as it was. The configuration is changed to fit.

    \b
    Examples:
      stigmer local convert --to sqlite
      stigmer local convert --to lmdb --yes -o json
    """
    from stigmer.backend import engine as engines
    from stigmer.cli.confirmation import Confirmation
    from stigmer.cli.views.progress import showing

    config = load_config(invocation)
    with showing(invocation.console, "converting") as progress:
        confirmation = Confirmation(invocation.console, progress, assume_yes=yes)

        def agree(current: Convertible) -> bool:
            with progress.paused():
                return confirmation.of(
                    f"stop the daemon of {clean(str(config.data_dir))} and convert its store "
                    f"from {current.engine} to {engine}"
                )

        done = engines.convert(config, engine, agree=agree, say=progress.say)
    _report(invocation, done, engine)
    return ExitCode.REFUSED if done.declined else ExitCode.OK


def _report(invocation: Invocation, done: Conversion, wanted: str) -> None:
    console = invocation.console
    if not invocation.format.for_people:
        from stigmer.cli.views.objects import print_object

        print_object(asdict(done), console, invocation.format)
    elif done.converted:
        console.success(clean(_summary(done)))
    elif not done.engine:
        console.success(clean(f"{done.data_dir} holds no store yet; it will be of the engine {wanted}"))
    elif not done.declined:
        console.success(clean(f"the store in {done.data_dir} is of the engine {done.engine} already"))
    if done.kept_in:
        folder = shlex.quote(done.kept_in)
        console.info(clean(f"the {done.source} store is kept; remove it when it is not needed: rm -r {folder}"))
    if done.engine_set:
        console.info(clean(f"backend.local.engine is {wanted} from now on"))
    if done.engine_advice:
        console.warning(clean(f"the configuration asks for another engine: {done.engine_advice}"))


def _summary(done: Conversion) -> str:
    from stigmer.cli.views.wording import counted

    counts = f"{counted(done.records, 'record')}, {counted(done.commits, 'commit')}, revision {done.revision}"
    sizes = f"{done.bytes_before / 1e6:,.1f} MB -> {done.bytes / 1e6:,.1f} MB"
    return f"converted from {done.source} to {done.engine} and verified: {counts}, {sizes}, {done.seconds:.1f} s"
