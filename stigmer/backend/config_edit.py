"""Edits of `config.yaml` that keep comments, order and style: one value is put into the text where it belongs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

from stigmer.backend.settings import Setting

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode

_PLAIN = re.compile(r"[A-Za-z/~_.][A-Za-z0-9/_.~-]*")
_INDENT = 2


def edit(root: Node | None, text: str, setting: Setting, value: str) -> str:
    """The text, of which `root` is the composed node, with the value put in place next to what is there. The caller
    verifies the result: a file may be written in ways (anchors, odd indentation) that no local edit can keep."""
    rest = setting.path
    if root is None or is_null(root):
        return _end_line(text) + _block(rest, value, 0)
    node = root
    while is_map(node):
        found = _child(node, rest, setting)
        if found is None:
            return _insert(text, node, rest, value)
        if len(rest) == 1:
            return _splice(text, found, _scalar(value))
        rest = rest[1:]
        if is_null(found):
            return _splice(text, found, _flow(rest, value))
        node = found
    return text


def _child(node: MappingNode, rest: tuple[str, ...], setting: Setting) -> Node | None:
    names = (rest[0],) if len(rest) > 1 else (rest[0], *setting.older_names)
    return next((value for key, value in node.value if key.value in names), None)


def _insert(text: str, node: MappingNode, rest: tuple[str, ...], value: str) -> str:
    """Adds an entry at the end of a map, in the map's own style."""
    if node.flow_style or not node.value:
        at = node.end_mark.index - 1
        separator = ", " if node.value else ""
        return f"{text[:at]}{separator}{rest[0]}: {_flow(rest[1:], value)}{text[at:]}"
    last = _last(node)
    end = text.find("\n", last.end_mark.index)
    at = len(text) if end < 0 else end + 1
    return _end_line(text[:at]) + _block(rest, value, node.value[0][0].start_mark.column) + text[at:]


def _last(node: Node) -> Node:
    """The last scalar or flow collection of a node: block collections end only where the next token begins."""
    while is_map(node) and not node.flow_style and node.value:
        node = node.value[-1][1]
    return node


def _splice(text: str, node: Node, replacement: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    space = " " if text[start - 1 : start] == ":" else ""
    return f"{text[:start]}{space}{replacement}{text[end:]}"


def _end_line(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _block(path: tuple[str, ...], value: str, column: int) -> str:
    """The lines of a nested entry that starts at a column."""
    lines = [f"{' ' * (column + _INDENT * depth)}{name}:" for depth, name in enumerate(path)]
    return "\n".join(lines) + f" {_scalar(value)}\n"


def _flow(path: tuple[str, ...], value: str) -> str:
    return "".join(f"{{{name}: " for name in path) + _scalar(value) + "}" * len(path)


def _scalar(value: str) -> str:
    """The value as YAML: bare where that reads back as the same string, else quoted."""
    import yaml

    resolver = yaml.SafeLoader.yaml_implicit_resolvers.get(value[:1], [])
    special = any(pattern.match(value) for _, pattern in resolver)
    return value if _PLAIN.fullmatch(value) and not special else json.dumps(value, ensure_ascii=False)


def render(values: Mapping[str, str]) -> str:
    """A whole file of the given values, by dotted key."""
    tree: dict[str, object] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        node = tree
        for section in sections:
            child = node.setdefault(section, {})
            assert isinstance(child, dict)
            node = child
        node[name] = value
    import yaml

    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def is_map(node: Node) -> TypeGuard[MappingNode]:
    return getattr(node, "id", "") == "mapping"


def is_scalar(node: Node) -> TypeGuard[ScalarNode]:
    return getattr(node, "id", "") == "scalar"


def is_null(node: Node) -> bool:
    return is_scalar(node) and node.tag == "tag:yaml.org,2002:null"
