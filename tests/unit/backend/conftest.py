"""A gRPC server of the real contract, in this process, whose answers the tests script: it says what no healthy server
says, when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from stigmer.backend import retry
from stigmer.backend.client import GrpcBackend
from stigmer.contract import Contract, Method, default_contract

Script = Callable[[Any, grpc.ServicerContext], Any]


class ScriptedServer(grpc.GenericRpcHandler):
    """`script[name]` answers the RPC of that name: a message or fields of one, or an iterator of them for a stream.
    `requests` are the requests in order, as (name, message); those of an upload are recorded as they arrive."""

    def __init__(self, contract: Contract, address: str) -> None:
        self.contract = contract
        self.address = address
        self.script: dict[str, Script] = {}
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[tuple[tuple[str, str], ...]] = []
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        assert self._server.add_insecure_port(address)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def named(self, name: str) -> list[Any]:
        return [request for called, request in self.requests if called == name]

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = self.contract.methods.get(details.method.rpartition("/")[2])
        if method is None or method.name not in self.script:
            return None
        kind = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        behaviour = self._stream if method.server_streaming else self._single
        return kind(
            lambda request, context: behaviour(method, request, context),
            method.input_class.FromString,
            method.output_class.SerializeToString,
        )

    def _call(self, method: Method, request: Any, context: grpc.ServicerContext) -> Any:
        self.metadata.append(tuple((entry.key, entry.value) for entry in context.invocation_metadata()))
        if method.client_streaming:
            request = self._recorded(method, request)
        else:
            self.requests.append((method.name, request))
        return self.script[method.name](request, context)

    def _recorded(self, method: Method, requests: Iterator[Any]) -> Iterator[Any]:
        for request in requests:
            self.requests.append((method.name, request))
            yield request

    def _single(self, method: Method, request: Any, context: grpc.ServicerContext) -> Any:
        return self._message(method, self._call(method, request, context))

    def _stream(self, method: Method, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for answer in self._call(method, request, context):
            yield self._message(method, answer)

    def _message(self, method: Method, answer: Any) -> Any:
        return method.output_class(**answer) if isinstance(answer, dict) else answer


@pytest.fixture
def contract() -> Contract:
    return default_contract()


@pytest.fixture
def server(tmp_path: Path, contract: Contract) -> Iterator[ScriptedServer]:
    server = ScriptedServer(contract, f"unix:{tmp_path}/server.sock")
    yield server
    server.stop()


@pytest.fixture
def backend(server: ScriptedServer, contract: Contract) -> Iterator[GrpcBackend]:
    with GrpcBackend(server.address, contract) as backend:
        yield backend


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries that no test has to wait for."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.01)
