"""Watch: the commits after a revision, in order, each once, and then each new one as it is made.

A stream reads the change log in bounded steps from its own cursor, so that a slow client costs nothing but its own
delay: nothing is queued for it and no transaction waits for it. A commit only wakes the streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import Method
from stigmer.errors import OutOfRange, StigmerError, Unavailable, Violation
from stigmer.server.batch import Services
from stigmer.server.context import current_request
from stigmer.server.policy import Caller
from stigmer.server.steps.publish import CREATED, DELETED, UPDATED
from stigmer.server.steps.validate import refusal
from stigmer.store.base import Commit, Store

COMMITS_PER_READ = 100
"""How many commits a stream reads at a time, unless they are large."""

EVENTS_PER_MESSAGE = 10_000
"""A larger commit is sent in several messages of the same revision (a message has about 120 bytes an event)."""

_TYPES = {
    CREATED: pb.WatchEvent.TYPE_CREATED,
    UPDATED: pb.WatchEvent.TYPE_UPDATED,
    DELETED: pb.WatchEvent.TYPE_DELETED,
}


class WatchHub:
    """Wakes the streams of one event loop when the store commits, and ends them when the server stops."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._woken = asyncio.Event()
        self._closed = False
        self._unsubscribe = store.on_commit(self._on_commit)

    def close(self) -> None:
        """End every stream with UNAVAILABLE. Called on the loop."""
        self._unsubscribe()
        self._closed = True
        self._wake()

    def subscribe(self) -> asyncio.Event:
        """An event that is set by the next commit. Take it before reading the log, so that no commit slips by."""
        if self._closed:
            raise Unavailable("the server is stopping", hint="watch again from the last revision that was seen")
        return self._woken

    def _on_commit(self, revision: int) -> None:  # noqa: ARG002 -- streams read what is new from the log
        """Called on the writer thread; the loop may have ended already."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()


async def watch(
    services: Services, hub: WatchHub, method: Method, request: pb.WatchRequest
) -> AsyncIterator[pb.WatchResponse]:
    await asyncio.to_thread(_admit, services, method, request, current_request.get().caller)
    tail = _Tail(services.store, request)
    woken = hub.subscribe()
    found = await asyncio.to_thread(tail.read)
    yield pb.WatchResponse(revision=tail.revision, epoch=services.store.epoch)
    while True:
        for message in found:
            yield message
        if tail.cursor >= tail.revision:
            await woken.wait()
        woken = hub.subscribe()
        found = await asyncio.to_thread(tail.read)


def _admit(services: Services, method: Method, request: pb.WatchRequest, caller: Caller) -> None:
    services.validation.request(request)
    unknown = [kind for kind in request.kinds if kind not in services.contract.kinds]
    if unknown:
        raise refusal("the request", [Violation("kinds", f'unknown kind "{kind}"') for kind in unknown])
    orgs = [request.org] if request.org else services.store.read(lambda tx: tx.orgs())
    services.policy.authorize(caller, method.permission, orgs)
    _check_epoch(services.store, request)


class _Tail:
    """One stream's place in the log. `cursor` is the last revision it has read, `revision` the store's at that time."""

    def __init__(self, store: Store, request: pb.WatchRequest) -> None:
        self.cursor: int = request.since_revision
        self.revision = 0
        self._store = store
        self._request = request
        self._limit = 1

    def read(self) -> list[pb.WatchResponse]:
        """The messages of the next commits; few commits at a time while they are large."""
        try:
            commits, self.revision = self._store.read(lambda tx: (tx.commits(self.cursor, self._limit), tx.revision))
        except OutOfRange as error:
            raise _expired(str(error)) from error
        if commits:
            self.cursor = commits[-1].revision
        large = sum(len(commit.events) for commit in commits) > EVENTS_PER_MESSAGE
        self._limit = 1 if large else COMMITS_PER_READ
        return [message for commit in commits for message in messages(commit, self._store.epoch, self._request)]


def _check_epoch(store: Store, request: pb.WatchRequest) -> None:
    if request.epoch and request.epoch != store.epoch:
        raise _expired("the revision is of another epoch: the store was restored since")


def _expired(problem: str) -> StigmerError:
    return OutOfRange(problem, hint="list everything again, then watch from that revision", reason="CURSOR_EXPIRED")


def messages(commit: Commit, epoch: str, request: pb.WatchRequest) -> list[pb.WatchResponse]:
    """The messages for one commit: none when nothing in it is wanted."""
    kinds = frozenset(request.kinds)
    wanted = [
        event
        for event in commit.events
        if (not kinds or event.kind in kinds) and (not request.org or event.org == request.org)
    ]
    note = pb.StoredNote.FromString(commit.note)
    found = []
    for start in range(0, len(wanted), EVENTS_PER_MESSAGE):
        message = pb.WatchResponse(revision=commit.revision, epoch=epoch, actor=note.actor)
        message.at.FromNanoseconds(commit.at)
        for event in wanted[start : start + EVENTS_PER_MESSAGE]:
            payload = pb.StoredEvent.FromString(event.payload)
            message.events.add(
                type=_TYPES[event.type],
                key=pb.ResourceKey(kind=event.kind, org=event.org, slug=event.slug),
                id=event.id,
                resource_version=payload.resource_version,
                digest=payload.digest,
            )
        found.append(message)
    return found
