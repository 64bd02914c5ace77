"""The nouns of the reconciler: what is wanted (`Desired`), what a backend holds (`Observed`, `Snapshot`), and the key
that joins the two. Callers build these from manifests and from answers of a backend; every later stage only reads them.

A *body* is the canonical plain-dict form of a resource, `{"metadata": {...}, "spec": {...}}`: dicts, lists and scalars
only, no unset fields. Kind, org and slug are in the key and never in the body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

Body: TypeAlias = Mapping[str, Any]


class ResourceKey(NamedTuple):
    """The identity of a resource: never its version or content. Ordered by kind, then org, then slug.

    A tuple underneath, because plans hash and sort hundreds of thousands of keys.
    """

    kind: str
    org: str
    slug: str

    def __str__(self) -> str:
        return f"{self.org}/{self.kind}/{self.slug}"

    @classmethod
    def parse(cls, text: str) -> ResourceKey:
        """The key that `str(key)` wrote as `org/Kind/slug`. ValueError for anything else."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"not a resource key: {text!r} (expected org/Kind/slug)")
        org, kind, slug = parts
        return cls(kind, org, slug)


class Origin(NamedTuple):
    """Where a resource is declared: `line` and `column` count from 1, `document` (within the file) from 0."""

    file: str
    line: int
    column: int = 1
    document: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Reference(NamedTuple):
    """One resource naming another: `path` is the field that holds the name, `required` whether the target must exist
    when the resource is written (otherwise a missing target is a warning)."""

    path: str
    target: ResourceKey
    required: bool = True


@dataclass(slots=True, eq=False)
class Desired:
    """A resource as a manifest wants it. `digest` covers the canonical body; `load` makes that body, and is called at
    most once and only if the body is needed: an unchanged resource is planned by its digest alone."""

    key: ResourceKey
    digest: bytes
    load: Callable[[], Body]
    origin: Origin | None = None
    references: tuple[Reference, ...] = ()
    _body: Body | None = field(default=None, init=False, repr=False)

    @property
    def body(self) -> Body:
        if self._body is None:
            self._body = self.load()
        return self._body


@dataclass(frozen=True, slots=True)
class Observed:
    """A resource as a backend holds it.

    `resource_version` is the revision that last wrote it and, with `id`, the precondition of every write. `owner` is
    the owning project or "". `claims` maps each declarative field manager to the field paths that it declares.
    """

    key: ResourceKey
    id: str
    etag: str
    resource_version: int
    generation: int
    digest: bytes
    owner: str
    protect: bool
    body: Body
    claims: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a backend held for a set of keys at one revision; a key in neither collection is absent there.

    `unchanged` are the keys known to hold exactly what is desired, so that nobody fetched them.
    """

    revision: int
    resources: Mapping[ResourceKey, Observed]
    unchanged: frozenset[ResourceKey] = frozenset()
