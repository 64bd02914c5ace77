"""`stigmer export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import GivenPath, command_frame

if TYPE_CHECKING:
    from stigmer.cli.console import Console
    from stigmer.cli.views.progress import Progress
    from stigmer.cli.world import World
    from stigmer.sync.export import Form
    from stigmer.sync.export_read import Selection


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    names: tuple[str, ...]
    all_kinds: bool
    selector: str
    folder: Path | None
    prune: bool


@click.command("export")
@click.argument("names", metavar="[KIND [SLUG...] | KIND/SLUG...]", nargs=-1)
@click.option("--all", "all_kinds", is_flag=True, help="Every kind; every org too, unless --org names one.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only these labels: team=core,tier!=test.")
@click.option("--dir", "folder", metavar="DIR", type=GivenPath(), help="Write one file per resource.")
@click.option("--prune", is_flag=True, help="Remove from DIR what earlier exports wrote and this one does not.")
@command_frame("yaml", "json")
def command(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    all_kinds: bool,
    selector: str,
    folder: Path | None,
    prune: bool,
) -> ExitCode:
    """Print or save what the backend holds, as manifests.

    Prints one stream of documents in the order in which they can be applied: all of one revision, and the same bytes
    for the same resources. They say only what a manifest may say: no ids, versions, times or status. Default instances
    are left out, because the server makes them anew. -o json prints one object in each line. `stigmer import` reads
    both.

    With --dir, every resource gets a file of its own: DIR/KIND/SLUG.yaml, or DIR/orgs/ORG/KIND/SLUG.yaml outside of the
    backend's own org. Files that are right already are not touched. Other manifests in the same folders are reported;
    --prune removes those that are, byte for byte, what an export writes.

    \b
    Examples:
      stigmer export --all > estate.yaml
      stigmer export --all --dir estate --prune
      stigmer export agents -l team=core
      stigmer export agent/support-bot skill/triage -o json
    """
    wanted = Wanted(names, all_kinds, selector, folder, prune)
    _check(wanted)
    from stigmer.cli.views.progress import showing
    from stigmer.cli.world import open_world

    form: Form = "json" if invocation.format.name == "json" else "yaml"
    with showing(invocation.console, "opening the backend") as progress, open_world(invocation) as world:
        selection = _selection(wanted, world)
        if wanted.folder is None:
            _to_stream(selection, world, form, invocation.console, progress)
        else:
            _to_folder(selection, world, form, wanted, invocation.console, progress)
    return ExitCode.OK


def _check(wanted: Wanted) -> None:
    context = click.get_current_context()
    if wanted.all_kinds == bool(wanted.names):
        raise click.UsageError("Say what to export: --all, or KIND, or KIND/SLUG.", context)
    if wanted.prune and wanted.folder is None:
        raise click.UsageError("--prune is about the files in a folder: give --dir too.", context)


def _selection(wanted: Wanted, world: World) -> Selection:
    from stigmer.cli.naming import select
    from stigmer.sync.export_read import ALL_ORGS, Selection

    kinds = world.contract.kinds
    if wanted.all_kinds:
        return Selection(kinds=tuple(kinds.values()), org=world.org or ALL_ORGS, selector=wanted.selector)
    chosen = select(wanted.names, kinds, world.org or world.info.default_org)
    if chosen.keys and (wanted.selector or wanted.prune):
        raise click.UsageError("-l and --prune are about whole kinds; here resources are named.")
    return Selection(tuple(dict.fromkeys(chosen.kinds)), chosen.keys, world.org, wanted.selector)


def _to_stream(selection: Selection, world: World, form: Form, console: Console, progress: Progress) -> None:
    from stigmer.cli.views.exports import ExportWatch, print_stream_exported
    from stigmer.sync.bundle_export import with_files
    from stigmer.sync.export import export
    from stigmer.sync.export_stream import SEPARATORS, StreamSink
    from stigmer.sync.spool import Spool

    def write(data: bytes) -> None:
        progress.close()
        console.write_bytes(data)

    watch = ExportWatch(progress)
    with Spool() as spool:
        sink = StreamSink(spool, SEPARATORS[form], write)
        files = with_files(world.backend.artifacts.fetch)
        done = export(selection, world.backend, world.info.default_org, sink, form=form, transform=files, emit=watch)
    progress.close()
    print_stream_exported(done, watch, console)


def _to_folder(
    selection: Selection, world: World, form: Form, wanted: Wanted, console: Console, progress: Progress
) -> None:
    from stigmer.cli.views.exports import ExportWatch, print_folder_exported
    from stigmer.sync.bundle_export import with_files
    from stigmer.sync.export import export
    from stigmer.sync.export_files import FolderSink
    from stigmer.sync.folder import Folder

    assert wanted.folder is not None
    watch = ExportWatch(progress)
    default_org = world.info.default_org
    with Folder(wanted.folder) as folder:
        sink = FolderSink(folder, selection, world.contract.kinds, default_org, form=form, prune=wanted.prune)
        files = with_files(world.backend.artifacts.fetch)
        done = export(selection, world.backend, default_org, sink, form=form, transform=files, emit=watch)
    progress.close()
    print_folder_exported(done, sink, wanted.folder, watch, console)
