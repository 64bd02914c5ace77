"""Scalars whose spelling has to be kept, while a document is built: in a `map<string, string>` the manifest's `1e3` is
the string `1e3`, not `1000.0`. Builders put a `Spelled` where such a scalar stands and take them out again at the end,
so that a document without any pays nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from manifests.scalars import Scalar

Path = tuple[str | int, ...]


class Spelled(NamedTuple):
    """A value and the text that was written for it."""

    value: Scalar
    text: str


def take_spellings(tree: dict[str, Any] | list[Any], path: Path, into: dict[Path, str]) -> None:
    """Replace every Spelled in the tree by its value, and note its text under its path."""
    container: Any = tree
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
        kind = type(item)
        if kind is Spelled:
            into[(*path, key)] = item.text
            container[key] = item.value
        elif kind is dict or kind is list:
            take_spellings(item, (*path, key), into)
