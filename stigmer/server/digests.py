"""ListDigests: where a client's picture of an org differs from the org, as cheaply as the client's knowledge allows.

Equal trees need no entries. A client that knew everything at an earlier revision gets what has changed since. Any
other gets the entries of the buckets that differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

from reconciler.digests import BUCKETS, DigestTree, bucket_of
from reconciler.resource import ResourceKey
from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import Method
from stigmer.errors import OutOfRange
from stigmer.server import trees
from stigmer.server.batch import Services
from stigmer.server.context import current_request
from stigmer.server.records import slug_key
from stigmer.store.base import Event, Head, ReadTransaction

ENTRIES_PER_MESSAGE = 5_000
"""About 600 kB of entries."""

MAX_SINCE_KEYS = 20_000
"""Beyond so many changed keys it is cheaper to compare buckets."""

MAX_COMMITS_PER_READ = 256
"""The log is read in growing steps up to this: a single commit may already be large."""


async def list_digests(
    services: Services, method: Method, request: pb.ListDigestsRequest
) -> AsyncIterator[pb.ListDigestsResponse]:
    caller = current_request.get().caller
    org = request.org or services.default_org

    def run() -> list[pb.ListDigestsResponse]:
        services.validation.request(request)
        services.policy.authorize(caller, method.permission, [org])
        return services.store.read(lambda tx: list(_answer(services, tx, request, org)))

    for message in await asyncio.to_thread(run):
        yield message


def _answer(
    services: Services, tx: ReadTransaction, request: pb.ListDigestsRequest, org: str
) -> Iterator[pb.ListDigestsResponse]:
    head = pb.ListDigestsResponse(revision=tx.revision, epoch=services.store.epoch)
    tree = trees.load(tx, org)
    if request.buckets == tree:
        head.scope = pb.ListDigestsResponse.SCOPE_EQUAL
        return _paged(head, ())
    if request.since_revision and request.epoch == services.store.epoch:
        entries = _since(tx, org, request.since_revision)
        if entries is not None:
            head.scope = pb.ListDigestsResponse.SCOPE_SINCE
            return _paged(head, entries)
    differing = range(BUCKETS) if not request.buckets else _differing(tree, request.buckets)
    head.scope = pb.ListDigestsResponse.SCOPE_BUCKETS
    head.buckets.extend(differing)
    return _paged(head, _of_buckets(tx, org, frozenset(differing)))


def _differing(ours: bytes, theirs: bytes) -> list[int]:
    """The buckets that differ, without those that are empty in the client's tree: none of its keys can be in them, and
    a few resources compared with a large org need no more than their own buckets."""
    width = len(ours) // BUCKETS
    empty = bytes(width)
    found = DigestTree.from_bytes(ours).differing(theirs)
    return [number for number in found if theirs[number * width : (number + 1) * width] != empty]


def _paged(head: pb.ListDigestsResponse, entries: Iterable[pb.DigestEntry]) -> Iterator[pb.ListDigestsResponse]:
    """The entries in messages that each repeat `head`; one message at least."""
    message = pb.ListDigestsResponse()
    message.CopyFrom(head)
    for entry in entries:
        if len(message.entries) == ENTRIES_PER_MESSAGE:
            yield message
            message = pb.ListDigestsResponse()
            message.CopyFrom(head)
        message.entries.append(entry)
    yield message


def _of_buckets(tx: ReadTransaction, org: str, wanted: frozenset[int]) -> Iterator[pb.DigestEntry]:
    every = len(wanted) == BUCKETS
    for head in tx.heads(org):
        if every or bucket_of(head.kind, head.slug) in wanted:
            entry = _entry(head)
            if entry is not None:
                yield entry


def _entry(head: Head) -> pb.DigestEntry | None:
    """None for default instances: they are nobody's to compare."""
    summary = pb.StoredHead.FromString(head.head)
    if summary.managed:
        return None
    return pb.DigestEntry(
        kind=head.kind,
        slug=head.slug,
        id=head.id,
        resource_version=summary.resource_version,
        digest=summary.digest,
        owner=summary.owner,
    )


def _since(tx: ReadTransaction, org: str, since: int) -> list[pb.DigestEntry] | None:
    """The keys changed after `since`, as they are now; None when the log cannot say, or has too much to say."""
    changed: dict[ResourceKey, None] = {}
    limit = 1
    try:
        while since < tx.revision:
            commits = tx.commits(since, limit)
            limit = min(2 * limit, MAX_COMMITS_PER_READ)
            for commit in commits:
                changed.update((ResourceKey(e.kind, e.org, e.slug), None) for e in commit.events if _tracked(e, org))
            if len(changed) > MAX_SINCE_KEYS:
                return None
            since = commits[-1].revision
    except OutOfRange:
        return None
    if since > tx.revision:
        return None
    keys = list(changed)
    heads = tx.find_heads([slug_key(key) for key in keys])
    entries = (
        pb.DigestEntry(kind=key.kind, slug=key.slug, deleted=True) if head is None else _entry(head)
        for key, head in zip(keys, heads, strict=True)
    )
    return [entry for entry in entries if entry is not None]


def _tracked(event: Event, org: str) -> bool:
    return event.org == org and not pb.StoredEvent.FromString(event.payload).managed
