"""What the server keeps of one resource, and how it becomes a store record and back.

The store sees opaque bytes; the layout is StoredResource and StoredHead of the contract. Content bytes are passed
through as they are: what changes with each write lies beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from reconciler.resource import ResourceKey
from stigmer.backend.v1.reconcile_pb2 import StoredHead, StoredResource
from stigmer.contract import Kind
from stigmer.errors import DataLoss
from stigmer.store.base import Record, RecordId, SlugKey

Indexes = tuple[tuple[str, str], ...]

REFERENCE = "ref"
LABEL = "label"
OWNER = "owner"
PARENT = "parent"
"""Names of index entries. References and parents are written as `org/Kind/slug`, labels as `key=value`."""

ETAG_BYTES = 12


@dataclass(slots=True)
class Stored:
    """One resource as it is kept: identity, and the message that the store's bytes hold."""

    org: str
    kind: str
    id: str
    slug: str
    state: StoredResource

    @property
    def key(self) -> ResourceKey:
        return ResourceKey(self.kind, self.org, self.slug)

    @property
    def record_id(self) -> RecordId:
        return RecordId(self.org, self.kind, self.id)

    @property
    def etag(self) -> str:
        return etag(self.id, self.state.resource_version)

    @property
    def managed(self) -> bool:
        """Made by the server for a parent."""
        return bool(self.state.parent)


def etag(resource_id: str, resource_version: int) -> str:
    """Opaque to clients; changes with every write."""
    return hashlib.blake2b(f"{resource_id}@{resource_version}".encode(), digest_size=ETAG_BYTES).hexdigest()


def slug_key(key: ResourceKey) -> SlugKey:
    return SlugKey(key.org, key.kind, key.slug)


def decode(record: Record) -> Stored:
    """DataLoss when the bytes are not a StoredResource."""
    try:
        state = StoredResource.FromString(record.body)
    except DecodeError as error:
        raise DataLoss(f"{record.org}/{record.kind}/{record.slug} cannot be decoded") from error
    return Stored(record.org, record.kind, record.id, record.slug, state)


def encode(stored: Stored, indexes: Indexes) -> Record:
    """`indexes` are those of the content; owner and parent are added here."""
    state = stored.state
    if state.owner:
        indexes = (*indexes, (OWNER, state.owner))
    if state.parent:
        indexes = (*indexes, (PARENT, state.parent))
    head = StoredHead(
        digest=state.digest, resource_version=state.resource_version, owner=state.owner, managed=bool(state.parent)
    )
    return Record(
        org=stored.org,
        kind=stored.kind,
        id=stored.id,
        slug=stored.slug,
        body=state.SerializeToString(),
        head=head.SerializeToString(),
        indexes=indexes,
    )


def content_indexes(references: Iterable[ResourceKey], labels: Iterable[tuple[str, str]]) -> Indexes:
    """The index entries that a resource's content gives, each once."""
    entries = dict.fromkeys((REFERENCE, str(target)) for target in references)
    entries.update(dict.fromkeys((LABEL, f"{key}={value}") for key, value in labels))
    return tuple(entries)


def server_fields(kind: Kind, stored: Stored) -> Any:
    """A message of the kind with only what the server sets: merged with the content it is the whole resource."""
    state = stored.state
    fields = kind.message_class(api_version=kind.api_version, kind=kind.name)
    metadata = fields.metadata
    metadata.org = stored.org
    metadata.id = stored.id
    metadata.resource_version = state.resource_version
    metadata.etag = stored.etag
    metadata.generation = state.generation
    metadata.owner = state.owner
    metadata.parent = state.parent
    audit = metadata.audit
    audit.created_by, audit.updated_by = state.created_by, state.updated_by
    audit.created_at.FromNanoseconds(state.created_at)
    audit.updated_at.FromNanoseconds(state.updated_at)
    audit.event = "updated" if state.updated_at > state.created_at else "created"
    for claims in state.claims:
        metadata.claims.add(manager=claims.manager, paths=claims.paths)
    return fields


def content_of(kind: Kind, stored: Stored) -> Any:
    """The content alone: what a manifest says, and the kept part of the status."""
    try:
        return kind.message_class.FromString(stored.state.content)
    except DecodeError as error:
        raise DataLoss(f"the content of {stored.key} cannot be decoded") from error
