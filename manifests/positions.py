"""Which node of a composed document a field path means.

Paths come from the contract, in its spelling; manifests mix `mcpServers` and `mcp_servers`, write one-item shorthands,
and leave out what an error is about. So a segment is matched exactly first and by the other spelling second, and where
nothing matches, the nearest thing that exists answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Segment = str | int | tuple[str, str]
"""A mapping's key, a list's index, or (member, value): the list item whose member has that value. An empty member
means the item itself, as in a list that is a set."""


def find(root: Node, segments: Sequence[Segment], *, key: bool) -> Any:
    """The yaml mark of what the segments lead to. `key` asks for the mark of its key instead of its value's. The
    missing tail of a path is ignored, and what is then found is marked by its key: its value starts a line later."""
    node, key_node = root, root
    for segment in segments:
        found = _step(node, segment)
        if found is None:
            key = True
            break
        key_node, node = found
    return (key_node if key else node).start_mark


def _step(node: Node, segment: Segment) -> tuple[Node, Node] | None:
    if isinstance(segment, tuple):
        return _item(node, *segment)
    if isinstance(segment, str):
        return _member(node, segment)
    if isinstance(node, SequenceNode) and 0 <= segment < len(node.value):
        return node.value[segment], node.value[segment]
    return None


def _member(node: Node, name: str) -> tuple[Node, Node] | None:
    if not isinstance(node, MappingNode):
        return None
    folded = _fold(name)
    other = None
    for key_node, value_node in node.value:
        if key_node.value == name:
            return key_node, value_node
        if other is None and isinstance(key_node, ScalarNode) and _fold(key_node.value) == folded:
            other = key_node, value_node
    return other


def _item(node: Node, member: str, value: str) -> tuple[Node, Node] | None:
    if isinstance(node, MappingNode):  # a list by key may be written as a mapping
        return _member(node, value)
    if not isinstance(node, SequenceNode):
        return None
    for item in node.value:
        found = _member(item, member)
        if found and isinstance(found[1], ScalarNode) and found[1].value == value:
            return item, item
    for item in node.value:  # a plain string may stand for the item
        if isinstance(item, ScalarNode) and item.value == value:
            return item, item
    return None


def _fold(name: str) -> str:
    """`mcp_servers` and `mcpServers` are one name; `FOO_BAR` and `FOOBAR` are two."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
