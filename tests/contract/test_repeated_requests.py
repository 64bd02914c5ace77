"""R13: every mutating RPC sent twice, and eight at once, has one effect and gives one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

EIGHT = 8


def eight_at_once(send):
    """The distinct answers to eight sendings at the same time, each an answer or a refusal."""

    def attempt(_):
        try:
            return send().SerializeToString(deterministic=True)
        except grpc.RpcError as error:
            return error.code().name

    with ThreadPoolExecutor(EIGHT) as pool:
        return set(pool.map(attempt, range(EIGHT)))


@pytest.fixture
def requests(client, kind, org, make):
    """For each verb: a prepared call that has not been made yet."""
    target = client.create(kind, make(kind, "target", labels={"a": "0"}))
    client.create(kind, make(kind, "victim"))
    patch = kind.message_class(metadata={"slug": "target", "org": org, "labels": {"a": "1"}})
    return {
        "create": lambda **f: client.create(kind, make(kind, "fresh"), **f),
        "update by mask": lambda **f: client.update(kind, patch, "metadata.labels", **f),
        "update by etag": lambda **f: client.update(kind, relabelled(target), **f),
        "delete": lambda **f: client.delete(kind, "victim", org, **f),
    }


def relabelled(resource):
    copy = type(resource)()
    copy.CopyFrom(resource)
    copy.metadata.labels["a"] = "2"
    return copy


VERBS = ["create", "update by mask", "update by etag", "delete"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_second_sending_gets_the_first_answer(client, kind, org, requests, verb):
    first = requests[verb](request_id=f"{org}-twice")
    revision = client.revision()
    assert requests[verb](request_id=f"{org}-twice") == first
    assert client.revision() == revision


@pytest.mark.parametrize("verb", VERBS)
def test_eight_at_once_have_one_effect_and_one_answer(client, kind, org, requests, verb):
    before = client.revision()
    answers = eight_at_once(lambda: requests[verb](request_id=f"{org}-eight"))
    assert len(answers) == 1
    assert not answers & {"ABORTED", "ALREADY_EXISTS", "NOT_FOUND"}
    assert client.revision() == before + 1


def test_a_late_repetition_does_not_undo_what_came_after(client, kind, org, requests, make):
    requests["update by mask"](request_id=f"{org}-late")
    current = client.get(kind, "target", org)
    current.metadata.labels["a"] = "mine"
    client.update(kind, current)
    assert requests["update by mask"](request_id=f"{org}-late").metadata.labels == {"a": "1"}
    assert client.get(kind, "target", org).metadata.labels == {"a": "mine"}


def test_the_answer_is_kept_after_the_resource_has_gone(client, kind, org, requests):
    first = requests["create"](request_id=f"{org}-gone")
    client.delete(kind, "fresh", org)
    assert requests["create"](request_id=f"{org}-gone") == first


def test_the_same_id_with_another_request_is_refused(client, kind, org, requests, make, refused):
    requests["create"](request_id=f"{org}-other")
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kind, make(kind, "something-else"), request_id=f"{org}-other")
    assert "request_id" in caught.error.fields


def test_a_failed_request_may_be_repeated_and_succeed(client, kind, org, make, refused):
    client.create(kind, make(kind, "one"))
    with refused("ALREADY_EXISTS"):
        client.create(kind, make(kind, "one"), request_id=f"{org}-fail")
    client.delete(kind, "one", org)
    assert client.create(kind, make(kind, "one"), request_id=f"{org}-fail")


def test_validate_only_keeps_no_answer(client, kind, org, make):
    client.create(kind, make(kind, "one"), request_id=f"{org}-dry", validate_only=True)
    assert client.create(kind, make(kind, "one", labels={"a": "b"}), request_id=f"{org}-dry").metadata.id


def apply_one(client, kind, org, make, request_id, slug="bulk", **header):
    content = make(kind, slug).SerializeToString()
    key = {"kind": kind.name, "org": org, "slug": slug}
    return client.apply({"key": key, "action": 1, "content": content}, request_id=request_id, **header)


def test_apply_changes_twice_replays_the_answer(client, kind, org, make, refused):
    first = apply_one(client, kind, org, make, f"{org}-apply")
    again = apply_one(client, kind, org, make, f"{org}-apply")
    assert (first.replayed, again.replayed) == (False, True)
    again.replayed = False
    assert again == first
    with refused("INVALID_ARGUMENT"):
        apply_one(client, kind, org, make, f"{org}-apply", slug="other")


def test_eight_applies_at_once_have_one_effect(client, kind, org, make):
    make(kind, "warm")
    before = client.revision()

    def send():
        response = apply_one(client, kind, org, make, f"{org}-apply-eight")
        response.replayed = False
        return response

    assert len(eight_at_once(send)) == 1
    assert client.revision() == before + 1


def test_the_size_of_the_chunks_is_no_part_of_the_request(client, kind, org, make):
    def send(chunk):
        changes = [
            {
                "key": {"kind": kind.name, "org": org, "slug": slug},
                "action": 1,
                "content": make(kind, slug).SerializeToString(),
            }
            for slug in ("a", "b", "c")
        ]
        return client.apply(*changes, request_id=f"{org}-chunks", chunk=chunk)

    send(1)
    assert send(3).replayed


def test_the_outcome_of_an_apply_can_be_asked_for(client, kind, org, make, refused):
    with refused("NOT_FOUND"):
        client.call("GetApplyOutcome", request_id=f"{org}-lost")
    first = apply_one(client, kind, org, make, f"{org}-lost")
    outcome = client.call("GetApplyOutcome", request_id=f"{org}-lost").response
    assert outcome.replayed
    assert outcome.results == first.results
    assert outcome.revision == first.revision


def test_an_apply_that_was_refused_has_no_outcome(client, kind, org, make, refused):
    client.create(kind, make(kind, "bulk"))
    assert not apply_one(client, kind, org, make, f"{org}-refused").committed
    with refused("NOT_FOUND"):
        client.call("GetApplyOutcome", request_id=f"{org}-refused")
