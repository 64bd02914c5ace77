"""Resources made and changed from options, not manifests: what `create` writes and `update` edits, for any kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stigmer.errors import Aborted, InvalidArgument

if TYPE_CHECKING:
    from stigmer.cli.world import World
    from stigmer.contract import Kind

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
    """What `update` changes. `texts` are fields of the spec: None leaves one, an empty text removes it. A None label
    removes the label."""

    texts: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)

    def apply(self, body: Body) -> Body:
        """The body with the edits made, in canonical form: nothing empty in it."""
        metadata, spec = dict(body.get("metadata", {})), dict(body.get("spec", {}))
        spec |= {name: value for name, value in self.texts.items() if value is not None}
        labels = {**metadata.get("labels", {}), **self.labels}
        metadata["labels"] = {key: value for key, value in labels.items() if value is not None}
        return {"metadata": set_only(metadata), "spec": set_only(spec)}


def draft(name: str, slug: str | None, labels: Sequence[str], spec: Mapping[str, Any]) -> Draft:
    """A resource from the options of `create`; empty values of `spec` are left out."""
    from stigmer.contract.slug import slugify

    metadata = {"name": name, "labels": parse_labels(labels)}
    return Draft(slug or slugify(name), {"metadata": set_only(metadata), "spec": set_only(spec)})


def edits(texts: Mapping[str, str | None], labels: Sequence[str]) -> Edits:
    """What the options of `update` ask for. Raises UsageError when that is nothing."""
    if not labels and all(text is None for text in texts.values()):
        raise usage(f"Say what to change: {', '.join(f'--{name}' for name in texts)} or --label.")
    return Edits(texts, _edited(labels))


def create(world: World, kind: Kind, new: Draft) -> Any:
    """The resource as created. Raises AlreadyExists when its slug is taken, and InvalidArgument."""
    message = world.contract.codec.from_body(kind, new.slug, new.body)
    refuse_secrets(world, kind, message)
    return world.backend.create(kind, message, org=world.org)


def edit(world: World, kind: Kind, slug: str, change: Callable[[Body], Body]) -> tuple[Any, bool]:
    """Makes a change on what is there now, and again if somebody else was faster. Returns the resource and whether it
    changed. Raises NotFound, InvalidArgument, and Aborted when others keep being faster."""
    codec = world.contract.codec
    for attempt in range(1, TRIES + 1):
        live: Any = world.backend.get(kind, slug, world.org)
        wanted: Any = codec.from_body(kind, live.metadata.slug, change(codec.body(kind, live)))
        refuse_secrets(world, kind, wanted)
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


def refuse_secrets(world: World, kind: Kind, message: Any) -> None:
    """Raises InvalidArgument for secret values: they do not travel to be refused. Other rules are the server's to
    check, all at once."""
    from stigmer.contract.context import SECRETS_REFUSED

    secret = [each for each in world.contract.check(kind, message) if each.description == SECRETS_REFUSED]
    if secret:
        raise InvalidArgument(f"{kind.singular} {message.metadata.slug} would hold a secret", violations=secret)


def text_of(value: str) -> str:
    """The value of an option that is a text, or @FILE, or @- for standard input."""
    return read_text(value[1:]) if value.startswith("@") else value


def read_text(place: str) -> str:
    """The text of a file, or of standard input for "-". Raises UsageError when it is too large or no text."""
    data = read_bytes(place)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise usage(f"{place} is not UTF-8 text.") from None


def read_bytes(place: str) -> bytes:
    """The bytes of a file, or of standard input for "-". Raises UsageError when they are too many."""
    if place == "-":
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        with Path(place).open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise usage(f"{place} is larger than {MAX_TEXT_BYTES:,} bytes.")
    return data


def parse_labels(words: Sequence[str]) -> dict[str, str]:
    """Labels from KEY=VALUE. Raises UsageError for any other word."""
    return {key: value for word in words for key, value in [_label(word, "KEY=VALUE")]}


def set_only(fields: Mapping[str, Any]) -> Body:
    """The fields that are not empty."""
    return {key: value for key, value in fields.items() if value not in ("", [], {})}


def usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context(silent=True))


def _edited(words: Sequence[str]) -> dict[str, str | None]:
    labels: dict[str, str | None] = {}
    for word in words:
        if "=" not in word and word.endswith("-") and len(word) > 1:
            labels[word[:-1]] = None
        else:
            key, value = _label(word, "KEY=VALUE or KEY-")
            labels[key] = value
    return labels


def _label(word: str, form: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not (equals and key):
        raise usage(f"{word!r} is not {form}.")
    return key, value
