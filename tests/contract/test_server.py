"""The server around the contract: information, health, reflection, the token of the loopback port."""

from __future__ import annotations

import json
import logging
import os

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc


def test_the_server_says_who_it_is_and_what_it_speaks(client, contract, server):
    info = client.call("GetServerInfo")
    assert info.contract_hash == contract.hash
    assert (info.store_id, info.epoch) == (server.store.store_id, server.store.epoch)
    assert info.pid == os.getpid()
    assert info.default_org == "local"
    assert "@" in info.actor
    assert info.active_requests == 0


def test_active_requests_counts_open_streams(client):
    stream = client.stream("Watch", since_revision=client.revision())
    next(stream)
    assert client.call("GetServerInfo").active_requests == 1
    stream.cancel()


def test_health_says_serving(client, contract):
    stub = health_pb2_grpc.HealthStub(client.channel)
    for service in ("", contract.service_name):
        assert stub.Check(health_pb2.HealthCheckRequest(service=service)).status == 1
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(health_pb2.HealthCheckRequest(service="nonsense"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def reflect(client, **request):
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    (response,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]))
    return response


def test_reflection_lists_the_service_and_resolves_every_kind(client, contract):
    names = [each.name for each in reflect(client, list_services="").list_services_response.service]
    assert contract.service_name in names
    for kind in contract.kinds.values():
        answer = reflect(client, file_containing_symbol=kind.descriptor.full_name).file_descriptor_response
        files = [descriptor_pb2.FileDescriptorProto.FromString(each) for each in answer.file_descriptor_proto]
        names = {each.name for each in files}
        assert "buf/validate/validate.proto" in names
        assert all(dependency in names for each in files for dependency in each.dependency)
    whole = reflect(client, file_containing_symbol=contract.service_name).file_descriptor_response
    assert len(whole.file_descriptor_proto) > 5


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((("authorization", "Bearer a token"),), None),
        ((), "UNAUTHENTICATED"),
        ((("authorization", "Bearer another"),), "UNAUTHENTICATED"),
        ((("authorization", "a token"),), "UNAUTHENTICATED"),
    ],
)
def test_a_call_over_tcp_needs_the_token(server, contract, metadata, code):
    with grpc.insecure_channel(server.tcp) as channel:
        for name in (f"/{contract.service_name}/GetServerInfo", "/grpc.health.v1.Health/Check"):
            call = channel.unary_unary(name)
            if code is None:
                call(b"", metadata=metadata, timeout=20)
                continue
            with pytest.raises(grpc.RpcError) as raised:
                call(b"", metadata=metadata, timeout=20)
            assert raised.value.code().name == code


def test_each_request_is_one_line_of_the_log_with_its_steps_and_no_content(client, contract, org, make, caplog):
    kind = contract.kinds["Skill"]
    wanted = make(kind, "one", labels={"label-of-mine": "value-of-mine"})
    with caplog.at_level(logging.INFO, "stigmer.server.requests"):
        client.create(kind, wanted)
    (line,) = [each.getMessage() for each in caplog.records if "CreateSkill" in each.getMessage()]
    entry = json.loads(line)
    assert entry["outcome"] == "OK"
    assert entry["actor"] == client.call("GetServerInfo").actor
    assert {"request", "ms", "method"} <= entry.keys()
    assert list(entry["steps"]) == [
        "ValidateFieldConstraints",
        "Authorize",
        "ResolveSlug",
        "CheckDuplicate",
        "SetDefaults",
        "Persist",
        "CreateIamPolicies",
        "CreateDefaultInstance",
        "UpdateStatusWithDefaultInstance",
        "Publish",
        "TransformResponse",
        "SendResponse",
    ]
    assert "mine" not in line
