"""The same estate as the server keeps it: store records with content, claims, head and index entries, and the change
log's events. Both engines of a comparison get these very values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from benchmarks.data import Document, documents
from reconciler.leaves import leaf_paths
from reconciler.resource import ResourceKey
from stigmer.backend.v1.reconcile_pb2 import StoredEvent, StoredResource
from stigmer.contract import Contract, Kind, default_contract
from stigmer.contract.claims import pack
from stigmer.server.ids import IdSource
from stigmer.server.records import Stored, content_indexes, content_of, decode, encode, server_fields
from stigmer.store.base import Event, Record

ORG = "local"
PROJECT = "estate"
ACTOR = "someone@example"
AT = 1_767_225_600_000_000_000


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource in every form that a row may need. `json` is the text of what `message` says."""

    kind: Kind
    manifest: dict[str, Any]
    stored: Stored
    record: Record
    event: Event
    message: Any
    json: str

    @property
    def content(self) -> bytes:
        return self.stored.state.content


def resources(count: int) -> Iterator[Resource]:
    """The first `count` resources of the estate, with ids that ascend as the server's do."""
    contract, ids = default_contract(), IdSource()
    for each in documents(count):
        yield _resource(contract, ids, each)


def copies(made: Iterable[Resource], org: str) -> list[tuple[Record, Event]]:
    """Their records and events in another org, under new ids."""
    ids, out = IdSource(), []
    for each in made:
        record_id = ids.new(each.kind.id_prefix)
        record, event = each.record, each.event
        out.append(
            (
                Record(org, record.kind, record_id, record.slug, record.body, record.head, record.indexes),
                Event(org, event.kind, record_id, event.slug, event.type, event.payload),
            )
        )
    return out


def decoded(contract: Contract, record: Record) -> Any:
    """What a read decodes: the server's part and the content, as messages."""
    stored = decode(record)
    return content_of(contract.kinds[record.kind], stored)


def _resource(contract: Contract, ids: IdSource, document: Document) -> Resource:
    manifest = yaml.load(document.text, yaml.CSafeLoader)
    codec = contract.codec
    binding = codec.bind(manifest)
    kind = binding.kind
    assert kind is not None
    assert not binding.errors, binding.errors
    message = binding.message
    content = codec.content(message)
    state = StoredResource(
        content=content,
        digest=codec.resource_digest(kind, content),
        resource_version=1,
        generation=1,
        owner=PROJECT,
        created_by=ACTOR,
        created_at=AT,
        updated_by=ACTOR,
        updated_at=AT,
        spec_digest=codec.digests(kind, message).spec,
    )
    state.claims.add(manager=PROJECT, paths=pack(leaf_paths(kind.schema, codec.body(kind, message))))
    stored = Stored(ORG, kind.name, ids.new(kind.id_prefix), binding.slug, state)
    references = [ResourceKey(ref.kind, ref.org or ORG, ref.slug) for ref in contract.references(kind, message)]
    record = encode(stored, content_indexes(references, message.metadata.labels.items()))
    payload = StoredEvent(resource_version=1, digest=state.digest).SerializeToString()
    event = Event(ORG, kind.name, stored.id, stored.slug, "created", payload)
    whole = _whole(kind, stored, message)
    text = json.dumps(codec.manifest(kind, whole, full=True))
    return Resource(kind, manifest, stored, record, event, whole, text)


def _whole(kind: Kind, stored: Stored, content: Any) -> Any:
    """The resource as one message, as an API returns it."""
    message = kind.message_class()
    message.CopyFrom(content)
    message.MergeFrom(server_fields(kind, stored))
    return message
