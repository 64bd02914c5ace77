"""Backends around a backend."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler import (
    Action,
    ApplyOptions,
    ApplyResult,
    Backend,
    DigestTree,
    DryRun,
    Fault,
    Faulty,
    Recording,
    ResourceChange,
    ResourceKey,
)

KeyOf = Callable[[str], ResourceKey]


def call_everything(backend: Backend, key: ResourceKey) -> None:
    backend.digests("local", DigestTree().to_bytes(), 0, "")
    backend.get_many([key])
    backend.apply_changes([ResourceChange(key, Action.CREATE, {})], ApplyOptions("r"))
    backend.outcome_of("r")
    list(backend.watch(0))


def test_every_method_of_the_port_is_forwarded(backend: Backend, key_of: KeyOf) -> None:
    recording = Recording(Faulty(DryRun(backend), {}))
    call_everything(recording, key_of("a"))
    assert recording.methods() == ["digests", "get_many", "apply_changes", "outcome_of", "watch"]


def test_a_recording_keeps_the_arguments(backend: Backend, key_of: KeyOf) -> None:
    recording = Recording(backend)
    recording.get_many([key_of("a")])
    assert recording.calls[0].arguments == ([key_of("a")],)


def test_a_dry_run_checks_only_and_keeps_the_other_options(backend: Backend, key_of: KeyOf) -> None:
    recording = Recording(backend)
    answer = DryRun(recording).apply_changes(
        [ResourceChange(key_of("a"), Action.CREATE, {})], ApplyOptions("r", atomic=False, manager="me")
    )
    assert recording.calls[0].arguments[1] == ApplyOptions("r", atomic=False, manager="me", validate_only=True)
    assert not answer.committed
    assert backend.get_many([key_of("a")]).resources == {}


def test_a_dry_run_never_claims_to_have_committed(backend: Backend) -> None:
    careless = Recording(backend)
    careless.apply_changes = lambda *_: ApplyResult(1, ())  # type: ignore[method-assign]
    assert not DryRun(careless).apply_changes([], ApplyOptions("r")).committed


def test_faults_strike_in_the_order_of_the_script(backend: Backend, key_of: KeyOf) -> None:
    faulty = Faulty(backend, {"get_many": [None, Fault(OSError("first")), Fault(OSError("second"))]})
    faulty.get_many([key_of("a")])
    for message in ("first", "second"):
        with pytest.raises(OSError, match=message):
            faulty.get_many([key_of("a")])
    assert faulty.get_many([key_of("a")]).resources == {}


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_lost_reply_had_its_effect_and_a_lost_request_had_none(
    backend: Backend, key_of: KeyOf, reply_lost: bool
) -> None:
    faulty = Faulty(backend, {"apply_changes": [Fault(OSError("cut"), reply_lost)]})
    with pytest.raises(OSError, match="cut"):
        faulty.apply_changes([ResourceChange(key_of("a"), Action.CREATE, {})], ApplyOptions("r"))
    assert (backend.outcome_of("r") is not None) == reply_lost


def test_a_watch_goes_through(backend: Backend, key_of: KeyOf) -> None:
    backend.apply_changes([ResourceChange(key_of("a"), Action.CREATE, {})], ApplyOptions("r"))
    (event,) = Recording(backend).watch(0)
    assert (event.revision, event.key) == (1, key_of("a"))
