"""`stigmer agent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.application import CommandGroup, Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame, common_parameters
from stigmer.cli.output import LISTING
from stigmer.cli.plaintext import clean

if TYPE_CHECKING:
    from stigmer.cli.world import World

KIND = "Agent"


@click.group("agent", cls=CommandGroup, params=common_parameters())
def command() -> None:
    """Create, change and delete agents without a manifest.

    What is written here belongs to no manifest: an apply of a manifest for the same agent takes the fields over that
    it declares.

    \b
    Examples:
      stigmer agent create "Support Bot" --instructions @support.md --label team=core
      stigmer agent list
    """


@command.command("create")
@click.argument("name")
@click.option("--instructions", metavar="TEXT|@FILE", required=True, help="What the agent is told; @- reads stdin.")
@click.option("--slug", help="Identity within the org; made from the name unless given.")
@click.option("--description", help="What the agent is for.")
@click.option("--mcp-server", "mcp_servers", metavar="SLUG", multiple=True, help="MCP server it may use; repeatable.")
@click.option("--skill", "skills", metavar="SLUG", multiple=True, help="Skill it has; repeatable.")
@click.option("--label", "labels", metavar="KEY=VALUE", multiple=True, help="Label; repeatable.")
@command_frame(*LISTING)
def create(
    invocation: Invocation,
    *,
    name: str,
    instructions: str,
    slug: str | None,
    description: str | None,
    mcp_servers: tuple[str, ...],
    skills: tuple[str, ...],
    labels: tuple[str, ...],
) -> ExitCode:
    """Create an agent.

    The server adds a default instance. An agent with the same slug is not touched: that is an error.

    \b
    Examples:
      stigmer agent create "Support Bot" --instructions "Answer questions about orders."
      stigmer agent create triage --instructions @triage.md --mcp-server github --skill triage
    """
    from stigmer.cli.agents import new_agent
    from stigmer.cli.world import open_world

    draft = new_agent(name, instructions, slug, description, mcp_servers, skills, labels)
    with open_world(invocation) as world:
        kind = world.contract.kinds[KIND]
        message = world.contract.codec.from_body(kind, draft.slug, draft.body)
        created = world.backend.create(kind, message, org=world.org)
        _print(created, world, invocation)
    if invocation.format.for_people:
        invocation.console.success(clean(f"created agent/{created.metadata.slug}"))
    return ExitCode.OK


@command.command("update")
@click.argument("slug")
@click.option("--instructions", metavar="TEXT|@FILE", help="What the agent is told; @- reads standard input.")
@click.option("--description", help="What the agent is for; empty removes it.")
@click.option("--label", "labels", metavar="KEY=VALUE|KEY-", multiple=True, help="Set or remove a label; repeatable.")
@command_frame(*LISTING)
def update(
    invocation: Invocation,
    *,
    slug: str,
    instructions: str | None,
    description: str | None,
    labels: tuple[str, ...],
) -> ExitCode:
    """Change some fields of an agent; the others stay.

    \b
    Examples:
      stigmer agent update support-bot --instructions @support.md
      stigmer agent update support-bot --label tier=gold --label old-
    """
    from stigmer.cli.agents import edit_agent, edits
    from stigmer.cli.world import open_world

    change = edits(instructions, description, labels)
    with open_world(invocation) as world:
        message, changed = edit_agent(world, slug, change)
        _print(message, world, invocation)
    if invocation.format.for_people:
        invocation.console.success(clean(f"{'updated' if changed else 'unchanged:'} agent/{slug}"))
    return ExitCode.OK


@command.command("get")
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
@command_frame(*LISTING)
def get(invocation: Invocation, *, slugs: tuple[str, ...]) -> ExitCode:
    """Print agents; the same as `stigmer get agent SLUG`.

    \b
    Examples:
      stigmer agent get support-bot -o yaml
    """
    return _show(invocation, (KIND, *slugs))


@command.command("list")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only these labels: team=core,tier!=test.")
@click.option("--filter", "filter_", metavar="FILTER", default="", help='Only these: slug = "a*" AND protect = true.')
@click.option("-A", "--all-orgs", is_flag=True, help="List every org.")
@command_frame(*LISTING)
def list_(invocation: Invocation, *, selector: str, filter_: str, all_orgs: bool) -> ExitCode:
    """List agents; the same as `stigmer get agents`.

    \b
    Examples:
      stigmer agent list -l team=core
    """
    return _show(invocation, (KIND,), selector=selector, filter=filter_, all_orgs=all_orgs)


@command.command("delete")
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--ignore-not-found", is_flag=True, help="A name that does not exist is no error.")
@command_frame(*LISTING)
def delete(invocation: Invocation, *, slugs: tuple[str, ...], yes: bool, ignore_not_found: bool) -> ExitCode:
    """Delete agents and their default instances; the same as `stigmer delete agent SLUG`.

    \b
    Examples:
      stigmer agent delete support-bot --yes
    """
    from stigmer.cli.deleting import Deletion, delete_resources

    deletion = Deletion(names=(KIND, *slugs), ignore_missing=ignore_not_found)
    return delete_resources(invocation, deletion, assume_yes=yes)


def _show(invocation: Invocation, names: tuple[str, ...], **narrowed: Any) -> ExitCode:
    from stigmer.cli.lookup import Query, look_up
    from stigmer.cli.views.resources import print_resources
    from stigmer.cli.world import open_world

    with open_world(invocation) as world:
        listing = look_up(Query(names, **narrowed), world)
    print_resources(listing, invocation.console, invocation.format)
    return ExitCode.OK


def _print(message: Any, world: World, invocation: Invocation) -> None:
    from stigmer.cli.lookup import resource_of
    from stigmer.cli.views.resources import Listing, print_resources

    resource = resource_of(world.contract.kinds[KIND], message, world)
    print_resources(Listing((resource,), single=True), invocation.console, invocation.format)
