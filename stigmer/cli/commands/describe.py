"""`stigmer describe`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE

if TYPE_CHECKING:
    from reconciler import ResourceKey
    from stigmer.cli.views.description import Description, Link
    from stigmer.cli.world import World
    from stigmer.contract import Kind


@click.command("describe")
@click.argument("names", metavar="KIND SLUG... | KIND/SLUG...", nargs=-1, required=True)
@command_frame(*SINGLE)
def command(invocation: Invocation, *, names: tuple[str, ...]) -> ExitCode:
    """Show one resource in full, for reading.

    Shows names and labels, who made and changed it and when, which field managers declare how much of it, conditions,
    what it refers to and whether that exists, its default instance, and its spec. With another format than the table,
    prints what `get` prints.

    \b
    Examples:
      stigmer describe agent support-bot
      stigmer describe agent/support-bot workflow/triage
    """
    from stigmer.cli.naming import keys_of
    from stigmer.cli.world import open_world

    with open_world(invocation) as world:
        keys = keys_of(names, world.contract.kinds, world.org or world.info.default_org)
        if not invocation.format.for_people:
            _print_like_get(names, world, invocation)
            return ExitCode.OK
        described = [_describe(key, world) for key in keys]
    _print_pages(described, invocation)
    return ExitCode.OK


def _print_like_get(names: tuple[str, ...], world: World, invocation: Invocation) -> None:
    from stigmer.cli.lookup import Query, look_up
    from stigmer.cli.views.resources import print_resources

    print_resources(look_up(Query(names), world), invocation.console, invocation.format)


def _print_pages(described: list[Description], invocation: Invocation) -> None:
    from stigmer.cli.views.description import page_of
    from stigmer.cli.views.page import print_page

    for number, one in enumerate(described):
        if number:
            invocation.console.write("")
        print_page(page_of(one, datetime.now(UTC)), invocation.console)


def _describe(key: ResourceKey, world: World) -> Description:
    from manifests import render
    from stigmer.cli.lookup import resource_of
    from stigmer.cli.views.description import Description
    from stigmer.contract.claims import unpack

    kind = world.contract.kinds[key.kind]
    message: Any = world.backend.get(kind, key.slug, key.org)
    resource = resource_of(kind, message, world)
    return Description(
        resource=resource,
        links=_links(kind, message, resource.org, world),
        managers=[(claims.manager, len(unpack(claims.paths))) for claims in message.metadata.claims],
        default_instance=_default_instance(kind, message),
        spec=render([resource.manifest.get("spec", {})]),
    )


def _links(kind: Kind, message: Any, org: str, world: World) -> list[Link]:
    from reconciler import ResourceKey
    from stigmer.cli.views.description import Link

    references = world.contract.references(kind, message)
    keys = [ResourceKey(item.kind, item.org or org, item.slug) for item in references]
    found = world.backend.get_many(set(keys)).resources if keys else {}
    return [
        Link(item.path, f"{key.kind}/{key.slug}" if key.org == org else str(key), key in found)
        for item, key in zip(references, keys, strict=True)
    ]


def _default_instance(kind: Kind, message: Any) -> str:
    if not kind.default_instance_kind or not message.status.default_instance_id:
        return ""
    return f"{kind.default_instance_kind}/{message.metadata.slug}-default ({message.status.default_instance_id})"
