"""Places: a field of a schema at a path inside a body, with everything that it inherits from the fields around it.

Thousands of bodies of one kind have nearly the same paths. So the places of a schema form a tree that is grown on
demand and kept: walking a body then builds no text, and the claims of all resources share one string per path.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import Any

from reconciler.path import Scalar, item_suffix, key_suffix, member_suffix, root
from reconciler.schema import ANY, DriftPolicy, ListType, Node

PLACES_PER_SCHEMA = 20_000
"""Places that are kept for one schema, about 4 MiB. Beyond, each walk makes its own."""

SCHEMAS = 128
"""Schemas whose places are kept."""


class Shape(Enum):
    """How a value at a place comes apart, if it has the type that the schema says."""

    LEAF = "leaf"
    FIELDS = "fields"
    SET = "set"
    KEYED = "keyed"


class Place:
    """One place. `drift`, `secret` and `immutable` take the surrounding fields into account."""

    __slots__ = ("_kept", "children", "drift", "immutable", "node", "path", "secret", "shape")

    def __init__(self, node: Node, path: str, drift: DriftPolicy, secret: bool, immutable: bool, kept: _Kept) -> None:
        self.node = node
        self.path = path
        self.drift = node.drift or drift
        self.secret = secret or node.secret
        self.immutable = immutable or node.immutable
        self.shape = _shape(node, self.secret)
        self.children: dict[str, Place] = {}
        self._kept = kept

    def field(self, name: str) -> Place:
        """A field of an object or a value of a map; "any" for a name that the schema does not know."""
        known = self.children.get(name)
        if known is not None:
            return known
        node = self.node.fields.get(name) or self.node.item or ANY
        return self._below(name, node, key_suffix(name) if self.path else root(key_suffix(name)))

    def item(self, name: str) -> Place:
        """The item of a keyed list whose key is `name`."""
        return self.children.get(name) or self._below(name, self.node.item or ANY, item_suffix(self.node.key, name))

    def member(self, value: Scalar) -> Place:
        """A member of a set."""
        if not isinstance(value, str):
            return self._make(self.node.item or ANY, member_suffix(value))
        return self.children.get(value) or self._below(value, self.node.item or ANY, member_suffix(value))

    def parts(self, value: Any) -> dict[str, tuple[Place, Any]] | None:
        """A set's members or a keyed list's items by path, in order. None if the value does not come apart: it is no
        such list, an item has no key, or two are the same."""
        if not isinstance(value, list):
            return None
        if self.shape is Shape.SET and all(map(_is_member, value)):
            places = [self.member(one) for one in value]
        elif self.shape is Shape.KEYED and all(_is_item(one, self.node.key) for one in value):
            places = [self.item(one[self.node.key]) for one in value]
        else:
            return None
        parts = {place.path: (place, one) for place, one in zip(places, value, strict=True)}
        return parts if len(parts) == len(value) else None

    def _below(self, name: str, node: Node, suffix: str) -> Place:
        place = self._make(node, suffix)
        if self._kept.left > 0:
            self._kept.left -= 1
            self.children[name] = place
        return place

    def _make(self, node: Node, suffix: str) -> Place:
        return Place(node, self.path + suffix, self.drift, self.secret, self.immutable, self._kept)


class _Kept:
    """How many more places of a schema may be kept."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = PLACES_PER_SCHEMA


@lru_cache(SCHEMAS)
def whole(schema: Node) -> Place:
    """The place of the whole body. The schema must be complete: its places are kept as they are now."""
    return Place(schema, "", DriftPolicy.STRICT, secret=False, immutable=False, kept=_Kept())


def _shape(node: Node, secret: bool) -> Shape:
    if node.type in ("object", "map"):
        return Shape.FIELDS
    item = node.item or ANY
    if node.type != "list" or node.list_type is ListType.ATOMIC or secret or item.secret:
        return Shape.LEAF
    if node.list_type is ListType.SET:
        return Shape.SET
    return Shape.LEAF if item.fields.get(node.key, ANY).secret else Shape.KEYED


def _is_member(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def _is_item(value: Any, key: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), str)
