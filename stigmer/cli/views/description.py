"""One resource as a page to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stigmer.cli.views.page import Page
from stigmer.cli.views.resources import Resource, age
from stigmer.cli.views.wording import counted


@dataclass(frozen=True, slots=True)
class Link:
    """A reference that the resource makes: the field, `Kind/slug`, and whether it leads somewhere."""

    path: str
    target: str
    found: bool


@dataclass(frozen=True, slots=True)
class Description:
    """All that is known of one resource. `managers` are (field manager, number of fields it declares)."""

    resource: Resource
    links: Sequence[Link]
    managers: Sequence[tuple[str, int]]
    default_instance: str
    spec: str


def page_of(described: Description, now: datetime) -> Page:
    """The page of a description."""
    resource = described.resource
    conditions = [
        [str(item.get(name, "")) or "-" for name in ("type", "status", "reason", "message")]
        for item in resource.conditions
    ]
    links = [[link.path, link.target, "yes" if link.found else "missing"] for link in described.links]
    return Page(
        title=f"{resource.kind} {resource.slug}",
        fields=_fields(described, now),
        tables=[
            ("Conditions", [["TYPE", "STATUS", "REASON", "MESSAGE"], *conditions]),
            ("References", [["FIELD", "TARGET", "FOUND"], *links]),
        ],
        blocks=[("Spec", described.spec)],
    )


def _fields(described: Description, now: datetime) -> list[tuple[str, Sequence[str]]]:
    resource = described.resource
    metadata = resource.metadata
    audit = metadata.get("audit", {})
    fields: list[tuple[str, Sequence[str]]] = [
        ("Name", [str(metadata.get("name", ""))]),
        ("Slug", [resource.slug]),
        ("Org", [resource.org]),
        ("Id", [str(metadata.get("id", ""))]),
        ("State", [resource.state]),
        ("Labels", _pairs(metadata.get("labels", {}))),
        ("Annotations", _pairs(metadata.get("annotations", {}))),
        ("Tags", [", ".join(metadata.get("tags", []))]),
        ("Protected", ["yes" if metadata.get("protect") else "no"]),
        ("Generation", [str(metadata.get("generation", ""))]),
        ("Revision", [f"{metadata.get('resourceVersion', '')} (etag {metadata.get('etag', '')})"]),
        ("Owner", [str(metadata.get("owner", ""))]),
        ("Created", [_moment(audit.get("createdAt"), audit.get("createdBy"), now)]),
        ("Updated", [_moment(audit.get("updatedAt"), audit.get("updatedBy"), now)]),
        ("Declared by", [f"{name} ({counted(count, 'field')})" for name, count in described.managers]),
    ]
    if resource.parent:
        fields.append(("Made for", [resource.parent]))
    if described.default_instance:
        fields.append(("Default instance", [described.default_instance]))
    return fields


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def _moment(at: object, by: object, now: datetime) -> str:
    return f"{at} by {by} ({age(at, now)} ago)" if at else ""
