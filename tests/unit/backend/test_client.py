"""The client against a scripted server: what it sends, what it makes of answers, and what it sends again."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import pytest

from reconciler.actions import Action, Outcome
from reconciler.ports import ApplyOptions, Backend, BackendEvent, DigestEntry, ResourceChange
from reconciler.resource import ResourceKey
from stigmer.backend import calls, client, upload
from stigmer.backend.client import GrpcBackend
from stigmer.backend.link import Endpoint
from stigmer.backend.secret import Secret
from stigmer.backend.upload import EncodedBody
from stigmer.contract import Contract
from stigmer.contract.claims import pack, unpack
from stigmer.errors import Aborted, Cancelled, InvalidArgument, OutOfRange, Unavailable

from .conftest import ScriptedServer

KEY = ResourceKey("Agent", "local", "bot")
BODY = {"metadata": {"name": "bot"}, "spec": {"instructions": "answer every question"}}


def change(slug: str = "bot", **fields: Any) -> ResourceChange:
    return ResourceChange(ResourceKey("Agent", "local", slug), Action.CREATE, BODY, **fields)


def apply(backend: GrpcBackend, changes: Sequence[ResourceChange], **options: Any) -> Any:
    return backend.apply_changes(changes, ApplyOptions(**{"request_id": "r1", **options}))


def drain(answer: Any) -> Any:
    """A script that takes a whole upload and then answers."""

    def run(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        for _ in requests:
            pass
        return answer

    return run


def committing(committed: threading.Event) -> Any:
    """A script that commits whole uploads only, as every server has to: a broken stream can look like an ended one."""

    def run(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        header, changes = next(requests).header, 0
        for request in requests:
            changes += len(request.chunk.changes)
        if changes == header.change_count:
            committed.set()
        return {}

    return run


def aborting(code: grpc.StatusCode, times: int, answer: Any) -> Any:
    """A script that fails so many times before it answers."""
    numbers = itertools.count()

    def run(request: Any, context: grpc.ServicerContext) -> Any:
        if next(numbers) < times:
            context.abort(code, "not now")
        return answer

    return run


def test_it_is_the_reconcilers_port(backend: GrpcBackend) -> None:
    port: Backend = backend
    assert port is backend


def test_a_resource_is_found_by_any_word_for_its_kind(server: ScriptedServer, backend: GrpcBackend) -> None:
    server.script["GetAgentInstance"] = lambda request, context: {"metadata": {"slug": request.slug}}
    for word in ("AgentInstance", "agentinstances", "ain", backend.contract.kinds["AgentInstance"]):
        assert backend.get(word, "x", "org").metadata.slug == "x"
    with pytest.raises(InvalidArgument, match="unknown kind"):
        backend.get("agnt", "x")


def test_pages_are_fetched_as_they_are_consumed(server: ScriptedServer, backend: GrpcBackend) -> None:
    pages = {
        "": ([{"metadata": {"slug": "a"}}, {"metadata": {"slug": "b"}}], "p2"),
        "p2": ([], "p3"),
        "p3": ([{"metadata": {"slug": "c"}}], ""),
    }

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        agents, token = pages[request.page_token]
        return {"agents": agents, "next_page_token": token}

    server.script["ListAgents"] = answer
    listed = backend.list("agents", org="-", label_selector="team=core", filter='slug = "a*"')
    assert server.named("ListAgents") == []
    assert next(listed).metadata.slug == "a"
    assert len(server.named("ListAgents")) == 1
    assert [agent.metadata.slug for agent in listed] == ["b", "c"]
    for request in server.named("ListAgents"):
        assert (request.org, request.label_selector, request.filter) == ("-", "team=core", 'slug = "a*"')


@pytest.mark.usefixtures("quick_retries")
def test_a_mutation_is_sent_again_under_the_same_request_id(
    server: ScriptedServer, backend: GrpcBackend, contract: Contract
) -> None:
    server.script["CreateAgent"] = aborting(grpc.StatusCode.UNAVAILABLE, 2, {"metadata": {"slug": "bot"}})
    agent = contract.kinds["Agent"].message_class(metadata={"name": "bot"})
    backend.create("agent", agent)
    backend.create("agent", agent)
    ids = [request.request_id for request in server.named("CreateAgent")]
    assert len(ids) == 4
    assert ids[0] == ids[1] == ids[2]
    assert ids[3] != ids[0]
    assert all(ids)


def test_a_stale_update_is_told_and_not_repeated(
    server: ScriptedServer, backend: GrpcBackend, contract: Contract
) -> None:
    server.script["UpdateAgent"] = aborting(grpc.StatusCode.ABORTED, 9, {})
    with pytest.raises(Aborted):
        backend.update("agent", contract.kinds["Agent"].message_class(), update_mask=["spec.description"])
    (request,) = server.named("UpdateAgent")
    assert list(request.update_mask.paths) == ["spec.description"]


def test_a_delete_carries_its_preconditions(server: ScriptedServer, backend: GrpcBackend) -> None:
    server.script["DeleteAgent"] = lambda request, context: {}
    backend.delete("agent", "bot", "acme", etag="e", allow_missing=True, validate_only=True, request_id="mine")
    (request,) = server.named("DeleteAgent")
    sent = (request.slug, request.org, request.etag, request.allow_missing, request.validate_only, request.request_id)
    assert sent == ("bot", "acme", "e", True, True, "mine")


def test_digests_of_several_messages_are_one_answer(server: ScriptedServer, backend: GrpcBackend) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for slug in ("a", "b"):
            entry = {"kind": "Agent", "slug": slug, "id": f"agt-{slug}", "resource_version": 3, "digest": b"d"}
            yield {"revision": 7, "epoch": "e", "scope": 3, "buckets": [4, 9], "entries": [entry]}

    server.script["ListDigests"] = answer
    found = backend.digests("local", b"\1" * 8192, 5, "e")
    assert (found.revision, found.epoch, found.kind, list(found.buckets)) == (7, "e", "buckets", [4, 9])
    assert list(found.entries) == [DigestEntry("Agent", slug, f"agt-{slug}", 3, b"d") for slug in ("a", "b")]
    (request,) = server.named("ListDigests")
    assert (request.org, len(request.buckets), request.since_revision, request.epoch) == ("local", 8192, 5, "e")


@pytest.mark.parametrize(
    ("scope", "tree", "kind", "buckets"),
    [
        (1, b"\1" * 8192, "equal", 0),
        (2, b"\1" * 8192, "since", 0),
        (3, b"", "buckets", 256),
        (3, b"\1" * 8192, "equal", 0),
    ],
    ids=["equal", "since", "no tree", "no bucket of the tree differs"],
)
def test_the_scope_of_digests_is_known(
    server: ScriptedServer, backend: GrpcBackend, scope: int, tree: bytes, kind: str, buckets: int
) -> None:
    server.script["ListDigests"] = lambda request, context: [{"scope": scope, "revision": 1}]
    found = backend.digests("local", tree, 0, "")
    assert (found.kind, len(found.buckets)) == (kind, buckets)


def test_resources_come_with_body_version_and_claims(
    server: ScriptedServer, backend: GrpcBackend, contract: Contract
) -> None:
    kind = contract.kinds["Agent"]
    claims = [{"manager": "stigmer", "paths": pack(["spec.instructions"])}]
    stored = kind.message_class(
        metadata={
            "name": "bot", "slug": "bot", "org": "local", "id": "agt-1", "etag": "t", "resource_version": 4,
            "generation": 2, "owner": "shop", "protect": True, "claims": claims,
        },
        spec={"instructions": "answer every question"},
    )  # fmt: skip
    packed = {"key": KEY._asdict(), "content": stored.SerializeToString(), "digest": b"d"}
    server.script["GetResources"] = lambda request, context: [{"revision": 9, "resources": [packed]}]
    found = backend.get_many([KEY, ResourceKey("Agent", "local", "missing")])
    assert found.revision == 9
    assert found.resources.keys() == {KEY}
    agent = found.resources[KEY]
    assert (agent.id, agent.etag, agent.resource_version, agent.generation) == ("agt-1", "t", 4, 2)
    assert (agent.owner, agent.protect, agent.digest) == ("shop", True, b"d")
    assert agent.body == {"metadata": {"name": "bot", "protect": True}, "spec": BODY["spec"]}
    assert agent.claims == {"stigmer": frozenset({"spec.instructions"})}


@pytest.mark.usefixtures("quick_retries")
def test_a_read_that_breaks_off_starts_again_from_nothing(server: ScriptedServer, backend: GrpcBackend) -> None:
    tries = itertools.count()

    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield {"revision": 1, "scope": 3, "entries": [{"kind": "Agent", "slug": "a"}]}
        if next(tries) == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    server.script["ListDigests"] = answer
    assert len(backend.digests("local", b"", 0, "").entries) == 1


def test_a_change_is_sent_whole(server: ScriptedServer, backend: GrpcBackend, contract: Contract) -> None:
    server.script["ApplyChanges"] = drain({"revision": 1})
    changes = [
        change(claims=frozenset({"spec.instructions"})),
        ResourceChange(KEY, Action.UPDATE, BODY, 5, "agt-1"),
        ResourceChange(KEY, Action.ADOPT, BODY, 5, "agt-1"),
        ResourceChange(KEY, Action.REPLACE, BODY, 5, "agt-1"),
        ResourceChange(KEY, Action.DELETE, None, 5, "agt-1"),
        ResourceChange(KEY, Action.UPDATE, EncodedBody(BODY, b"\x1a\x00"), 5, "agt-1"),
    ]
    apply(backend, changes, atomic=False, validate_only=True, manager="ci", force_conflicts=True)
    header, chunk = server.named("ApplyChanges")
    sent = header.header
    assert (sent.request_id, sent.independent, sent.validate_only, sent.manager) == ("r1", True, True, "ci")
    assert sent.force_conflicts
    received = chunk.chunk.changes
    assert [each.action for each in received] == [1, 2, 2, 4, 3, 2]
    assert [each.if_resource_version for each in received] == [0, 5, 5, 5, 5, 5]
    assert [each.if_id for each in received] == ["", *["agt-1"] * 5]
    assert unpack(received[0].claims) == {"spec.instructions"}
    kind = contract.kinds["Agent"]
    agent = contract.codec.parse(kind, received[0].content)
    assert contract.codec.body(kind, agent) == BODY
    assert received[0].content == received[1].content
    assert (received[4].content, received[5].content) == (b"", b"\x1a\x00")


def test_results_arrive_in_order_with_their_errors(server: ScriptedServer, backend: GrpcBackend) -> None:
    key = KEY._asdict()
    violation = {"field": "spec.tasks", "description": "cycle", "related": ["a", "b"]}
    results = [
        {"key": key, "outcome": 1, "id": "agt-1", "resource_version": 8, "warnings": ["no such agent"]},
        {"key": key, "outcome": 9, "error": {"code": "INVALID_ARGUMENT", "message": "no", "violations": [violation]}},
        {"key": key, "outcome": 10, "blocked_by": key},
    ]
    server.script["ApplyChanges"] = drain({"revision": 8, "results": results, "replayed": True})
    answer = apply(backend, [change()])
    created, failed, blocked = answer.results
    assert (answer.revision, answer.replayed) == (8, True)
    assert (created.outcome, created.id, created.warnings) == (Outcome.CREATED, "agt-1", ("no such agent",))
    assert failed.outcome is Outcome.FAILED
    assert failed.error.code == "INVALID_ARGUMENT"
    assert failed.error.violations[0].related == ("a", "b")
    assert failed.error.violations[0].key == "local/Agent/bot"
    assert (blocked.outcome, blocked.blocked_by) == (Outcome.BLOCKED, KEY)


def test_every_outcome_of_the_contract_has_its_word(contract: Contract) -> None:
    from stigmer.backend.v1 import reconcile_pb2

    words = {name.removeprefix("CHANGE_OUTCOME_"): number for name, number in reconcile_pb2.ChangeOutcome.items()}
    assert {outcome.name: number for number, outcome in enumerate(Outcome, start=1)} == {
        name: number for name, number in words.items() if number
    }


def test_an_upload_is_made_while_it_is_sent(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    first_chunk_arrived = threading.Event()

    def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        for request in requests:
            if request.HasField("chunk"):
                first_chunk_arrived.set()
        return {"revision": 1}

    server.script["ApplyChanges"] = answer

    class Changes(Sequence[ResourceChange]):
        """The last change is only made once the first has reached the server."""

        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: Any) -> Any:
            if index >= 100:
                raise IndexError
            if index == 99:
                assert first_chunk_arrived.wait(5)
            return change(f"bot-{index}")

    assert apply(backend, Changes()).revision == 1
    assert len(server.named("ApplyChanges")) == 101


def test_chunks_are_bounded_by_size(server: ScriptedServer, backend: GrpcBackend) -> None:
    server.script["ApplyChanges"] = drain({"revision": 1})
    large = {"metadata": {"name": "bot"}, "spec": {"instructions": "x" * 100_000}}
    apply(backend, [ResourceChange(KEY, Action.CREATE, large)] * 30)
    sizes = [request.ByteSize() for request in server.named("ApplyChanges")[1:]]
    assert len(sizes) == 5
    assert max(sizes) < upload.CHUNK_BYTES + 200_000


@pytest.mark.parametrize("limit", ["MAX_CHANGES", "MAX_APPLY_BYTES"])
def test_more_than_a_request_carries_is_refused_and_never_committed(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    committed = threading.Event()
    server.script["ApplyChanges"] = committing(committed)
    apply(backend, [change()])
    assert committed.is_set(), "the script has to be able to tell"
    committed.clear()
    monkeypatch.setattr(upload, limit, 3)
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 2)
    with pytest.raises(InvalidArgument, match="one apply carries at most") as caught:
        apply(backend, [change()] * 4)
    assert caught.value.reason == "APPLY_TOO_LARGE"
    assert not committed.wait(0.3)


def test_a_body_that_does_not_fit_ends_the_upload_without_a_commit(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    committed = threading.Event()
    server.script["ApplyChanges"] = committing(committed)
    wrong = ResourceChange(KEY, Action.CREATE, {"metadata": {}, "spec": {"instructionz": "x"}})
    with pytest.raises(InvalidArgument):
        apply(backend, [change(), change(), wrong])
    assert not committed.wait(0.3)
    assert caplog.text == ""


@pytest.mark.usefixtures("quick_retries")
def test_an_apply_is_sent_again_whole(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = itertools.count()

    def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        received = [request for request in requests if request.HasField("chunk")]
        if next(tries) == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")
        return {"revision": len(received)}

    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    server.script["ApplyChanges"] = answer
    assert apply(backend, [change()] * 3).revision == 3
    first, second = [r for r in server.named("ApplyChanges") if r.HasField("header")]
    assert first == second


def test_the_outcome_of_an_unknown_request_is_none(server: ScriptedServer, backend: GrpcBackend) -> None:
    server.script["GetApplyOutcome"] = aborting(grpc.StatusCode.NOT_FOUND, 1, {"response": {"revision": 4}})
    assert backend.outcome_of("r1") is None
    found = backend.outcome_of("r1")
    assert found is not None
    assert found.revision == 4


@pytest.mark.usefixtures("quick_retries")
def test_a_watch_goes_on_where_it_was_after_a_lost_connection(server: ScriptedServer, backend: GrpcBackend) -> None:
    """Also in the middle of a commit that comes in several messages."""

    def part(revision: int, *slugs: str) -> dict[str, Any]:
        keys = [{"kind": "Agent", "org": "local", "slug": slug} for slug in slugs]
        return {"revision": revision, "events": [{"type": 2, "key": key} for key in keys]}

    commits = [part(11, "a"), part(12, "b", "c"), part(12, "d"), part(13, "e")]
    ends = iter([3, 1, 9])  # messages until each stream breaks off

    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield {"revision": 13}
        wanted = [commit for commit in commits if commit["revision"] > request.since_revision]
        end = next(ends)
        yield from wanted[: end - 1]
        if end > len(wanted):
            time.sleep(1)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    server.script["Watch"] = answer
    stream = backend.watch(10, epoch="e", kinds=["Agent"], org="local")
    seen = list(itertools.islice(stream, 5))
    stream.close()  # type: ignore[attr-defined]
    revisions = {"a": 11, "b": 12, "c": 12, "d": 12, "e": 13}
    assert seen == [
        BackendEvent(revision, ResourceKey("Agent", "local", slug), "updated") for slug, revision in revisions.items()
    ]
    assert {(request.epoch, *request.kinds) for request in server.named("Watch")} == {("e", "Agent")}


def test_an_expired_cursor_ends_a_watch(server: ScriptedServer, backend: GrpcBackend) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.abort(grpc.StatusCode.OUT_OF_RANGE, "compacted")
        yield {}

    server.script["Watch"] = answer
    with pytest.raises(OutOfRange):
        next(backend.watch(1))


@pytest.mark.usefixtures("quick_retries")
def test_a_watch_that_never_answers_gives_up(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "OPEN_S", 0.05)
    release = threading.Event()

    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        release.wait(10)
        yield {}

    server.script["Watch"] = answer
    began = time.monotonic()
    with pytest.raises(Exception, match="no answer") as caught:
        next(backend.watch(1))
    release.set()
    assert caught.value.code == "DEADLINE_EXCEEDED"  # type: ignore[attr-defined]
    assert time.monotonic() - began < 3


@pytest.mark.usefixtures("quick_retries")
def test_a_lost_server_is_dialled_anew(server: ScriptedServer, contract: Contract) -> None:
    server.script["GetAgent"] = lambda request, context: {"metadata": {"slug": request.slug}}
    addresses = iter(["unix:/nonexistent/a.sock", server.address])
    with GrpcBackend(lambda: Endpoint(next(addresses)), contract) as backend:
        assert backend.get("agent", "x").metadata.slug == "x"
        assert backend.get("agent", "y").metadata.slug == "y"


@pytest.mark.usefixtures("quick_retries")
def test_giving_up_a_connection_leaves_the_calls_of_others_alone(server: ScriptedServer, contract: Contract) -> None:
    done = threading.Event()

    def slow(request: Any, context: grpc.ServicerContext) -> Any:
        assert done.wait(5)
        return {"metadata": {"slug": "slow"}}

    server.script["GetAgent"] = slow
    server.script["GetSkill"] = aborting(grpc.StatusCode.UNAVAILABLE, 1, {"metadata": {"slug": "quick"}})
    dialled: list[str] = []

    def dial() -> Endpoint:
        dialled.append(server.address)
        return Endpoint(server.address)

    with GrpcBackend(dial, contract) as backend:
        answers: list[Any] = []
        other = threading.Thread(target=lambda: answers.append(backend.get("agent", "x")))
        other.start()
        while not server.named("GetAgent"):
            time.sleep(0.01)
        assert backend.get("skill", "y").metadata.slug == "quick"
        done.set()
        other.join()
    assert answers[0].metadata.slug == "slow"
    assert len(dialled) == 2


def test_a_token_goes_with_every_call(server: ScriptedServer, contract: Contract) -> None:
    server.script["GetAgent"] = lambda request, context: {}
    with GrpcBackend(Endpoint(server.address, Secret("t0ken")), contract) as backend:
        backend.get("agent", "x")
    assert ("authorization", "Bearer t0ken") in server.metadata[0]


def test_a_closed_backend_says_so(backend: GrpcBackend) -> None:
    backend.close()
    backend.close()
    with pytest.raises(Unavailable, match="closed"):
        backend.server_info()


def test_closing_ends_calls_under_way(server: ScriptedServer, backend: GrpcBackend) -> None:
    server.script["GetAgent"] = lambda request, context: time.sleep(1) or {}
    threading.Timer(0.1, backend.close).start()
    began = time.monotonic()
    with pytest.raises((Cancelled, Unavailable)):
        backend.get("agent", "x")
    assert time.monotonic() - began < 0.9


def test_one_request_reads_no_more_keys_than_a_revision_allows(
    backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_KEYS", 2)
    with pytest.raises(InvalidArgument, match="at most 2"):
        backend.get_many([ResourceKey("Agent", "local", str(number)) for number in range(3)])
