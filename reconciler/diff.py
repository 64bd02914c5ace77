"""The three-way merge of one resource: what the manifest wants, what is live, and who claims which field decide the
body to write. Pure; runs only where digests differ.

A field that the manifest declares gets the manifest's value. A live field that it does not declare goes if the
manifest used to declare it, stays if another manager claims it, and otherwise follows the schema's drift policy.
A difference in claims alone is no change: claims are renewed with the next write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from reconciler.leaves import collect, leaf_paths, masked, same
from reconciler.places import Place, Shape, whole
from reconciler.resource import Body
from reconciler.schema import DriftPolicy, Node

Operation: TypeAlias = Literal["add", "replace", "remove"]


class CauseKind(Enum):
    """Why a field changes."""

    MANIFEST = "manifest changed"
    """The manifest says something else than the live resource, or no longer says what it said. Whether the manifest
    moved or somebody edited the field is not told apart: that takes the last writer of each field."""
    OUTSIDE = "changed outside the manifest"
    """Drift: somebody added what the manifest never declared."""
    CLAIMED = "claimed by"
    """The manifest says something else, and another manager claims the field. The detail names that manager."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind with what is known of who, when or where; `str()` is one phrase for people."""

    kind: CauseKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.detail}".rstrip()


MANIFEST = Cause(CauseKind.MANIFEST)
OUTSIDE = Cause(CauseKind.OUTSIDE)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One leaf that changes. `before` is None for "add", `after` for "remove"; secrets in either are masked.

    `immutable` says that the resource cannot be updated in place to get this change.
    """

    path: str
    op: Operation
    before: Any
    after: Any
    cause: Cause
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    """What became of the three sides: the full body to write (the live one itself if nothing changes), the changes
    from the live body, all leaf paths of the manifest, and the live fields that stay though nobody claims them."""

    body: Body
    changes: tuple[FieldChange, ...]
    claims: frozenset[str]
    kept: tuple[str, ...] = ()


def three_way(
    schema: Node, desired_body: Body, live_body: Body, ours: frozenset[str], others: Mapping[str, str]
) -> Merge:
    """Merges whole bodies. `ours` are the paths that our manager claims on the live resource, `others` the paths that
    other managers claim, with their names. Linear in the size of the bodies."""
    if same(desired_body, live_body):
        return Merge(live_body, (), leaf_paths(schema, desired_body))
    merging = _Merging(ours, others)
    body = merging.fields(whole(schema), desired_body, live_body)
    changes = tuple(merging.changes)
    return Merge(body if changes else live_body, changes, frozenset(merging.claims), tuple(merging.kept))


_ABSENT: Final[Any] = object()

Parts: TypeAlias = Mapping[str, tuple[Place, Any]]


class _Merging:
    """One walk over the three sides. Methods return the merged value, `_ABSENT` if none is left, and write down
    changes and claims on the way."""

    __slots__ = ("changes", "claims", "kept", "others", "ours")

    def __init__(self, ours: frozenset[str], others: Mapping[str, str]) -> None:
        self.ours = ours
        self.others = others
        self.changes: list[FieldChange] = []
        self.claims: list[str] = []
        self.kept: list[str] = []

    def fields(self, place: Place, want: Body, have: Body) -> dict[str, Any]:
        """Both sides are objects or maps: by name, the declared ones first."""
        merged = {name: self.declared(place.field(name), one, have.get(name, _ABSENT)) for name, one in want.items()}
        return merged | self.remaining(place, {name: one for name, one in have.items() if name not in want})

    def items(self, place: Place, want: Parts, have: Parts) -> list[Any]:
        """Both sides are sets or keyed lists, taken apart: the declared ones first, in their order."""
        nothing = (place, _ABSENT)
        merged = [self.declared(item, one, have.get(path, nothing)[1]) for path, (item, one) in want.items()]
        return merged + self.remaining_items(place, {path: part for path, part in have.items() if path not in want})

    def declared(self, place: Place, want: Any, have: Any) -> Any:
        """The manifest has a value here; the live resource may."""
        known = len(self.changes)
        merged = self.merged(place, want, have)
        if have is _ABSENT and place.node.immutable_presence:
            self.fix(known)
        return merged

    def merged(self, place: Place, want: Any, have: Any) -> Any:
        absent = have is _ABSENT
        if absent and not want:
            return self.leaf(place, want, have)
        if place.shape is Shape.FIELDS and isinstance(want, dict) and (absent or isinstance(have, dict)):
            self.claim_empty(place, want)
            return self.fields(place, want, {} if absent else have)
        wanted = place.parts(want)
        held = {} if absent else place.parts(have)
        if wanted is not None and held is not None:
            self.claim_empty(place, want)
            return self.items(place, wanted, held)
        return self.leaf(place, want, have)

    def claim_empty(self, place: Place, want: Any) -> None:
        if not want:
            self.claims.append(place.path)

    def leaf(self, place: Place, want: Any, have: Any) -> Any:
        """The manifest's value replaces the live one as a whole."""
        collect(place, want, self.claims)
        if have is not _ABSENT and same(want, have):
            return have
        manager = self.others.get(place.path)
        self.change(place, have, want, MANIFEST if manager is None else Cause(CauseKind.CLAIMED, manager))
        return want

    def remaining(self, place: Place, have: Body) -> dict[str, Any]:
        """What stays of fields that the manifest does not declare."""
        kept = {name: self.undeclared(place.field(name), one) for name, one in have.items()}
        return {name: one for name, one in kept.items() if one is not _ABSENT}

    def remaining_items(self, place: Place, have: Parts) -> list[Any]:
        keyed, key = place.shape is Shape.KEYED, place.node.key
        kept = [
            self.undeclared_item(item, key, one) if keyed and item.shape is Shape.FIELDS else self.undeclared(item, one)
            for item, one in have.values()
        ]
        return [one for one in kept if one is not _ABSENT]

    def undeclared(self, place: Place, have: Any) -> Any:
        """What stays of a live value that the manifest does not declare. Nothing is left empty."""
        known = len(self.changes)
        if have and place.shape is Shape.FIELDS and isinstance(have, dict):
            rest: Any = self.remaining(place, have) or _ABSENT
        elif have and (parts := place.parts(have)) is not None:
            rest = self.remaining_items(place, parts) or _ABSENT
        else:
            rest = self.undeclared_leaf(place, have)
        if rest is _ABSENT and place.node.immutable_presence:
            self.fix(known)
        return rest

    def undeclared_item(self, place: Place, key: str, have: Body) -> Any:
        """The key of an item stays as long as anything else of it does: without it the rest would have no name."""
        rest = self.remaining(place, {name: one for name, one in have.items() if name != key})
        if rest:
            return {name: rest.get(name, one) for name, one in have.items() if name == key or name in rest}
        return self.remaining(place, {key: have[key]}) or _ABSENT

    def undeclared_leaf(self, place: Place, have: Any) -> Any:
        if place.path in self.others:
            return have
        ours = place.path in self.ours
        if not ours and place.drift is not DriftPolicy.STRICT:
            if place.drift is DriftPolicy.MERGE:
                self.kept.append(place.path)
            return have
        self.change(place, have, _ABSENT, MANIFEST if ours else OUTSIDE)
        return _ABSENT

    def change(self, place: Place, before: Any, after: Any, cause: Cause) -> None:
        op: Operation = "add" if before is _ABSENT else "remove" if after is _ABSENT else "replace"
        old, new = (None if one is _ABSENT else masked(place.node, one, place.secret) for one in (before, after))
        self.changes.append(FieldChange(place.path, op, old, new, cause, place.immutable))

    def fix(self, known: int) -> None:
        """Marks the changes after the first `known` ones: together they make a field appear or disappear that must
        not."""
        self.changes[known:] = [replace(change, immutable=True) for change in self.changes[known:]]
