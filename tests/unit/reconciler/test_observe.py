"""Observation: the least that has to be asked to know what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pytest

from reconciler import (
    Backend,
    Desired,
    DigestAnswer,
    Memo,
    Observation,
    Observed,
    Plan,
    Recording,
    ResourceKey,
    missing_references,
    observe,
)

Want = Callable[..., Desired]
Live = Callable[..., Observed]
KeyOf = Callable[[str], ResourceKey]

ONE, TWO = {"spec": {"text": "1"}}, {"spec": {"text": "2"}}


class Store(Backend, Protocol):
    """The backend in memory, which others can write to."""

    epoch: str

    def put(self, seen: Observed) -> None: ...

    def remove(self, key: ResourceKey) -> None: ...


class Fixed:
    """Answers every digest question in the same way."""

    def __init__(self, answer: DigestAnswer) -> None:
        self.answer = answer

    def digests(self, *arguments: Any) -> DigestAnswer:
        return self.answer


def by_key(wanted: Iterable[Desired]) -> dict[ResourceKey, Desired]:
    return {one.key: one for one in wanted}


def fetched(calls: Recording) -> list[str]:
    return sorted(key.slug for call in calls.calls if call.method == "get_many" for key in call.arguments[0])


def look(backend: Backend, wanted: Iterable[Desired], memo: Memo | None = None) -> tuple[Observation, Recording]:
    recording = Recording(backend)
    return observe(by_key(wanted), recording, memo), recording


def test_an_unchanged_org_is_one_small_call(backend: Store, want: Want, live: Live) -> None:
    wanted = [want(f"a{i}", ONE) for i in range(20)]
    for one in wanted:
        backend.put(live(str(one.key), ONE))
    seen, calls = look(backend, wanted)
    assert calls.methods() == ["digests"]
    assert seen.unchanged_keys == by_key(wanted).keys()
    assert (seen.revision, seen.epoch) == (20, backend.epoch)


def test_an_empty_backend_has_nothing_to_fetch(backend: Store, want: Want) -> None:
    seen, calls = look(backend, [want("a", ONE), want("b", ONE)])
    assert calls.methods() == ["digests"]
    assert (seen.snapshot.resources, seen.unchanged_keys) == ({}, frozenset())


def test_only_bodies_whose_digest_differs_are_fetched(backend: Store, want: Want, live: Live, key_of: KeyOf) -> None:
    for slug in ("same", "changed", "foreign"):
        backend.put(live(slug, ONE))
    seen, calls = look(backend, [want("same", ONE), want("changed", TWO), want("new", ONE)])
    assert fetched(calls) == ["changed"]
    assert seen.unchanged_keys == {key_of("same")}
    assert seen.snapshot.resources.keys() == {key_of("changed")}


def test_a_bucket_that_is_not_listed_is_equal(backend: Store, want: Want, live: Live, key_of: KeyOf) -> None:
    for slug in ("agent-1", "agent-2"):
        backend.put(live(slug, ONE))
    seen, calls = look(backend, [want("agent-1", ONE), want("agent-2", TWO)])
    assert seen.unchanged_keys == {key_of("agent-1")}
    assert fetched(calls) == ["agent-2"]


def test_buckets_without_their_numbers_are_refused(want: Want) -> None:
    with pytest.raises(ValueError, match="without their numbers"):
        observe(by_key([want("a", ONE)]), Fixed(DigestAnswer(3, "e", "buckets")))  # type: ignore[arg-type]


def remembered(backend: Store, wanted: list[Desired], make_plan: Callable[..., Plan]) -> Memo:
    """What a run leaves behind that found everything as desired."""
    seen = observe(by_key(wanted), backend)
    planned = make_plan(wanted, seen.snapshot)
    assert planned.is_empty
    return seen.memo(by_key(wanted), planned.unchanged)


def test_with_a_memo_labels_that_somebody_added_are_fetched_once(
    backend: Store, want: Want, live: Live, make_plan: Callable[..., Plan]
) -> None:
    wanted = [want("a", ONE), want("b", ONE)]
    backend.put(live("a", {"metadata": {"labels": {"mine": "1"}}, **ONE}))
    backend.put(live("b", ONE))
    memo = remembered(backend, wanted, make_plan)
    seen, calls = look(backend, wanted, memo)
    assert calls.methods() == ["digests"]
    assert seen.unchanged_keys == by_key(wanted).keys()


def test_with_a_memo_what_changed_since_is_looked_at(
    backend: Store, want: Want, live: Live, key_of: KeyOf, make_plan: Callable[..., Plan]
) -> None:
    wanted = [want(slug, ONE) for slug in ("kept", "edited", "touched", "gone", "redeclared")]
    for one in wanted:
        backend.put(live(str(one.key), ONE))
    memo = remembered(backend, wanted, make_plan)
    backend.put(live("edited", TWO))
    backend.put(live("touched", ONE))
    backend.put(live("unrelated", ONE))
    backend.remove(key_of("gone"))
    backend.put(live("appeared", TWO))
    now = [*wanted[:4], want("redeclared", TWO), want("appeared", ONE), want("new", ONE)]
    seen, calls = look(backend, now, memo)
    assert fetched(calls) == ["appeared", "edited", "new", "redeclared"]
    assert seen.unchanged_keys == {key_of("kept"), key_of("touched")}
    assert seen.snapshot.resources.keys() == {key_of("edited"), key_of("redeclared"), key_of("appeared")}


def test_a_memo_of_another_history_is_worth_nothing(backend: Store, want: Want, live: Live, key_of: KeyOf) -> None:
    backend.put(live("a", TWO))
    wanted = [want("a", ONE)]
    seen, calls = look(backend, wanted, Memo("epoch-0", 1, {key_of("a"): wanted[0].digest}))
    assert fetched(calls) == ["a"]
    assert seen.epoch == backend.epoch


def test_each_org_is_asked_once_and_bodies_are_fetched_together(
    backend: Store, want: Want, live: Live, key_of: KeyOf
) -> None:
    backend.put(live("east/Agent/a", ONE))
    backend.put(live("west/Agent/a", ONE))
    backend.put(live("west/Agent/b", ONE))
    seen, calls = look(backend, [want("east/Agent/a", TWO), want("west/Agent/a", TWO), want("west/Agent/b", ONE)])
    assert calls.methods() == ["digests", "digests", "get_many"]
    assert seen.snapshot.resources.keys() == {key_of("east/Agent/a"), key_of("west/Agent/a")}
    assert seen.unchanged_keys == {key_of("west/Agent/b")}


def test_orgs_of_different_histories_leave_nothing_to_remember(want: Want, key_of: KeyOf) -> None:
    class Apart:
        def digests(self, org: str, *arguments: Any) -> DigestAnswer:
            return DigestAnswer({"east": 9, "west": 4}[org], org, "equal")

    wanted = by_key([want("east/Agent/a", ONE), want("west/Agent/a", ONE)])
    seen = observe(wanted, Apart())  # type: ignore[arg-type]
    assert (seen.revision, seen.epoch) == (4, "")
    assert seen.memo(wanted, wanted).digests == {}


def test_nothing_desired_is_nothing_asked(backend: Store) -> None:
    seen, calls = look(backend, [])
    assert calls.methods() == []
    assert seen.snapshot.resources == {}


def test_references_are_looked_for_in_the_set_and_then_in_the_backend(backend: Store, want: Want, live: Live) -> None:
    backend.put(live("there", ONE))
    calls = Recording(backend)
    wanted = by_key([want("a", ONE, "b", "there", "gone"), want("b", ONE, "gone", "lost", required=False)])
    missing = missing_references(wanted, calls)
    assert [(key.slug, reference.target.slug, reference.required) for key, reference in missing] == [
        ("a", "gone", True),
        ("b", "gone", False),
        ("b", "lost", False),
    ]
    assert fetched(calls) == ["gone", "lost", "there"]


def test_references_of_settled_resources_are_not_looked_for(backend: Store, want: Want) -> None:
    calls = Recording(backend)
    wanted = by_key([want("a", ONE, "gone")])
    assert missing_references(wanted, calls, settled=wanted.keys()) == []
    assert calls.methods() == []
