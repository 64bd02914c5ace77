"""What the reconciler must know of a kind's fields, and nothing more. The contract builds one `Node` tree per kind from
its descriptors; the three-way merge walks it beside the bodies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

NodeType: TypeAlias = Literal["scalar", "object", "map", "list", "any"]


class ListType(Enum):
    """How two versions of a list are compared."""

    ATOMIC = "atomic"
    """As one value: order matters and any difference replaces the whole list. The default."""
    SET = "set"
    """Member by member, without order: each member has its own path, its own claim and its own change."""
    MAP = "map"
    """Item by item, matched by the value of one field, without order: each field of an item is compared by itself."""


class DriftPolicy(Enum):
    """What happens to a live field that the manifest does not declare, never declared, and no other manager claims."""

    STRICT = "strict"
    """It is unset and reported: what the manifest does not say shall not be there. An added tool is a permission."""
    MERGE = "merge"
    """It stays, and the merge names it among the kept fields."""
    IGNORE = "ignore"
    """It stays and is never mentioned."""


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One field. Plain and mutable so that recursive messages can be built: a node may be its own descendant.

    `fields` describes an object, by name; a name that is missing there is free-form ("any"), which is one leaf.
    `item` describes the values of a map or the items of a list. `key` names the identifying field of a MAP list.
    `immutable`, `secret` and `drift` hold for everything below; a nested `drift` overrides the outer one, and a
    `secret` field never shows its values. `immutable_presence` fixes only whether the field is there (which member of
    a oneof is set), not what is in it.
    """

    type: NodeType
    fields: dict[str, Node] = field(default_factory=dict)
    item: Node | None = None
    list_type: ListType = ListType.ATOMIC
    key: str = ""
    immutable: bool = False
    immutable_presence: bool = False
    drift: DriftPolicy | None = None
    secret: bool = False


ANY = Node("any")
"""A free-form value, and whatever a schema does not describe."""
