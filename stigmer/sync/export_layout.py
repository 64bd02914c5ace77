"""Where a resource lies in a folder of exported manifests.

    agents/support-bot.yaml                 in the backend's own org
    orgs/acme/agents/support-bot.yaml       in another one
    skills/refunds.yaml  skills/refunds/    a manifest, and the folder of what else belongs to the resource

A path follows from the resource's identity alone, so that the next export finds it again. Slugs have no upper-case
letters, dots or slashes: no two resources share a path, on no file system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from manifests.walk import MANIFEST_SUFFIXES, PROJECT_FILES
from reconciler import ResourceKey
from stigmer.contract import Kind
from stigmer.contract.slug import is_slug, slugify
from stigmer.errors import FailedPrecondition, InvalidArgument

OTHER_ORGS = "orgs"
"""The folder of the orgs that are not the backend's own."""

MAX_STEM = 240
"""Characters of a file name without its suffix: file systems take 255 bytes, and a slug may have 253."""

SUFFIXES = {"yaml": ".yaml", "json": ".json"}
"""The suffix of each form. Both are read back, so an export looks for what it no longer makes under either."""


@dataclass(slots=True)
class Place:
    """Where one resource lies. `manifest` is its file and `beside` the folder for further files, both relative to the
    folder of the export; `files` are those further files by their paths in `beside`, `programs` the paths of those
    that may be executed."""

    manifest: str
    beside: str
    files: dict[str, bytes] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)

    def attach(self, path: str, data: bytes, *, executable: bool = False) -> str:
        """Lets a further file lie at `path` in `beside`. Returns what the manifest may call it: its path from the
        manifest's own folder. InvalidArgument for a path that leads anywhere else."""
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise InvalidArgument(f"{path!r} cannot be the path of a file beside {self.manifest}")
        self.files[path] = data
        if executable:
            self.programs.add(path)
        return f"{self.beside.rpartition('/')[2]}/{path}"


def folder_of(plural: str, org: str, default_org: str) -> str:
    """The folder of a kind's manifests in an org."""
    return plural if org == default_org else f"{OTHER_ORGS}/{org}/{plural}"


def place_of(kind: Kind, key: ResourceKey, default_org: str, suffix: str) -> Place:
    """The place of a resource. FailedPrecondition for an identity that is none."""
    if not is_slug(key.org) or not is_slug(key.slug):
        raise FailedPrecondition(f"no file can be named after {str(key)!r}", reason="UNSAFE_NAME")
    path = f"{folder_of(kind.plural, key.org, default_org)}/{_stem(key.slug)}"
    return Place(path + suffix, path)


def key_of(document: Mapping[str, Any], kinds: Mapping[str, Kind], default_org: str) -> ResourceKey | None:
    """The resource that a manifest of this layout is about; None for a document that names none."""
    kind, metadata = document.get("kind"), document.get("metadata")
    if not isinstance(kind, str) or kind not in kinds or not isinstance(metadata, Mapping):
        return None
    name, slug, org = (str(metadata.get(part, "")) for part in ("name", "slug", "org"))
    try:
        key = ResourceKey(kind, org or default_org, slug or slugify(name))
    except InvalidArgument:
        return None
    return key if is_slug(key.org) and is_slug(key.slug) else None


def is_manifest_name(name: str) -> bool:
    """Whether the loader would take a file of this name for a manifest."""
    return name.endswith(MANIFEST_SUFFIXES) and not name.startswith(".") and name not in PROJECT_FILES


def _stem(slug: str) -> str:
    """The slug, or a name that no slug is: where the file's name would be too long, or mean a project's settings."""
    if len(slug) > MAX_STEM:
        digest = sha256(slug.encode()).hexdigest()[:16]
        return f"{slug[: MAX_STEM - len(digest) - 1]}_{digest}"
    return f"{slug}_" if f"{slug}.yaml" in PROJECT_FILES else slug
