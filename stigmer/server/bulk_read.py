"""GetResources: many resources of any kinds, all of one revision.

Everything is read in one snapshot and sent afterwards: a client that reads slowly must not hold a transaction open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from reconciler.resource import ResourceKey
from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import Kind, Method
from stigmer.errors import InvalidArgument, ResourceExhausted, Violation
from stigmer.server.batch import Services
from stigmer.server.context import current_request
from stigmer.server.records import Stored, decode, server_fields, slug_key
from stigmer.server.steps.references import add_conditions, find_missing
from stigmer.server.steps.validate import refusal
from stigmer.store.base import ReadTransaction

MAX_READ_BYTES = 256 << 20
"""The most content that one request reads."""

MESSAGE_BYTES = 1 << 20
"""A message of the stream is sent once it has this size."""

_READ_BATCH = 1_000


async def get_resources(
    services: Services, method: Method, request: pb.GetResourcesRequest
) -> AsyncIterator[pb.GetResourcesResponse]:
    caller = current_request.get().caller

    def run() -> list[pb.GetResourcesResponse]:
        services.validation.request(request)
        keys = [_key(services, key) for key in request.keys]
        orgs = sorted({key.org for key in keys} or {services.default_org})
        services.policy.authorize(caller, method.permission, orgs)
        return services.store.read(lambda tx: _read(services, tx, keys))

    messages = await asyncio.to_thread(run)
    while messages:
        yield messages.pop(0)


def _key(services: Services, key: pb.ResourceKey) -> ResourceKey:
    if key.kind not in services.contract.kinds:
        raise InvalidArgument(
            f'unknown kind "{key.kind}"', violations=[Violation("keys.kind", f'unknown kind "{key.kind}"')]
        )
    if not key.slug:
        raise refusal("the request", [Violation("keys.slug", "is missing")])
    return ResourceKey(key.kind, key.org or services.default_org, key.slug)


def _read(services: Services, tx: ReadTransaction, keys: list[ResourceKey]) -> list[pb.GetResourcesResponse]:
    """The messages of the answer; there is always one, so that the revision is known."""
    messages = [pb.GetResourcesResponse(revision=tx.revision)]
    total = size = 0
    for start in range(0, len(keys), _READ_BATCH):
        part = keys[start : start + _READ_BATCH]
        for key, record in zip(part, tx.find_many([slug_key(key) for key in part]), strict=True):
            if record is None:
                continue
            if size >= MESSAGE_BYTES:
                messages.append(pb.GetResourcesResponse(revision=tx.revision))
                size = 0
            stored = decode(record)
            data = whole(services, tx, services.contract.kinds[key.kind], stored)
            messages[-1].resources.add(
                key=pb.ResourceKey(kind=key.kind, org=key.org, slug=key.slug),
                content=data,
                digest=stored.state.digest,
            )
            size += len(data)
            total += len(data)
            if total > MAX_READ_BYTES:
                raise ResourceExhausted(
                    f"these resources have more than {MAX_READ_BYTES >> 20} MiB", hint="ask for fewer at a time"
                )
    return messages


def whole(services: Services, tx: ReadTransaction, kind: Kind, stored: Stored) -> bytes:
    """The whole resource in binary form, by appending what the server sets to the content bytes (protobuf merges
    concatenated messages), so that most resources are never parsed here."""
    fields = server_fields(kind, stored)
    if kind.conditions:
        content = kind.message_class.FromString(stored.state.content)
        add_conditions(kind, fields, find_missing(services.contract, tx, kind, stored.org, content))
    return stored.state.content + bytes(fields.SerializeToString())
