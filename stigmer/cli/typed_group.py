"""The command group of one kind: `stigmer agent`, `env`, `workflow`.

Every group gets the same get, list, update, delete and delete-all from here. Its module adds `create`, for which each
kind needs something else, and what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame, common_parameters
from stigmer.cli.output import LISTING
from stigmer.cli.plaintext import clean

if TYPE_CHECKING:
    from stigmer.cli.drafts import Body, Draft
    from stigmer.cli.world import World
    from stigmer.contract import Kind

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class TextOption:
    """An option of `update` that gives a text field of the spec, whose name it has. `from_file`: it takes @FILE."""

    name: str
    help: str
    from_file: bool = False


@dataclass(frozen=True, slots=True)
class TypedGroup:
    """What the shared commands say and do for one kind. `word` is the group's name, `one` and `many` are how sentences
    name it, `slug` stands in examples, `texts` are options of `update`."""

    word: str
    kind: str
    one: str
    many: str
    slug: str
    texts: tuple[TextOption, ...] = ()
    has_default_instances: bool = True

    def help(self, text: str) -> str:
        """A help text with the kind's words in it."""
        gone = " and their default instances" if self.has_default_instances else ""
        return text.format(word=self.word, one=self.one, many=self.many, slug=self.slug, gone=gone)


DESCRIPTION = TextOption("description", "What it is for; empty removes it.")

_GET = """Print {many}; the same as `stigmer get {word} SLUG`.

\b
Examples:
  stigmer {word} get {slug} -o yaml
"""

_LIST = """List {many}; the same as `stigmer get {many}`.

\b
Examples:
  stigmer {word} list -l team=core
"""

_UPDATE = """Change some fields of {one}; the others stay.

If somebody else changes it meanwhile, the change is made on what they have written.

\b
Examples:
  stigmer {word} update {slug} --description "For the shop"
  stigmer {word} update {slug} --label tier=gold --label old-
"""

_DELETE = """Delete {many}{gone}.

The same as `stigmer delete {word} SLUG`.

\b
Examples:
  stigmer {word} delete {slug} --yes
"""

_DELETE_ALL = """Delete all {many} of an org, or those that are selected.

Deletes them{gone} in one transaction, all or nothing. If one is protected, or something that stays refers to
one, nothing is deleted and the run says what stands in the way; --filter 'protect = false' leaves protected ones out.

On a terminal, the number of resources has to be typed. Without a terminal --yes is needed.

\b
Examples:
  stigmer {word} delete-all --dry-run
  stigmer {word} delete-all -l team=core --yes
"""


def typed_group(typed: TypedGroup, text: str) -> click.Group:
    """The group with its shared commands; `text` is its help."""
    group = CommandGroup(typed.word, help=text, params=common_parameters())
    for make in (_get, _list, _update, _delete, _delete_all):
        group.add_command(make(typed))
    return group


def creation_options(*, name_required: bool = True) -> Callable[[Function], Function]:
    """Adds NAME and what every `create` takes."""
    options = (
        click.argument("name", required=name_required),
        click.option("--slug", help="Identity within the org; made from the name unless given."),
        click.option("--description", default="", help="What it is for."),
        click.option("--label", "labels", metavar="KEY=VALUE", multiple=True, help="Label; repeatable."),
    )

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def create_resource(invocation: Invocation, typed: TypedGroup, new: Draft) -> ExitCode:
    """Creates a resource and prints it."""
    from stigmer.cli.drafts import create

    return write_resource(invocation, typed, lambda world, kind: (create(world, kind, new), "created"))


def edit_resource(invocation: Invocation, typed: TypedGroup, slug: str, change: Callable[[Body], Body]) -> ExitCode:
    """Makes a change on a resource and prints it."""
    from stigmer.cli.drafts import edit

    def write(world: World, kind: Kind) -> tuple[Any, str]:
        message, changed = edit(world, kind, slug, change)
        return message, "updated" if changed else "unchanged:"

    return write_resource(invocation, typed, write)


def write_resource(
    invocation: Invocation, typed: TypedGroup, write: Callable[[World, Kind], tuple[Any, str]]
) -> ExitCode:
    """Prints the resource that `write` answers with, and says in its word what was done."""
    from stigmer.cli.lookup import resource_of
    from stigmer.cli.views.resources import Listing, print_resources
    from stigmer.cli.world import open_world

    with open_world(invocation) as world:
        kind = world.contract.kinds[typed.kind]
        message, done = write(world, kind)
        listing = Listing((resource_of(kind, message, world),), single=True)
    print_resources(listing, invocation.console, invocation.format)
    if invocation.format.for_people:
        invocation.console.success(clean(f"{done} {kind.singular}/{message.metadata.slug}"))
    return ExitCode.OK


def _get(typed: TypedGroup) -> click.Command:
    @click.command("get", help=typed.help(_GET))
    @click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
    @command_frame(*LISTING)
    def get(invocation: Invocation, *, slugs: tuple[str, ...]) -> ExitCode:
        return _show(invocation, (typed.kind, *slugs))

    return get


def _list(typed: TypedGroup) -> click.Command:
    @click.command("list", help=typed.help(_LIST))
    @_selecting
    @click.option("-A", "--all-orgs", is_flag=True, help="List every org.")
    @command_frame(*LISTING)
    def list_(invocation: Invocation, *, selector: str, filter_: str, all_orgs: bool) -> ExitCode:
        return _show(invocation, (typed.kind,), selector=selector, filter=filter_, all_orgs=all_orgs)

    return list_


def _update(typed: TypedGroup) -> click.Command:
    @click.command("update", help=typed.help(_UPDATE))
    @click.argument("slug")
    @_texts((*typed.texts, DESCRIPTION))
    @click.option(
        "--label", "labels", metavar="KEY=VALUE|KEY-", multiple=True, help="Set or remove a label; repeatable."
    )
    @command_frame(*LISTING)
    def update(invocation: Invocation, /, *, slug: str, labels: tuple[str, ...], **texts: str | None) -> ExitCode:
        from stigmer.cli.drafts import edits, text_of

        for option in typed.texts:
            given = texts[option.name]
            if option.from_file and given is not None:
                texts[option.name] = text_of(given)
        return edit_resource(invocation, typed, slug, edits(texts, labels).apply)

    return update


def _delete(typed: TypedGroup) -> click.Command:
    @click.command("delete", help=typed.help(_DELETE))
    @click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @click.option("--ignore-not-found", is_flag=True, help="A name that does not exist is no error.")
    @command_frame(*LISTING)
    def delete(invocation: Invocation, *, slugs: tuple[str, ...], yes: bool, ignore_not_found: bool) -> ExitCode:
        from stigmer.cli.deleting import Deletion, delete_resources

        deletion = Deletion(names=(typed.kind, *slugs), ignore_missing=ignore_not_found)
        return delete_resources(invocation, deletion, assume_yes=yes)

    return delete


def _delete_all(typed: TypedGroup) -> click.Command:
    @click.command("delete-all", help=typed.help(_DELETE_ALL))
    @_selecting
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @click.option("--dry-run", is_flag=True, help="Say what would be deleted, delete nothing.")
    @command_frame(*LISTING)
    def delete_all(invocation: Invocation, *, selector: str, filter_: str, yes: bool, dry_run: bool) -> ExitCode:
        from stigmer.cli.deleting import delete_selected
        from stigmer.cli.lookup import Query

        _require_selection(click.get_current_context(), {"selector": "-l", "filter_": "--filter"})
        query = Query((typed.kind,), selector=selector, filter=filter_)
        return delete_selected(invocation, query, dry_run=dry_run, assume_yes=yes)

    return delete_all


def _require_selection(context: click.Context, flags: Mapping[str, str]) -> None:
    """Refuses an option that is given and says nothing: mostly a variable that is not set, and it would select all."""
    for name, flag in flags.items():
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if given and not context.params[name].strip():
            raise click.UsageError(f"{flag} is empty and would select all; leave it out if all are meant.", context)


def _selecting(function: Function) -> Function:
    """Adds -l and --filter."""
    narrow = click.option("--filter", "filter_", metavar="FILTER", default="", help='Only these: slug = "a*".')
    select = click.option(
        "-l", "--selector", metavar="SELECTOR", default="", help="Only these labels: team=core,tier!=test."
    )
    return select(narrow(function))


def _texts(options: tuple[TextOption, ...]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        for option in reversed(options):
            form = "TEXT|@FILE" if option.from_file else "TEXT"
            function = click.option(f"--{option.name}", metavar=form, help=option.help)(function)
        return function

    return decorate


def _show(invocation: Invocation, names: tuple[str, ...], **narrowed: Any) -> ExitCode:
    from stigmer.cli.lookup import Query, look_up
    from stigmer.cli.views.resources import print_resources
    from stigmer.cli.world import open_world

    with open_world(invocation) as world:
        listing = look_up(Query(names, **narrowed), world)
    print_resources(listing, invocation.console, invocation.format)
    return ExitCode.OK
