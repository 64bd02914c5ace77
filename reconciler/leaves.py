"""The leaves of a body: the places that have a value, a claim and a change of their own. Claims are made of the paths
that `leaf_paths` lists, and the merge takes bodies apart by the same places, so the two cannot disagree.

A leaf is a scalar, a free-form value, an atomic list, a member of a set, or an object, map or list that is written
down empty. A set or keyed list that cannot be told apart item by item (duplicates, items without the key) is one leaf,
and so is one whose members are secret, since the text of a path must never show a secret.
"""

from __future__ import annotations

from math import isnan
from typing import Any

from reconciler.places import Place, Shape, whole
from reconciler.resource import Body
from reconciler.schema import ANY, Node

MASK = "••••"
"""Stands for a secret value wherever a person or a file may see it."""

LEAF, FIELDS, SET = Shape.LEAF, Shape.FIELDS, Shape.SET
"""Looking up a member on an enum class costs more than the rest of a step of the walk below."""


def leaf_paths(schema: Node, body: Body) -> frozenset[str]:
    """The paths of all leaves of a whole body: what a manager that writes this body claims."""
    found: list[str] = []
    if body:
        collect(whole(schema), body, found)
    return frozenset(found)


def collect(place: Place, value: Any, found: list[str]) -> None:
    """Appends the path of each leaf of the value at `place`."""
    shape = place.shape
    if value and shape is FIELDS and isinstance(value, dict):
        known = place.children
        for name, child in value.items():
            below = known.get(name) or place.field(name)
            if below.shape is LEAF:
                found.append(below.path)
            else:
                collect(below, child, found)
        return
    parts = place.parts(value) if value else None
    if parts is None:
        found.append(place.path)
    elif shape is SET:
        found.extend(parts)
    else:
        for below, child in parts.values():
            collect(below, child, found)


def same(one: Any, other: Any) -> bool:
    """Equality as in JSON: true is not 1 (in Python it is), and NaN is itself, so that it is no eternal difference."""
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return bool(one == other) or (isinstance(one, float) and isinstance(other, float) and isnan(one) and isnan(other))


def masked(node: Node, value: Any, secret: bool) -> Any:
    """The value with every secret in it replaced by `MASK`."""
    if secret or node.secret:
        return MASK
    if isinstance(value, dict) and node.type in ("object", "map"):
        other = node.item or ANY
        return {name: masked(node.fields.get(name, other), child, False) for name, child in value.items()}
    if isinstance(value, list) and node.item is not None and (node.item.secret or node.item.type != "scalar"):
        return [masked(node.item, child, False) for child in value]
    return value
