"""Names on the command line: `agent support-bot`, `agent/support-bot`, `agents`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler import ResourceKey
from stigmer.errors import NotFound, Violation

if TYPE_CHECKING:
    from stigmer.contract import Kind, Kinds


@dataclass(frozen=True, slots=True)
class Selection:
    """What the words of a command select: whole kinds, or single resources."""

    kinds: tuple[Kind, ...]
    keys: tuple[ResourceKey, ...]


def select(words: Sequence[str], kinds: Kinds, org: str) -> Selection:
    """Reads `KIND[,KIND]...`, `KIND SLUG...` or `KIND/SLUG...`. Raises InvalidArgument for an unknown kind and
    UsageError for a mixture."""
    if any("/" in word for word in words):
        return Selection((), tuple(_pair(word, kinds, org) for word in words))
    if not words:
        raise _usage(f"Say which kind: {', '.join(kind.plural for kind in kinds.values())}.")
    first, *slugs = words
    if not slugs:
        return Selection(tuple(kinds.find(word) for word in first.split(",") if word), ())
    kind = kinds.find(first)
    return Selection((), tuple(ResourceKey(kind.name, org, slug) for slug in slugs))


def keys_of(words: Sequence[str], kinds: Kinds, org: str) -> tuple[ResourceKey, ...]:
    """Single resources only, each once; none for no words. Raises UsageError for a kind without a slug."""
    if not words:
        return ()
    selection = select(words, kinds, org)
    if selection.kinds:
        raise _usage(f"Say which {selection.kinds[0].singular}: KIND SLUG or KIND/SLUG.")
    return tuple(dict.fromkeys(selection.keys))


def require_all(keys: Sequence[ResourceKey], found: Collection[ResourceKey]) -> None:
    """Raises NotFound naming all keys that are not among the found ones."""
    missing = [key for key in keys if key not in found]
    if len(missing) == 1:
        raise NotFound(_absent(missing[0]))
    if missing:
        raise NotFound(
            f"{len(missing)} resources were not found",
            violations=[Violation("", _absent(key), key=str(key)) for key in missing],
        )


def _pair(word: str, kinds: Kinds, org: str) -> ResourceKey:
    kind, _, slug = word.partition("/")
    if not kind or not slug or "/" in slug:
        raise _usage(f"{word!r} is not KIND/SLUG; with that form, every name is one.")
    return ResourceKey(kinds.find(kind).name, org, slug)


def _absent(key: ResourceKey) -> str:
    return f"{key.kind.lower()} not found: {key.slug}"


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context(silent=True))
