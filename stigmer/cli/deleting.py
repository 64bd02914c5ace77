"""Deletes what names, manifests or a query say; shared by `delete` and the commands of single kinds."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer import sync
from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.lookup import Query, keys_matching
from stigmer.cli.naming import keys_of, require_all
from stigmer.cli.running import run_in_world, run_use_case
from stigmer.cli.views.changes import Verb
from stigmer.cli.world import World, workspace_of
from stigmer.contract.limits import MAX_CHANGES
from stigmer.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Deletion:
    """What goes: `names` as on the command line, or `paths` of manifests."""

    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    recursive: bool = True
    ignore_missing: bool = False
    keep_going: bool = False
    dry_run: bool = False


def delete_resources(invocation: Invocation, deletion: Deletion, *, assume_yes: bool) -> ExitCode:
    """Runs a deletion. A name that does not exist is NotFound, before anything is deleted, unless it may be missing."""
    request = sync.Request(
        paths=deletion.paths,
        recursive=deletion.recursive,
        org=invocation.org,
        keep_going=deletion.keep_going,
        dry_run=deletion.dry_run,
    )

    def use_case(workspace: sync.Workspace, confirm: sync.Confirm, emit: sync.Emit) -> sync.Outcome:
        keys = keys_of(deletion.names, workspace.contract.kinds, request.org or workspace.default_org)
        if keys and not deletion.ignore_missing:
            require_all(keys, workspace.backend.get_many(keys).resources)
        return sync.delete(request, workspace, keys=keys, confirm=confirm, emit=emit)

    return run_use_case(invocation, use_case, "plan" if deletion.dry_run else "delete", assume_yes=assume_yes)


def delete_selected(invocation: Invocation, query: Query, *, dry_run: bool, assume_yes: bool) -> ExitCode:
    """Deletes every resource of one kind that a query selects, in one transaction. Where somebody is asked, the number
    of resources has to be typed. Raises InvalidArgument for more than a transaction takes."""
    request = sync.Request(paths=(), org=invocation.org, dry_run=dry_run)

    def use_case(world: World, confirm: sync.Confirm, emit: sync.Emit) -> sync.Outcome:
        keys = keys_matching(query, world, at_most=MAX_CHANGES + 1)
        if len(keys) > MAX_CHANGES:
            raise InvalidArgument(
                f"more than {MAX_CHANGES:,} resources are selected; one transaction deletes at most that many",
                hint="select fewer with -l or --filter",
            )
        return sync.delete(request, workspace_of(world), keys=keys, confirm=confirm, emit=emit)

    verb: Verb = "plan" if dry_run else "delete"
    return run_in_world(invocation, use_case, verb, assume_yes=assume_yes, guarded=True)
