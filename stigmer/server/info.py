"""GetServerInfo: who the server is, for the handshake of clients and for `local status`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from stigmer.backend.v1 import backend_pb2 as pb
from stigmer.contract import Method
from stigmer.server.batch import Services
from stigmer.server.context import current_request
from stigmer.version import VERSION


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What the process knows of itself. `data_dir` is empty for a store without one."""

    engine: str = ""
    data_dir: str = ""


async def get_server_info(
    services: Services,
    identity: ServerIdentity,
    active_requests: Callable[[], int],
    method: Method,
    request: pb.GetServerInfoRequest,  # noqa: ARG001 -- it has no fields
) -> pb.GetServerInfoResponse:
    caller = current_request.get().caller
    services.policy.authorize(caller, method.permission, [services.default_org])
    revision = await asyncio.to_thread(services.store.read, lambda tx: tx.revision)
    return pb.GetServerInfoResponse(
        version=VERSION,
        contract_hash=services.contract.hash,
        store_id=services.store.store_id,
        epoch=services.store.epoch,
        revision=revision,
        default_org=services.default_org,
        engine=identity.engine,
        data_dir=identity.data_dir,
        pid=os.getpid(),
        active_requests=active_requests() - 1,
        actor=caller.actor,
    )
