"""Reads resources for `get` and `describe` and gives them as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from stigmer.cli.naming import require_all, select
from stigmer.cli.views.resources import Listing, Resource
from stigmer.errors import NotFound

if TYPE_CHECKING:
    from reconciler import ResourceKey
    from stigmer.cli.world import World
    from stigmer.contract import Kind

ALL_ORGS = "-"
"""What a list request says for every org."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which resources: `names` as on the command line, the rest narrows a list."""

    names: tuple[str, ...]
    selector: str = ""
    filter: str = ""
    all_orgs: bool = False
    ignore_missing: bool = False


def look_up(query: Query, world: World) -> Listing:
    """The resources a query selects. Raises NotFound for a name that does not exist, unless it may be missing."""
    chosen = select(query.names, world.contract.kinds, world.org or world.info.default_org)
    if chosen.keys and (query.selector or query.filter or query.all_orgs):
        context = click.get_current_context(silent=True)
        raise click.UsageError("-l, --filter and -A narrow a list; here resources are named.", context)
    if chosen.keys:
        found = dict(_named(chosen.keys, world))
        if not query.ignore_missing:
            require_all(chosen.keys, found)
        resources = tuple(found[key] for key in dict.fromkeys(chosen.keys) if key in found)
        return Listing(resources, single=len(chosen.keys) == 1)
    resources = tuple(resource for kind in chosen.kinds for resource in _listed(kind, query, world))
    return Listing(resources, kinds=tuple(kind.plural for kind in chosen.kinds), several_orgs=query.all_orgs)


def keys_matching(query: Query, world: World, *, at_most: int) -> tuple[ResourceKey, ...]:
    """The keys of whole kinds that a query selects in one org, `at_most` so many: the rest is not asked for."""
    from reconciler import ResourceKey

    org = world.org or world.info.default_org
    found = (
        ResourceKey(kind.name, org, message.metadata.slug)
        for kind in select(query.names, world.contract.kinds, org).kinds
        for message in _messages(kind, query, world)
    )
    return tuple(islice(found, at_most))


def resource_of(kind: Kind, message: Any, world: World) -> Resource:
    """One resource as the views take it."""
    manifest = world.contract.codec.manifest(kind, message, full=True)
    return Resource(kind.name, kind.singular, manifest, message.metadata.org or world.info.default_org)


def _named(keys: Iterable[ResourceKey], world: World) -> Iterator[tuple[ResourceKey, Resource]]:
    for key in dict.fromkeys(keys):
        kind = world.contract.kinds[key.kind]
        try:
            message = world.backend.get(kind, key.slug, key.org)
        except NotFound:
            continue
        yield key, resource_of(kind, message, world)


def _listed(kind: Kind, query: Query, world: World) -> Iterator[Resource]:
    for message in _messages(kind, query, world):
        yield resource_of(kind, message, world)


def _messages(kind: Kind, query: Query, world: World) -> Iterator[Any]:
    org = ALL_ORGS if query.all_orgs else world.org
    return world.backend.list(kind, org=org, label_selector=query.selector, filter=query.filter)
