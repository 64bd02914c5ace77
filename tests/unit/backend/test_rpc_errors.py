"""Failures of calls, over a real channel, as errors of stigmer."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from stigmer import errors
from stigmer.backend import link, retry
from stigmer.backend.client import GrpcBackend
from stigmer.backend.retry import Patience
from stigmer.contract import Contract
from stigmer.errors import StigmerError, Violation

from .conftest import ScriptedServer


def packed(detail: Any) -> any_pb2.Any:
    wrapped = any_pb2.Any()
    wrapped.Pack(detail)
    return wrapped


def refuse_with(server: ScriptedServer, code: str, message: str, *details: Any) -> None:
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message, details=[packed(d) for d in details])

    def answer(request: Any, context: grpc.ServicerContext) -> None:
        context.abort_with_status(rpc_status.to_status(status))

    server.script["GetAgent"] = answer


def failure(backend: GrpcBackend) -> StigmerError:
    with pytest.raises(StigmerError) as caught:
        backend.get("agent", "a")
    return caught.value


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("code", sorted(errors.BY_CODE))
def test_every_error_arrives_as_the_leaf_it_was(code: str, server: ScriptedServer, backend: GrpcBackend) -> None:
    info = error_details_pb2.ErrorInfo(reason="A_REASON", metadata={"hint": "do this"})
    refuse_with(server, code, f"no: {code}", info)
    error = failure(backend)
    assert type(error) is errors.BY_CODE[code]
    assert (error.message, error.reason, error.hint) == (f"no: {code}", "A_REASON", "do this")


def test_an_unknown_status_is_a_fault_of_ours(server: ScriptedServer, backend: GrpcBackend) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNKNOWN, "text")

    server.script["GetAgent"] = answer
    assert type(failure(backend)) is errors.Internal


def test_violations_arrive_with_their_fields(server: ScriptedServer, backend: GrpcBackend) -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="spec.instructions", description="too short")
    bad.field_violations.add(field="metadata.slug", description="not a slug")
    refuse_with(server, "INVALID_ARGUMENT", "2 violations", bad)
    assert failure(backend).violations == (
        Violation("spec.instructions", "too short"),
        Violation("metadata.slug", "not a slug"),
    )


def test_preconditions_arrive_with_their_resource_and_field(server: ScriptedServer, backend: GrpcBackend) -> None:
    failed = error_details_pb2.PreconditionFailure()
    failed.violations.add(type="T", subject="local/Agent/bot:spec.env[name=a:b]", description="one of several")
    failed.violations.add(type="T", subject="spec.agent", description="the only one")
    refuse_with(server, "FAILED_PRECONDITION", "no", failed)
    assert failure(backend).violations == (
        Violation("spec.env[name=a:b]", "one of several", "local/Agent/bot"),
        Violation("spec.agent", "the only one"),
    )


def test_an_answer_that_never_comes_ends_with_the_deadline(
    server: ScriptedServer, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script["GetAgent"] = lambda request, context: time.sleep(1.5) or {}
    with GrpcBackend(server.address, contract, timeout=0.3) as backend:
        began = time.monotonic()
        error = failure(backend)
    assert time.monotonic() - began < 1.0
    assert type(error) is errors.DeadlineExceeded
    assert error.reason == "NO_ANSWER"


@pytest.mark.usefixtures("quick_retries")
def test_a_refused_connection_says_where_and_what_to_do(tmp_path: Path, contract: Contract) -> None:
    with GrpcBackend(f"unix:{tmp_path}/nobody.sock", contract) as backend:
        error = failure(backend)
    assert type(error) is errors.Unavailable
    assert error.message == (f"cannot reach the backend at unix:{tmp_path}/nobody.sock: No such file or directory")
    assert (error.hint, error.reason) == ("run stigmer local status", "UNREACHABLE")


def test_a_connection_lost_during_a_call_is_told_apart(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "MAX_TRIES", 1)
    server.script["GetAgent"] = lambda request, context: server.stop()
    assert "lost the connection to the backend" in failure(backend).message


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_speaks_something_else_is_not_reached(contract: Contract) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        import threading

        def talk() -> None:
            for _ in range(5):
                connection, _ = other.accept()
                connection.sendall(b"220 ready\r\n")
                connection.close()

        threading.Thread(target=talk, daemon=True).start()
        with GrpcBackend(f"127.0.0.1:{other.getsockname()[1]}", contract, timeout=3) as backend:
            assert failure(backend).code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_a_message_over_the_limit_is_said_once(
    server: ScriptedServer, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MAX_RECEIVED_BYTES", 1_000)
    server.script["GetAgent"] = lambda request, context: {"spec": {"instructions": "x" * 5_000}}
    with GrpcBackend(server.address, contract) as backend:
        error = failure(backend)
    assert (type(error), error.reason) == (errors.ResourceExhausted, "MESSAGE_TOO_LARGE")
    assert len(server.named("GetAgent")) == 1


def test_an_operation_the_server_lacks_hints_at_versions(server: ScriptedServer, backend: GrpcBackend) -> None:
    error = failure(backend)
    assert type(error) is errors.Unimplemented
    assert "different versions" in error.hint


@pytest.mark.parametrize("address", ["example.com:443", "10.0.0.1:80", "0.0.0.0:1"])
def test_no_connection_leaves_the_machine_in_plain(address: str, contract: Contract) -> None:
    with GrpcBackend(address, contract) as backend:
        assert type(failure(backend)) is errors.FailedPrecondition


def test_every_call_is_bounded() -> None:
    from stigmer.backend import client

    assert all(0 < p.attempt <= p.total <= 120 for p in vars(client).values() if isinstance(p, Patience))
