"""`stigmer skill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import GivenPath, command_frame, common_parameters
from stigmer.cli.output import SINGLE
from stigmer.cli.plaintext import clean

if TYPE_CHECKING:
    from stigmer.sync.bundles import Pulled

KIND = "Skill"


@click.group("skill", cls=CommandGroup, params=common_parameters())
def command() -> None:
    """Get the files of skills.

    A skill is a text, SKILL.md, and perhaps a folder of files around it: scripts, references, templates. A manifest
    names that folder (spec.folder), and every apply stores it as one version.

    \b
    Examples:
      stigmer skill pull triage
    """


@command.command("pull")
@click.argument("slug")
@click.option("--dir", "folder", metavar="DIR", type=GivenPath(), help="Folder to write; ./SLUG if not given.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, replacing files of the same names.")
@command_frame(*SINGLE)
def pull(invocation: Invocation, *, slug: str, folder: Path | None, force: bool) -> ExitCode:
    """Write the files of a skill into a folder.

    Gives what was applied: the same files with the same content, and programs may be executed again. An apply of a
    manifest that names the folder changes nothing. A skill without a folder has one file, SKILL.md.

    \b
    Examples:
      stigmer skill pull triage
      stigmer skill pull triage --dir skills/triage
    """
    from reconciler import ResourceKey
    from stigmer.cli.world import open_world
    from stigmer.sync.bundles import pull as pull_files

    with open_world(invocation) as world:
        message = world.backend.get(KIND, slug, world.org)
        key = ResourceKey(KIND, world.org or world.info.default_org, slug)

        def fetch(digest: str) -> bytes:
            return world.backend.artifacts.fetch(digest, world.org)

        pulled = pull_files(world.contract, key, message, fetch, folder or Path(slug), force=force)
    _show(pulled, invocation)
    return ExitCode.OK


def _show(pulled: Pulled, invocation: Invocation) -> None:
    if invocation.format.for_people:
        for file in pulled.files:
            invocation.console.write(clean(str(pulled.folder / file.path)))
        invocation.console.success(clean(f"pulled skill/{pulled.key.slug} into {pulled.folder}"))
        return
    from dataclasses import asdict

    from stigmer.cli.views.objects import print_object

    answer = {
        "kind": pulled.key.kind,
        "org": pulled.key.org,
        "slug": pulled.key.slug,
        "artifact": pulled.artifact or None,
        "dir": str(pulled.folder),
        "files": [asdict(file) for file in pulled.files],
    }
    print_object(answer, invocation.console, invocation.format)
