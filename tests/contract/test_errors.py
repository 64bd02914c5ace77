"""What reaches a client when something is wrong: codes, texts and details over a real channel."""

from __future__ import annotations

import logging
from contextlib import suppress

import grpc
import pytest

from stigmer.errors import BY_CODE, Violation
from stigmer.server import typed


@pytest.fixture
def failing(monkeypatch):
    """Make every read raise."""

    def fail(error):
        monkeypatch.setattr(typed, "_admit", lambda *_: (_ for _ in ()).throw(error))

    return fail


@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_survives_the_channel(client, skills, org, failing, refused, code):
    violations = [Violation("spec.a", "is wrong", key="local/Skill/x"), Violation("spec.b", "too")]
    failing(BY_CODE[code]("what happened", violations=violations, hint="do this", reason="SOME_REASON"))
    with refused(code) as caught:
        client.get(skills, "one", org)
    if code == "INTERNAL":
        assert "what happened" not in str(caught.error)
        return
    subject = "local/Skill/x:spec.a" if code == "FAILED_PRECONDITION" else "spec.a"
    assert caught.error.message == "what happened"
    assert caught.error.hint == "do this"
    assert caught.error.reason == "SOME_REASON"
    assert caught.error.fields == {subject: "is wrong", "spec.b": "too"}


def test_the_text_of_an_untyped_fault_stays_in_the_log(client, skills, org, failing, refused, caplog):
    failing(RuntimeError("password is hunter2"))
    with caplog.at_level(logging.ERROR), refused("INTERNAL") as caught:
        client.get(skills, "one", org)
    assert "hunter2" not in str(caught.error)
    (record,) = [each for each in caplog.records if each.exc_info]
    assert caught.error.message.endswith(record.getMessage().split()[1])


@pytest.mark.parametrize("name", ["GetSkill", "CreateAgent", "ListDigests", "GetServerInfo"])
def test_a_request_that_is_no_message_is_an_invalid_argument(client, refused, name):
    with refused("INVALID_ARGUMENT") as caught:
        answer = client.raw(name, b"\xff\xff\xff")
        list(answer)
    assert "cannot be parsed" in caught.error.message


def test_a_stream_of_garbage_is_an_invalid_argument(client, contract, refused):
    call = client.channel.stream_unary(f"/{contract.service_name}/ApplyChanges")
    with refused("INVALID_ARGUMENT"):
        call(iter([b"\xff\xff\xff"]), timeout=20)


def test_an_unknown_method_is_unimplemented(client, contract):
    with pytest.raises(grpc.RpcError) as raised:
        client.channel.unary_unary(f"/{contract.service_name}/Nonsense")(b"", timeout=20)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_thousand_violations_are_cut_to_what_a_trailer_carries(client, skills, org, failing, refused):
    many = [Violation(f"spec.field{number}" + "ü" * 200, "is wrong " * 50) for number in range(1000)]
    failing(BY_CODE["INVALID_ARGUMENT"]("ü" * 5000, violations=many))
    with refused("INVALID_ARGUMENT") as caught:
        client.get(skills, "one", org)
    assert caught.error.message.startswith("ü" * 100)
    assert 1 <= len(caught.error.fields) < 1000


def test_a_message_over_the_limit_is_refused_by_the_transport(client, skills, org, make):
    wanted = make(skills, "one")
    wanted.spec.skill_md = "x" * (17 << 20)
    with pytest.raises(grpc.RpcError) as raised:
        client.create(skills, wanted)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_resource_over_the_limit_is_refused(client, contract, org, make, refused):
    agents = contract.kinds["Agent"]
    wanted = make(agents, "one", annotations={f"a{number}": "x" * 65_000 for number in range(40)})
    with refused("INVALID_ARGUMENT") as caught:
        client.create(agents, wanted)
    assert "bytes" in caught.error.message


def test_a_request_that_is_given_up_is_done_or_not_done(client, skills, org, make):
    """A client that goes away never leaves half of a batch."""
    changes = [
        {
            "key": {"kind": skills.name, "org": org, "slug": f"s{number}"},
            "action": 1,
            "content": make(skills, f"s{number}").SerializeToString(),
        }
        for number in range(200)
    ]
    for timeout in (0.001, 0.005, 0.01, 0.02, 0.04):
        with suppress(grpc.RpcError):
            client.apply(*changes, timeout=timeout)
        assert len(client.items(skills, org=org)) in (0, 200)
