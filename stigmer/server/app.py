"""Puts the server together: services, handlers, boundary, health, reflection. The daemon runs what is built here on a
socket; tests run it in their own process on a memory store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import resources
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from stigmer.contract import Contract
from stigmer.server import artifacts, bulk_apply, bulk_read, digests, info, watch
from stigmer.server.batch import Services
from stigmer.server.boundary import Boundary, Identify
from stigmer.server.ids import IdSource
from stigmer.server.info import ServerIdentity
from stigmer.server.policy import LOCAL_PRINCIPAL, Caller, LocalPolicy, Policy
from stigmer.server.servicer import Behaviour, bind
from stigmer.server.steps.validate import Validation
from stigmer.store.base import Store

DEFAULT_ORG = "local"
"""The org that an empty one stands for, in a local backend."""

MAX_MESSAGE_BYTES = 16 << 20
"""The largest message that the server receives. Bulk requests are streams of smaller ones."""

MAX_SENT_BYTES = 64 << 20
"""The largest message that the server sends: the answer to an ApplyChanges of 100,000 failing changes."""

GRACE_SECONDS = 10.0
"""How long a stopping server lets requests finish before it cancels them."""

MIN_PING_INTERVAL_MS = 5_000
"""Clients on TCP may probe a silent connection this often; gRPC's default of five minutes would cut them off."""

OPTIONS = (
    ("grpc.http2.min_recv_ping_interval_without_data_ms", MIN_PING_INTERVAL_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_SENT_BYTES),
    ("grpc.so_reuseport", 0),
)


@dataclass(slots=True)
class StigmerServer:
    """A built server. Add ports to `grpc`, then `start`; `stop` finishes what is under way."""

    grpc: Any
    services: Services
    boundary: Boundary
    hub: watch.WatchHub
    health: Any
    stopping: bool = field(default=False)

    async def start(self) -> None:
        await self.health.set(self.services.contract.service_name, health_pb2.HealthCheckResponse.SERVING)
        await self.grpc.start()

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Take no new requests, end the streams, let the others finish for `grace` seconds. The store stays open."""
        self.stopping = True
        await self.health.enter_graceful_shutdown()
        self.hub.close()
        await self.grpc.stop(grace)


def build_server(
    store: Store,
    contract: Contract,
    *,
    policy: Policy | None = None,
    identify: Identify | None = None,
    identity: ServerIdentity | None = None,
    default_org: str = DEFAULT_ORG,
    descriptors: bytes | None = None,
) -> StigmerServer:
    """Build a server on a running event loop. `descriptors` is the contract's full descriptor set for reflection, by
    default that of the installed package. Raises Internal when an RPC is unbound or has no permission."""
    services = Services(contract, store, policy or LocalPolicy(), IdSource(), Validation(contract), default_org)
    boundary = Boundary(identify or local_caller)
    hub = watch.WatchHub(store, asyncio.get_running_loop())
    server = grpc.aio.server(interceptors=(boundary,), options=OPTIONS)
    generic = _generic(services, hub, boundary, identity or ServerIdentity())
    server.add_generic_rpc_handlers((bind(services, generic),))
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = (contract.service_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
    pool = reflection_pool(descriptors if descriptors is not None else package_descriptors())
    reflection.enable_server_reflection(names, server, pool)
    return StigmerServer(server, services, boundary, hub, health_servicer)


def local_caller(peer: str, metadata: dict[str, str]) -> Caller:  # noqa: ARG001 -- whoever reaches us is the user
    return Caller(LOCAL_PRINCIPAL, LOCAL_PRINCIPAL)


def _generic(
    services: Services, hub: watch.WatchHub, boundary: Boundary, identity: ServerIdentity
) -> dict[str, Behaviour]:
    """The RPCs that are served by name."""
    uploads = artifacts.Uploads()
    return {
        "GetServerInfo": partial(info.get_server_info, services, identity, lambda: boundary.active),
        "ListDigests": partial(digests.list_digests, services),
        "GetResources": partial(bulk_read.get_resources, services),
        "ApplyChanges": partial(bulk_apply.apply_changes, services),
        "GetApplyOutcome": partial(bulk_apply.get_apply_outcome, services),
        "Watch": partial(watch.watch, services, hub),
        "StoreArtifact": partial(artifacts.store_artifact, services, uploads),
        "GetArtifact": partial(artifacts.get_artifact, services),
        "FindMissingArtifacts": partial(artifacts.find_missing_artifacts, services),
    }


@cache
def package_descriptors() -> bytes:
    """The descriptor set that lies beside the generated code, with comments and constraints."""
    return resources.files("stigmer.backend.v1").joinpath("contract.binpb").read_bytes()


def reflection_pool(descriptors: bytes) -> descriptor_pool.DescriptorPool:
    """A pool of its own that holds every file a reflecting client may ask for. The constraints' file is in the set
    but not in the process's default pool, where two copies of it would collide."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
    for module in (health_pb2, reflection_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    for file in files.file:
        pool.Add(file)
    return pool
