"""What differs inside a free-form value: the only place that loads deepdiff."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stigmer.cli.views.changes import FieldLine

_OPERATIONS = {
    "dictionary_item_added": "add",
    "iterable_item_added": "add",
    "dictionary_item_removed": "remove",
    "iterable_item_removed": "remove",
    "values_changed": "replace",
    "type_changes": "replace",
}


def inner_changes(before: Any, after: Any) -> list[FieldLine]:
    """The places inside two JSON-like values that differ, in the order of their paths."""
    return sorted(_changes(before, after), key=lambda change: (change.path, change.op))


def _changes(before: Any, after: Any) -> Iterator[FieldLine]:
    from deepdiff import DeepDiff

    tree = DeepDiff(before, after, view="tree")
    for name, op in _OPERATIONS.items():
        for level in tree.get(name, ()):
            path = "".join(_step(part) for part in level.path(output_format="list")) or "."
            yield FieldLine(
                path.removeprefix(".") or ".",
                op,
                None if op == "add" else level.t1,
                None if op == "remove" else level.t2,
            )


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.replace("-", "").isidentifier() else f"[{json.dumps(part, ensure_ascii=False)}]"
