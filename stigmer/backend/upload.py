"""Many changes as a stream of packed chunks, encoded while they are sent: the server unpacks and checks one chunk while
the next one is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.actions import Action
from reconciler.ports import ApplyOptions, ResourceChange
from stigmer.contract.claims import pack
from stigmer.contract.limits import MAX_APPLY_BYTES, MAX_CHANGES
from stigmer.errors import InvalidArgument

if TYPE_CHECKING:
    from stigmer.contract import Contract

CHUNK_BYTES = 512 * 1024
"""Content after which a chunk is sent. A chunk of one large resource may be bigger, within the message limit."""

CHUNK_CHANGES = 1_000
"""Changes after which a chunk is sent, so that deletes, which have no content, are bounded too."""

CLAIM_SETS = 4_096
"""Distinct sets of claims whose packed form is remembered: resources written alike claim alike."""

_pack = lru_cache(CLAIM_SETS)(pack)

_ACTIONS = {Action.CREATE: 1, Action.UPDATE: 2, Action.ADOPT: 2, Action.DELETE: 3, Action.REPLACE: 4}
"""ChangeAction. Adopting writes claims, and perhaps fields, of a resource that is there: an update."""


class EncodedBody(dict[str, Any]):
    """A body whose canonical bytes are known already, so that it need not be encoded to be sent."""

    __slots__ = ("content",)

    def __init__(self, body: Mapping[str, Any], content: bytes) -> None:
        super().__init__(body)
        self.content = content


def messages(contract: Contract, changes: Sequence[ResourceChange], options: ApplyOptions) -> Iterator[Any]:
    """The stream of one ApplyChanges: a header, then chunks made one at a time. InvalidArgument for a body that does
    not fit its kind, and for more than a request may carry."""
    if len(changes) > MAX_CHANGES:
        raise _too_large(f"{len(changes):,} changes")
    request = contract.methods["ApplyChanges"].input_class
    yield request(
        header={
            "request_id": options.request_id,
            "validate_only": options.validate_only,
            "independent": not options.atomic,
            "manager": options.manager,
            "force_conflicts": options.force_conflicts,
            "change_count": len(changes),
            "pending_artifacts": sorted(options.announced),
        }
    )
    message: Any = request()
    size = total = 0
    for number, change in enumerate(changes, start=1):
        size += _add(contract, message.chunk, change)
        if size >= CHUNK_BYTES or len(message.chunk.changes) >= CHUNK_CHANGES or number == len(changes):
            total += message.ByteSize()
            if total > MAX_APPLY_BYTES:
                raise _too_large(f"more than {MAX_APPLY_BYTES >> 20} MiB")
            yield message
            message, size = request(), 0


def _add(contract: Contract, chunk: Any, change: ResourceChange) -> int:
    """Packs one change and returns the bytes it brings."""
    packed = chunk.changes.add()
    kind, org, slug = change.key
    packed.key.kind, packed.key.org, packed.key.slug = kind, org, slug
    if change.action not in _ACTIONS:
        raise InvalidArgument(f"{change.key}: {change.action} is not a change that can be sent")
    packed.action = _ACTIONS[change.action]
    packed.content = content(contract, change)
    packed.if_resource_version = change.if_resource_version
    packed.if_id = change.if_id
    packed.claims = _pack(change.claims)
    return len(packed.content) + len(packed.claims)


def content(contract: Contract, change: ResourceChange) -> bytes:
    """The canonical bytes of the resource as it is to be; empty for a delete."""
    if isinstance(change.body, EncodedBody):
        return change.body.content
    if change.body is None:
        return b""
    kind = contract.kinds[change.key.kind]
    return contract.codec.content(contract.codec.from_body(kind, change.key.slug, change.body))


def _too_large(what: str) -> InvalidArgument:
    return InvalidArgument(
        f"one apply carries at most {MAX_CHANGES:,} changes and {MAX_APPLY_BYTES >> 20} MiB; this one has {what}",
        hint="apply it in parts",
        reason="APPLY_TOO_LARGE",
    )
