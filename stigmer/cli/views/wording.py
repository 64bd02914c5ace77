"""The words of a change report: symbols, and the line that counts."""

from __future__ import annotations

from collections.abc import Mapping

from stigmer.cli.views.changes import Verb

SYMBOLS = {"create": "+", "update": "~", "delete": "-", "replace": "±", "adopt": "@", "move": ">", "noop": "="}

STYLES = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "replace": "magenta",
    "adopt": "cyan",
    "move": "cyan",
    "noop": "dim",
}

STATUS_STYLES = {
    "created": "green",
    "updated": "yellow",
    "deleted": "red",
    "replaced": "magenta",
    "failed": "bold red",
    "blocked": "red",
    "conflicted": "bold red",
    "skipped": "yellow",
    "unchanged": "dim",
}

_PLANNED = {
    "created": "to create",
    "updated": "to update",
    "deleted": "to delete",
    "adopted": "to adopt",
    "moved": "to move",
    "replaced": "to replace",
    "skipped": "refused",
    "conflicted": "in conflict",
}


_DELETED = {"unchanged": "already absent"}


def count_line(summary: Mapping[str, int], verb: Verb) -> str:
    """`3 created, 1 updated, 12 unchanged`, or `3 to create, 1 to update, 12 unchanged` of what would happen."""
    words = _DELETED if verb == "delete" else {} if verb == "apply" else _PLANNED
    parts = [f"{count:,} {words.get(outcome, outcome)}" for outcome, count in summary.items() if count]
    return ", ".join(parts) or nothing_to_do(verb)


def nothing_to_do(verb: Verb) -> str:
    """What is said where the counts are all zero."""
    return "nothing to delete" if verb == "delete" else "nothing to do"


def counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
