"""Lost replies, resets, black holes and latency between client and daemon (R8): every effect happens exactly once, and
no call outlives its deadline by more than a second.

Assumes the server's own tests of request ids; here they meet the client's retries, over a real connection.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.actions import Action, Outcome
from reconciler.ports import ApplyOptions, ResourceChange
from reconciler.resource import ResourceKey
from stigmer.backend import client, local, retry, upload
from stigmer.backend.client import GrpcBackend
from stigmer.backend.config import Config
from stigmer.backend.retry import Patience
from stigmer.contract import default_contract
from stigmer.errors import DeadlineExceeded, StigmerError, Unavailable

from .local_backend import local_config
from .lossy_proxy import Effect, Fault, LossyProxy, Moment, lossy_proxy

ATTEMPT_S = 0.3
"""A try's deadline in these tests: long for a local daemon, short for a test."""

SLACK_S = 1.0
"""By how much a call may outlive its deadline."""

REPLY_RESET = Fault(Moment.REPLY, Effect.RESET)
REPLY_SILENCE = Fault(Moment.REPLY, Effect.SILENCE)
REQUEST_RESET = Fault(Moment.REQUEST, Effect.RESET)
REQUEST_SILENCE = Fault(Moment.REQUEST, Effect.SILENCE)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    with local_config(tmp_path_factory.mktemp("home")) as config:
        local.start(config)
        yield config


@pytest.fixture
def direct(daemon: Config) -> Iterator[GrpcBackend]:
    """A client that nothing happens to, to see what really is."""
    with local.connect_local(daemon) as backend:
        yield backend


@pytest.fixture
def proxy(daemon: Config, tmp_path: Path) -> Iterator[LossyProxy]:
    with lossy_proxy(tmp_path / "p.sock", local.status(daemon).socket) as proxy:
        yield proxy


@pytest.fixture
def backend(proxy: LossyProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[GrpcBackend]:
    monkeypatch.setattr(client, "UNARY", Patience(ATTEMPT_S, 10 * ATTEMPT_S))
    monkeypatch.setattr(client, "READ", Patience(ATTEMPT_S, 10 * ATTEMPT_S))
    monkeypatch.setattr(client, "APPLY_BASE_S", ATTEMPT_S)
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.02)
    with GrpcBackend(proxy.address, default_contract()) as backend:
        backend.server_info()  # the connection stands, so that faults meet calls and not the handshake
        yield backend


_names = (f"bot-{number}" for number in itertools.count())

INSTRUCTIONS = "answer every question"


def agent(slug: str, instructions: str = INSTRUCTIONS) -> Any:
    message: Any = default_contract().kinds["Agent"].message_class
    return message(metadata={"name": slug, "slug": slug}, spec={"instructions": instructions})


def body(slug: str, instructions: str = INSTRUCTIONS) -> dict[str, Any]:
    return {"metadata": {"name": slug}, "spec": {"instructions": instructions}}


def create(backend: GrpcBackend, slug: str) -> None:
    assert backend.create("agent", agent(slug)).metadata.slug == slug  # type: ignore[attr-defined]


def update(backend: GrpcBackend, slug: str) -> None:
    changed = agent(slug, "answer every second question")
    backend.update("agent", changed, update_mask=["spec.instructions"])


def delete(backend: GrpcBackend, slug: str) -> None:
    backend.delete("agent", slug)


def apply(backend: GrpcBackend, slug: str) -> None:
    changes = [
        ResourceChange(ResourceKey("Agent", "local", f"{slug}-{number}"), Action.CREATE, body(f"{slug}-{number}"))
        for number in range(20)
    ]
    answer = backend.apply_changes(changes, ApplyOptions(client.new_request_id()))
    assert {result.outcome for result in answer.results} == {Outcome.CREATED}


OPERATIONS: dict[str, tuple[bool, Callable[[GrpcBackend, str], None]]] = {
    "create": (False, create),
    "update": (True, update),
    "delete": (True, delete),
    "apply": (False, apply),
}
"""By name: whether the agent has to be there before, and the operation."""

CAMPAIGNS = {
    "a lost reply": [REPLY_RESET],
    "two lost replies": [REPLY_RESET, REPLY_RESET],
    "a reply that never comes": [REPLY_SILENCE],
    "a reset request": [REQUEST_RESET],
    "a request that goes nowhere": [REQUEST_SILENCE],
    "a reset request, then a lost reply": [REQUEST_RESET, REPLY_RESET],
}


@pytest.mark.parametrize("faults", CAMPAIGNS.values(), ids=CAMPAIGNS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_effect_happens_exactly_once(
    operation: str, faults: list[Fault], proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend
) -> None:
    needs_agent, run = OPERATIONS[operation]
    slug = next(_names)
    if needs_agent:
        direct.create("agent", agent(slug))
    before = direct.server_info().revision
    proxy.faults = list(faults)
    run(backend, slug)
    assert proxy.struck == faults
    assert direct.server_info().revision == before + 1


@pytest.mark.parametrize("moment", Moment)
def test_reads_are_simply_repeated(
    moment: Moment, proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend
) -> None:
    slug = next(_names)
    direct.create("agent", agent(slug))
    key = ResourceKey("Agent", "local", slug)
    for read in (
        lambda: backend.get("agent", slug),
        lambda: list(backend.list("agents", filter=f'slug = "{slug}"')),
        lambda: backend.get_many([key]).resources[key],
        lambda: backend.digests("local", b"", 0, ""),
    ):
        proxy.faults = [Fault(moment, Effect.RESET)]
        assert read()
        assert proxy.faults == []


@pytest.mark.parametrize("skip", [2, 5, 9])
@pytest.mark.parametrize("effect", Effect)
def test_an_upload_cut_in_the_middle_changes_nothing_until_it_is_sent_whole(
    skip: int,
    effect: Effect,
    proxy: LossyProxy,
    backend: GrpcBackend,
    direct: GrpcBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    slug = next(_names)
    before = direct.server_info().revision
    proxy.faults = [Fault(Moment.REQUEST, effect, skip)]
    apply(backend, slug)
    assert len(proxy.struck) == 1
    assert direct.server_info().revision == before + 1


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("moment", Moment)
def test_a_connection_that_stays_silent_ends_with_the_deadline(
    operation: str, moment: Moment, proxy: LossyProxy, daemon: Config
) -> None:
    _, run = OPERATIONS[operation]
    with GrpcBackend(proxy.address, default_contract(), timeout=0.4) as backend:
        backend.server_info()
        proxy.faults = [Fault(moment, Effect.SILENCE)] * 9
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            run(backend, next(_names))
        assert time.monotonic() - began < 0.4 + SLACK_S


def test_a_server_that_cuts_every_connection_is_unavailable_within_the_deadline(
    proxy: LossyProxy, daemon: Config
) -> None:
    with GrpcBackend(proxy.address, default_contract(), timeout=1.0) as backend:
        backend.server_info()
        proxy.refusing = True
        proxy.faults = [REQUEST_RESET]
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            create(backend, next(_names))
        assert time.monotonic() - began < 1.0 + SLACK_S
        assert proxy.address in caught.value.message
        assert "stigmer local status" in caught.value.hint


def test_latency_slows_but_does_not_repeat(proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend) -> None:
    before = direct.server_info().revision
    proxy.delay = 0.01
    create(backend, next(_names))
    assert direct.server_info().revision == before + 1
    assert proxy.connections == 1


def test_the_outcome_of_an_apply_whose_reply_was_lost_is_there_to_be_asked(
    proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend
) -> None:
    slug, request_id = next(_names), client.new_request_id()
    change = ResourceChange(ResourceKey("Agent", "local", slug), Action.CREATE, body(slug))
    proxy.faults = [REPLY_RESET] * retry.MAX_TRIES
    with pytest.raises(StigmerError):
        backend.apply_changes([change], ApplyOptions(request_id))
    outcome = direct.outcome_of(request_id)
    assert outcome is not None
    assert outcome.results[0].outcome is Outcome.CREATED
    assert direct.outcome_of(client.new_request_id()) is None


def campaign(seed: int, operations: int, proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend) -> None:
    """Random operations under random faults, against a model of what must be there."""
    chance = random.Random(seed)
    expected: set[str] = set()
    prefix = f"c{seed}"
    before = direct.server_info().revision
    for number in range(operations):
        proxy.faults = [
            Fault(chance.choice(list(Moment)), chance.choice(list(Effect)), chance.choice([0, 0, 1, 3]))
            for _ in range(chance.choice([0, 1, 1, 2]))
        ]
        slug = f"{prefix}-{number}"
        if expected and chance.random() < 0.3:
            gone = chance.choice(sorted(expected))
            delete(backend, gone)
            expected.remove(gone)
        else:
            create(backend, slug)
            expected.add(slug)
    proxy.faults = []
    assert direct.server_info().revision == before + operations
    found = {message.metadata.slug for message in direct.list("agents")}  # type: ignore[attr-defined]
    assert {slug for slug in found if slug.startswith(f"{prefix}-")} == expected


def test_random_faults_leave_exactly_what_was_asked_for(
    proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend
) -> None:
    campaign(1, 10, proxy, backend, direct)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_long_campaigns_of_random_faults_leave_exactly_what_was_asked_for(
    seed: int, proxy: LossyProxy, backend: GrpcBackend, direct: GrpcBackend
) -> None:
    campaign(seed, 100, proxy, backend, direct)
