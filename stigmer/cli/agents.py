"""Agents made and changed from options instead of manifests."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stigmer.errors import Aborted

if TYPE_CHECKING:
    from stigmer.cli.world import World

TRIES = 5
"""How often an edit is made anew on what somebody else has just written."""

MAX_TEXT_BYTES = 1024 * 1024
"""Bytes of a file given as @FILE; the contract allows a quarter of it."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource that does not exist yet."""

    slug: str
    body: Body


@dataclass(frozen=True, slots=True)
class Edits:
    """What `agent update` changes; None leaves a field, an empty text removes it, a None label removes the label."""

    instructions: str | None
    description: str | None
    labels: Mapping[str, str | None]

    def apply(self, body: Body) -> Body:
        """The body with the edits made, in canonical form: nothing empty in it."""
        metadata, spec = dict(body.get("metadata", {})), dict(body.get("spec", {}))
        texts = {"instructions": self.instructions, "description": self.description}
        spec |= {name: value for name, value in texts.items() if value is not None}
        labels = {**metadata.get("labels", {}), **self.labels}
        metadata["labels"] = {key: value for key, value in labels.items() if value is not None}
        return {"metadata": _set_only(metadata), "spec": _set_only(spec)}


def new_agent(
    name: str,
    instructions: str,
    slug: str | None,
    description: str | None,
    mcp_servers: Sequence[str],
    skills: Sequence[str],
    labels: Sequence[str],
) -> Draft:
    """An agent from the options of `agent create`."""
    from stigmer.contract.slug import slugify

    spec = {
        "instructions": text_of(instructions),
        "description": description or "",
        "mcpServers": list(dict.fromkeys(mcp_servers)),
        "skills": sorted(set(skills)),
    }
    metadata = {"name": name, "labels": _labels(labels)}
    return Draft(slug or slugify(name), {"metadata": _set_only(metadata), "spec": _set_only(spec)})


def edits(instructions: str | None, description: str | None, labels: Sequence[str]) -> Edits:
    """What the options of `agent update` ask for. Raises UsageError when that is nothing."""
    if instructions is None and description is None and not labels:
        raise _usage("Say what to change: --instructions, --description or --label.")
    text = None if instructions is None else text_of(instructions)
    return Edits(text, description, _labels(labels, removable=True))


def edit_agent(world: World, slug: str, change: Edits) -> tuple[Any, bool]:
    """Makes the edits on what is there now, and again if somebody else was faster. Returns the agent and whether it
    changed. Raises NotFound, and Aborted when others keep being faster."""
    kind = world.contract.kinds["Agent"]
    codec = world.contract.codec
    for attempt in range(1, TRIES + 1):
        live: Any = world.backend.get(kind, slug, world.org)
        wanted: Any = codec.from_body(kind, live.metadata.slug, change.apply(codec.body(kind, live)))
        wanted.metadata.id, wanted.metadata.etag = live.metadata.id, live.metadata.etag
        wanted.metadata.org = live.metadata.org
        try:
            updated: Any = world.backend.update(kind, wanted)
        except Aborted:
            if attempt == TRIES:
                raise
        else:
            return updated, updated.metadata.etag != live.metadata.etag
    raise AssertionError("the last try returns or raises")


def text_of(value: str) -> str:
    """The value of an option that is a text, or @FILE, or @- for standard input."""
    if not value.startswith("@"):
        return value
    place = value[1:]
    if place == "-":
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        with Path(place).open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise _usage(f"{place} is larger than {MAX_TEXT_BYTES:,} bytes.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _usage(f"{place} is not UTF-8 text.") from None


def _labels(words: Sequence[str], *, removable: bool = False) -> dict[str, str | None]:
    labels: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key:
            labels[key] = value
        elif removable and word.endswith("-") and len(word) > 1:
            labels[word[:-1]] = None
        else:
            raise _usage(f"{word!r} is not KEY=VALUE{' or KEY-' if removable else ''}.")
    return labels


def _set_only(fields: Mapping[str, Any]) -> Body:
    return {key: value for key, value in fields.items() if value not in ("", [], {})}


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context(silent=True))
