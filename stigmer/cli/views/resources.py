"""Resources as a table, as manifests, as objects or as names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stigmer.cli.console import Console
from stigmer.cli.output import Format
from stigmer.cli.plaintext import clean
from stigmer.cli.views.objects import print_object
from stigmer.cli.views.tables import print_table
from stigmer.cli.views.wording import counted

_STYLES = {"Ready": "green"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its manifest with what the server sets, and the org it lives in."""

    kind: str
    singular: str
    manifest: Mapping[str, Any]
    org: str

    @property
    def metadata(self) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = self.manifest.get("metadata", {})
        return metadata

    @property
    def slug(self) -> str:
        return str(self.metadata.get("slug", ""))

    @property
    def parent(self) -> str:
        """The resource this one was made for, as `org/Kind/slug`; empty for most."""
        return str(self.metadata.get("parent", ""))

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        return list(self.manifest.get("status", {}).get("conditions", []))

    @property
    def state(self) -> str:
        """Ready, or the conditions that are not met."""
        unmet = [str(item.get("type")) for item in self.conditions if item.get("status") == "False"]
        return "Ready" if not unmet else ", ".join(f"{name}=False" for name in unmet)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a query found. `single` says that exactly one resource was asked for by name."""

    resources: tuple[Resource, ...]
    kinds: tuple[str, ...] = ()
    single: bool = False
    several_orgs: bool = False


def print_resources(listing: Listing, console: Console, form: Format, now: datetime | None = None) -> None:
    """Prints what was found in the format asked for."""
    resources = listing.resources
    if form.for_people:
        _print_tables(listing, console, wide=form.name == "wide", now=now or datetime.now(UTC))
    elif form.name == "name":
        for resource in resources:
            console.write(clean(f"{resource.singular}/{resource.slug}"))
    elif form.name == "yaml":
        _print_manifests(listing, console)
    elif listing.single and resources:
        print_object(resources[0].manifest, console, form)
    else:
        print_object({"items": [resource.manifest for resource in resources]}, console, form)


def age(timestamp: object, now: datetime) -> str:
    """How long ago an RFC 3339 time was, in its two largest units at most: `3d`, `5m30s`."""
    try:
        then = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return "-"
    seconds = max(0, int((now - then).total_seconds()))
    for size, letter, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size}{letter}" + (f"{rest}{smaller}" if rest and seconds < 10 * size else "")
    return f"{seconds}s"


def _print_manifests(listing: Listing, console: Console) -> None:
    from manifests import render

    kept = [item for item in listing.resources if listing.single or listing.kinds == () or not item.parent]
    if kept:
        console.write(render(dict(item.manifest) for item in kept))
    left_out = len(listing.resources) - len(kept)
    if left_out:
        console.info(f"{counted(left_out, 'default instance')} left out: the server makes them with their parents")


def _print_tables(listing: Listing, console: Console, *, wide: bool, now: datetime) -> None:
    by_kind: dict[str, list[Resource]] = {}
    for resource in listing.resources:
        by_kind.setdefault(resource.kind, []).append(resource)
    if not by_kind:
        console.info(f"no {' or '.join(listing.kinds) or 'resources'} found")
    for number, (kind, resources) in enumerate(by_kind.items()):
        if number:
            console.write("")
        typed = len(by_kind) > 1
        _print_kind(kind if typed else "", resources, console, wide=wide, orgs=listing.several_orgs, now=now)


def _print_kind(
    title: str, resources: list[Resource], console: Console, *, wide: bool, orgs: bool, now: datetime
) -> None:
    marked = any(resource.parent for resource in resources)
    headers = (["ORG"] if orgs else []) + (["TYPE"] if title else []) + ["NAME", "STATUS", "GENERATION", "AGE"]
    headers += ["NOTE"] if marked else []
    headers += ["DISPLAY NAME", "ID", "REVISION", "OWNER", "LABELS"] if wide else []
    rows = [_row(item, title, wide=wide, orgs=orgs, marked=marked, now=now) for item in resources]
    print_table(console, headers, rows, _STYLES)


def _row(item: Resource, title: str, *, wide: bool, orgs: bool, marked: bool, now: datetime) -> list[str]:
    metadata = item.metadata
    created = metadata.get("audit", {}).get("createdAt", "")
    row = ([item.org] if orgs else []) + ([title] if title else [])
    row += [item.slug, item.state, str(metadata.get("generation", "-")), age(created, now)]
    row += [_note(item)] if marked else []
    if wide:
        labels = ",".join(f"{key}={value}" for key, value in metadata.get("labels", {}).items())
        row += [
            str(metadata.get("name", "")),
            str(metadata.get("id", "-")),
            str(metadata.get("resourceVersion", "-")),
            str(metadata.get("owner", "")) or "-",
            labels or "-",
        ]
    return row


def _note(item: Resource) -> str:
    if not item.parent:
        return "-"
    _, kind, slug = item.parent.split("/")
    return f"default of {kind.lower()}/{slug}"
