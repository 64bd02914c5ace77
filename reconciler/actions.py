"""The two vocabularies of a change: what is meant to happen (`Action`, imperative) and what did (`Outcome`, past
tense). Every summary carries every outcome word, also those that count nothing yet.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a plan wants to do with one resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    """Take ownership of an existing resource that nobody owns."""
    MOVE = "move"
    """Give a resource another key; id, history and whatever refers to the id stay."""
    REPLACE = "replace"
    """Delete and create in one transaction, because a field changed that cannot change in place."""
    NOOP = "noop"

    @property
    def symbol(self) -> str:
        """One mark for tables and diffs, two for a replacement."""
        return _SYMBOLS[self]

    @property
    def outcome(self) -> Outcome:
        """What the action is called once it has succeeded."""
        return _OUTCOMES[self]

    @property
    def writes(self) -> bool:
        """Whether anything is sent to the backend."""
        return self is not Action.NOOP

    @property
    def destroys(self) -> bool:
        """Whether the live resource, with its id and history, is gone afterwards."""
        return self in (Action.DELETE, Action.REPLACE)


class Outcome(StrEnum):
    """What happened to one resource."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    ADOPTED = "adopted"
    MOVED = "moved"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Not tried: a guard refused it, or the run ended before its turn."""
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not tried: something that it refers to failed."""
    CONFLICTED = "conflicted"
    """Not written: another manager claims a field that would have changed."""

    @property
    def succeeded(self) -> bool:
        """Whether the backend now holds what was wanted."""
        return self not in (Outcome.SKIPPED, Outcome.FAILED, Outcome.BLOCKED, Outcome.CONFLICTED)


_SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.ADOPT: "@",
    Action.MOVE: ">",
    Action.REPLACE: "-+",
    Action.NOOP: "=",
}

_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.DELETE: Outcome.DELETED,
    Action.ADOPT: Outcome.ADOPTED,
    Action.MOVE: Outcome.MOVED,
    Action.REPLACE: Outcome.REPLACED,
    Action.NOOP: Outcome.UNCHANGED,
}
