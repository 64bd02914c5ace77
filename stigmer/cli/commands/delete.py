"""`stigmer delete`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING


@click.command("delete")
@click.argument("names", metavar="[KIND SLUG... | KIND/SLUG...]", nargs=-1)
@click.option("-f", "--file", "paths", metavar="PATH", multiple=True, help="Delete what these manifests declare.")
@click.option("-R", "--recursive/--no-recursive", default=True, help="Go into folders of folders (the default).")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--ignore-not-found", is_flag=True, help="A name that does not exist is no error.")
@click.option("--keep-going", is_flag=True, help="Delete independent resources although others fail.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, delete nothing.")
@command_frame(*LISTING)
def command(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    paths: tuple[str, ...],
    recursive: bool,
    yes: bool,
    ignore_not_found: bool,
    keep_going: bool,
    dry_run: bool,
) -> ExitCode:
    """Delete resources, by manifest or by name.

    Deletes in one transaction, all or nothing, what the manifests declare or the names say, and never anything else.
    What something else still refers to is not deleted, unless that goes in the same run. A resource whose
    metadata.protect is true is not deleted.

    With -f, resources that do not exist any more count as unchanged. A name that does not exist is an error, unless
    --ignore-not-found. Without a terminal --yes is needed.

    \b
    Examples:
      stigmer delete agent support-bot
      stigmer delete agent/support-bot environment/production --yes
      stigmer delete -f agents/ --yes
    """
    from stigmer.cli.deleting import Deletion, delete_resources

    if bool(names) == bool(paths):
        raise click.UsageError("Give either names, as KIND SLUG or KIND/SLUG, or -f PATH.", click.get_current_context())
    deletion = Deletion(
        names=names,
        paths=paths,
        recursive=recursive,
        ignore_missing=ignore_not_found,
        keep_going=keep_going,
        dry_run=dry_run,
    )
    return delete_resources(invocation, deletion, assume_yes=yes)
