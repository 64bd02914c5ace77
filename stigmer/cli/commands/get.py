"""`stigmer get`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING


@click.command("get")
@click.argument("names", metavar="KIND [SLUG...] | KIND/SLUG...", nargs=-1, required=True)
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only these labels: team=core,tier!=test.")
@click.option("--filter", "filter_", metavar="FILTER", default="", help='Only these: slug = "a*" AND protect = true.')
@click.option("-A", "--all-orgs", is_flag=True, help="List every org.")
@click.option("--ignore-not-found", is_flag=True, help="A name that does not exist is no error.")
@command_frame(*LISTING)
def command(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    selector: str,
    filter_: str,
    all_orgs: bool,
    ignore_not_found: bool,
) -> ExitCode:
    """List resources, or print them.

    The kind may be singular, plural or short, in any case; several are separated by commas. Instances that the server
    made for an agent or a workflow are marked "default of" it.

    -o yaml prints manifests that can be applied again as they are, several as one stream of documents; default
    instances are left out of a list, because the server makes them anew. -o json prints one object for one resource
    that was named, and {"items": [...]} for a list.

    \b
    Examples:
      stigmer get agents
      stigmer get agent support-bot -o yaml > support-bot.yaml
      stigmer get agents -l team=core -o name
      stigmer get agents -o jsonpath='{.items[*].metadata.slug}'
    """
    from stigmer.cli.lookup import Query, look_up
    from stigmer.cli.views.resources import print_resources
    from stigmer.cli.world import open_world

    query = Query(names, selector=selector, filter=filter_, all_orgs=all_orgs, ignore_missing=ignore_not_found)
    with open_world(invocation) as world:
        listing = look_up(query, world)
    print_resources(listing, invocation.console, invocation.format)
    return ExitCode.OK
