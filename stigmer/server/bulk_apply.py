"""ApplyChanges and GetApplyOutcome: many changes, one transaction, one answer that can be asked for again.

All or nothing by default: one failing change undoes everything, and the answer names every failure at once. With
`independent`, the changes that neither failed nor depend on a failed one are written, still in one transaction, so
that the request has one revision and its kept answer is exactly what happened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import Method
from stigmer.errors import NotFound
from stigmer.server import idempotency, verbs
from stigmer.server.batch import Batch, Services
from stigmer.server.context import current_request
from stigmer.server.pipeline import Replayed, execute
from stigmer.server.staging import Staging


async def apply_changes(
    services: Services, method: Method, requests: AsyncIterator[pb.ApplyChangesRequest]
) -> bytes | pb.ApplyChangesResponse:
    batch = await _stage(services, method, requests)
    done = await execute(verbs.APPLY, batch)
    if isinstance(done, Replayed):
        return _replayed(done.response)
    return done.response


async def _stage(services: Services, method: Method, requests: AsyncIterator[pb.ApplyChangesRequest]) -> Batch:
    """Take the stream in. A chunk is prepared in a thread while the next one is received; one at a time, so that a
    fast client is held back by flow control and not by memory."""
    staging = Staging(services, current_request.get(), method.permission)
    preparing: asyncio.Task[None] | None = None
    try:
        async for request in requests:
            if preparing is not None:
                await preparing
            preparing = asyncio.create_task(asyncio.to_thread(staging.take, request))
    finally:
        if preparing is not None:
            await preparing
    return staging.finish()


async def get_apply_outcome(
    services: Services, method: Method, request: pb.GetApplyOutcomeRequest
) -> pb.GetApplyOutcomeResponse:
    caller = current_request.get().caller
    key = idempotency.request_key(services.default_org, caller.principal, "ApplyChanges", request.request_id)

    def run() -> pb.GetApplyOutcomeResponse:
        services.validation.request(request)
        services.policy.authorize(caller, method.permission, [services.default_org])
        # On the writer: behind every transaction that was under way, so that "not committed" is final.
        outcome = services.store.write(lambda tx: idempotency.lookup(tx, key, time.time_ns()))
        if outcome is None:
            raise NotFound(f"no request with id {request.request_id} has committed")
        return pb.GetApplyOutcomeResponse(response=_replayed(outcome.response))

    return await asyncio.to_thread(run)


def _replayed(response: bytes) -> pb.ApplyChangesResponse:
    answer = pb.ApplyChangesResponse()
    answer.ParseFromString(response)
    answer.replayed = True
    return answer
