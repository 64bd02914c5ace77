"""The options of commands that read manifests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from stigmer.cli.application import Invocation

if TYPE_CHECKING:
    from stigmer.sync import Request

Function = TypeVar("Function", bound=Callable[..., Any])
Options: TypeAlias = Sequence[Callable[[Any], Any]]

_PATHS: Options = [
    click.argument("more_paths", metavar="[PATH]...", nargs=-1),
    click.option(
        "-f",
        "--file",
        "paths",
        metavar="PATH",
        multiple=True,
        help="File, folder, glob, or - for standard input; may be repeated.",
    ),
    click.option("-R", "--recursive/--no-recursive", default=True, help="Go into folders of folders (the default)."),
]

_LIVE: Options = [
    click.option("--field-manager", metavar="NAME", default="stigmer", help="In whose name fields are declared."),
    click.option("--force-conflicts", is_flag=True, help="Take over fields that another field manager declares."),
    click.option("--allow-replace", is_flag=True, help="Delete and create anew where a field cannot change in place."),
    click.option("--keep-going", is_flag=True, help="Write independent resources although others fail."),
    click.option("--no-cache", is_flag=True, help="Read every file, also those that have not changed."),
]


def manifest_paths(function: Function) -> Function:
    """Adds -f, -R and positional paths."""
    return _with(_PATHS, function)


def planning_options(function: Function) -> Function:
    """Adds what decides how a plan is made."""
    return _with(_LIVE, function)


detailed_exitcode = click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to change."
)

show_unchanged = click.option("--show-unchanged", is_flag=True, help="List unchanged resources too.")


def required_paths(more_paths: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str, ...]:
    """All paths given. Raises UsageError when there are none."""
    if not paths and not more_paths:
        raise click.UsageError("Say what to read: -f PATH, or -f - for standard input.", click.get_current_context())
    return (*paths, *more_paths)


def planning_request(
    invocation: Invocation,
    *,
    dry_run: bool,
    paths: tuple[str, ...],
    more_paths: tuple[str, ...],
    recursive: bool,
    field_manager: str,
    force_conflicts: bool,
    allow_replace: bool,
    keep_going: bool,
    no_cache: bool,
) -> Request:
    """What `manifest_paths` and `planning_options` were given, as a request."""
    from stigmer.sync import Request

    return Request(
        paths=required_paths(more_paths, paths),
        recursive=recursive,
        org=invocation.org,
        manager=field_manager,
        allow_replace=allow_replace,
        keep_going=keep_going,
        force_conflicts=force_conflicts,
        use_cache=not no_cache,
        dry_run=dry_run,
    )


def _with(options: Options, function: Function) -> Function:
    for option in reversed(options):
        function = option(function)
    return function
