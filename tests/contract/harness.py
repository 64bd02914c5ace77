"""A server in this process and a plain gRPC client made of the contract's method table."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from stigmer.contract import Contract, Kind
from stigmer.server.app import StigmerServer, build_server
from stigmer.server.tokens import LocalCallers
from stigmer.store.engines import open_store

from .added_kind import ADDED_KIND, added_descriptors

COUNTER = itertools.count(1)


@dataclass(frozen=True)
class Refusal:
    """A failed call as a client sees it."""

    code: str
    message: str
    reason: str
    hint: str
    fields: dict[str, str]
    """Field or subject -> description."""


class Refused:
    """Collects the refusal of a `with refused(...)` block."""

    error: Refusal


@dataclass
class Client:
    """A plain gRPC client made of the contract's method table."""

    contract: Contract
    channel: grpc.Channel
    calls: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, request: Any = None, /, *, timeout: float = 20, **fields: Any) -> Any:
        method = self.contract.methods[name]
        message = request if request is not None else method.input_class(**fields)
        return self._callable(name)(message, timeout=timeout)

    def stream(self, name: str, /, *, timeout: float = 20, **fields: Any) -> Any:
        return self._callable(name)(self.contract.methods[name].input_class(**fields), timeout=timeout)

    def raw(self, name: str, data: bytes) -> Any:
        """Send bytes that need not be a message."""
        return self.channel.unary_unary(f"/{self.contract.service_name}/{name}")(data, timeout=20)

    def apply(self, *changes: dict[str, Any], timeout: float = 60, chunk: int = 1000, **header: Any) -> Any:
        header.setdefault("request_id", f"apply-{next(COUNTER)}")
        header.setdefault("change_count", len(changes))
        request = self.contract.methods["ApplyChanges"].input_class
        messages = [request(header=header)]
        messages += [request(chunk={"changes": changes[at : at + chunk]}) for at in range(0, len(changes), chunk)]
        return self._callable("ApplyChanges")(iter(messages), timeout=timeout)

    def create(self, kind: Kind, resource: Any, **fields: Any) -> Any:
        return self.call(kind.methods["create"].name, resource=resource, **fields)

    def get(self, kind: Kind, slug: str, org: str) -> Any:
        return self.call(kind.methods["get"].name, slug=slug, org=org)

    def update(self, kind: Kind, resource: Any, *mask: str, **fields: Any) -> Any:
        if mask:
            fields["update_mask"] = {"paths": mask}
        return self.call(kind.methods["update"].name, resource=resource, **fields)

    def delete(self, kind: Kind, slug: str, org: str, **fields: Any) -> Any:
        return self.call(kind.methods["delete"].name, slug=slug, org=org, **fields)

    def list(self, kind: Kind, **fields: Any) -> Any:
        return self.call(kind.methods["list"].name, **fields)

    def items(self, kind: Kind, **fields: Any) -> list[Any]:
        """All resources of a list, over all its pages."""
        found: list[Any] = []
        token = ""
        while True:
            page = self.list(kind, page_token=token, **fields)
            found += items_of(kind, page)
            token = page.next_page_token
            if not token:
                return found

    def revision(self) -> int:
        return int(self.call("GetServerInfo").revision)

    def _callable(self, name: str) -> Any:
        if name not in self.calls:
            method = self.contract.methods[name]
            shape = {
                (False, False): self.channel.unary_unary,
                (False, True): self.channel.unary_stream,
                (True, False): self.channel.stream_unary,
            }[method.client_streaming, method.server_streaming]
            self.calls[name] = shape(
                f"/{self.contract.service_name}/{name}",
                request_serializer=method.input_class.SerializeToString,
                response_deserializer=method.output_class.FromString,
            )
        return self.calls[name]


def items_of(kind: Kind, page: Any) -> list[Any]:
    (items,) = [
        getattr(page, each.name)
        for each in page.DESCRIPTOR.fields
        if each.is_repeated and each.message_type.name == kind.name
    ]
    return list(items)


class RunningServer:
    """A server on a loop and thread of its own."""

    def __init__(self, contract: Contract, engine: str, folder: Path, **options: Any) -> None:
        self.contract = contract
        self.store = open_store(folder, engine=engine, **options)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        descriptors = added_descriptors() if ADDED_KIND in self.contract.kinds else None
        self.server: StigmerServer = build_server(
            self.store, self.contract, identify=LocalCallers("a token"), descriptors=descriptors
        )
        self.folder = tempfile.TemporaryDirectory(prefix="stg")
        self.address = f"unix:{self.folder.name}/s"
        self.server.grpc.add_insecure_port(self.address)
        self.tcp = f"127.0.0.1:{self.server.grpc.add_insecure_port('127.0.0.1:0')}"
        await self.server.start()
        self._ready.set()
        await self.stopping.wait()
        await self.server.stop(grace=5)

    def ask_to_stop(self) -> None:
        """As a signal does; harmless when the server has stopped already."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.stopping.set)

    def stop(self) -> None:
        self.ask_to_stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.folder.cleanup()
        self.store.close()


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        if error.code().name not in codes:
            raise


def read_refusal(error: Any) -> Refusal:
    info = error_details_pb2.ErrorInfo()
    fields: dict[str, str] = {}
    status = rpc_status.from_call(error)
    for packed in status.details if status is not None else ():
        bad, failed = error_details_pb2.BadRequest(), error_details_pb2.PreconditionFailure()
        if packed.Unpack(bad):
            fields.update((each.field, each.description) for each in bad.field_violations)
        elif packed.Unpack(failed):
            fields.update((each.subject, each.description) for each in failed.violations)
        else:
            packed.Unpack(info)
    return Refusal(error.code().name, error.details(), info.reason, info.metadata.get("hint", ""), fields)
