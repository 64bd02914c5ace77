"""`stigmer init`."""

from __future__ import annotations

from pathlib import Path

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean
from stigmer.errors import AlreadyExists

STARTER = Path(__file__).parent.parent / "starter"


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=".")
@click.option("--force", is_flag=True, help="Overwrite files of the same names.")
@command_frame(*SINGLE)
def command(invocation: Invocation, *, folder: Path, force: bool) -> ExitCode:
    """Write a small folder of manifests to start from.

    An MCP server, an environment, two agents and a workflow, with comments. Files that exist are not overwritten.

    \b
    Examples:
      stigmer init demo
      stigmer apply -f demo
    """
    written = write_starter(folder, force=force)
    if invocation.format.for_people:
        for path in written:
            invocation.console.write(clean(str(path)))
        invocation.console.success(clean(f"apply it with: stigmer apply -f {folder}"))
    else:
        from stigmer.cli.views.objects import print_object

        print_object({"files": [str(path) for path in written]}, invocation.console, invocation.format)
    return ExitCode.OK


def write_starter(folder: Path, *, force: bool) -> list[Path]:
    """Copies the starter manifests into `folder` and returns their paths. Raises AlreadyExists, before anything is
    written, when one of them is there and `force` is not given."""
    sources = sorted(STARTER.glob("*.yaml"))
    targets = [folder / source.name for source in sources]
    taken = [str(target) for target in targets if target.exists() or target.is_symlink()]
    if taken and not force:
        raise AlreadyExists(f"{', '.join(taken)} exists already", hint="choose another folder, or overwrite: --force")
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in zip(sources, targets, strict=True):
        target.unlink(missing_ok=True)
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return targets
