"""Deletes what names or manifests say; shared by `delete` and `agent delete`."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer import sync
from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.naming import keys_of, require_all
from stigmer.cli.running import run_use_case


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
