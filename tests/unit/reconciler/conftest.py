"""A schema with one field of every sort, makers of short test data, and a backend in memory that keeps the contract of
the port: atomic requests, preconditions, request ids, digest answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, ClassVar

import pytest

from reconciler import (
    ApplyOptions,
    ApplyResult,
    BackendEvent,
    ChangeResult,
    Desired,
    DigestAnswer,
    DigestEntry,
    DigestTree,
    DriftPolicy,
    ListType,
    Node,
    Observed,
    Origin,
    Outcome,
    Plan,
    Policy,
    Reference,
    ResourceChange,
    ResourceKey,
    Snapshot,
    bucket_of,
    plan,
)

SCALAR = Node("scalar")
RANKS = {"Environment": 0, "Agent": 1, "Workflow": 2}


def _schema() -> Node:
    task = Node(
        "object",
        fields={
            "name": SCALAR,
            "agent": SCALAR,
            "after": Node("list", item=SCALAR, list_type=ListType.SET),
            "options": Node("any"),
        },
    )
    metadata = {
        "name": SCALAR,
        "labels": Node("map", item=SCALAR),
        "tags": Node("list", item=SCALAR, list_type=ListType.SET),
        "protect": SCALAR,
    }
    spec = {
        "text": SCALAR,
        "count": SCALAR,
        "agent": Node("scalar", immutable=True),
        "token": Node("scalar", secret=True),
        "config": Node("any"),
        "args": Node("list", item=SCALAR),
        "tools": Node("list", item=SCALAR, list_type=ListType.SET),
        "tasks": Node("list", item=task, list_type=ListType.MAP, key="name"),
        "noise": Node("map", item=SCALAR, drift=DriftPolicy.IGNORE),
        "stdio": Node("object", fields={"command": SCALAR}, immutable_presence=True),
        "http": Node("object", fields={"url": SCALAR, "retries": SCALAR}, immutable_presence=True),
    }
    return Node(
        "object",
        fields={
            "metadata": Node("object", fields=metadata, drift=DriftPolicy.MERGE),
            "spec": Node("object", fields=spec),
        },
    )


def _digest_of(key: ResourceKey, body: Mapping[str, Any]) -> bytes:
    return sha256(f"{key}{json.dumps(body, sort_keys=True)}".encode()).digest()


def _key_of(text: str) -> ResourceKey:
    """`support-bot`, `Kind/slug` or `org/Kind/slug`."""
    parts = text.split("/")
    return ResourceKey.parse("/".join(["local", "Agent"][: 3 - len(parts)] + parts))


def _want(text: str, body: Mapping[str, Any], *needs: str, line: int = 1, required: bool = True) -> Desired:
    key = _key_of(text)
    references = tuple(Reference("spec.agent", _key_of(need), required) for need in needs)
    return Desired(key, _digest_of(key, body), lambda: body, Origin("agents.yaml", line), references)


def _live(
    text: str, body: Mapping[str, Any], claims: Mapping[str, Collection[str]] | None = None, **more: Any
) -> Observed:
    key = _key_of(text)
    held = {name: frozenset(paths) for name, paths in (claims or {}).items()}
    seen = Observed(key, f"id-{key.slug}", "etag", 3, 1, _digest_of(key, body), "", False, body, held)
    return replace(seen, **more)


class CodedError(Exception):
    """A backend's error: all that the reconciler may read of it is the code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class MemoryBackend:
    """One store for all orgs, with a revision per request that changed something."""

    epoch: ClassVar[str] = "epoch-1"

    def __init__(self) -> None:
        self.resources: dict[ResourceKey, Observed] = {}
        self.revision = 0
        self.changed: dict[ResourceKey, int] = {}
        self.answers: dict[str, ApplyResult] = {}

    def put(self, seen: Observed) -> None:
        """Writes as somebody who is not the reconciler."""
        self.revision += 1
        self.changed[seen.key] = self.revision
        self.resources[seen.key] = replace(seen, resource_version=self.revision)

    def remove(self, key: ResourceKey) -> None:
        self.revision += 1
        self.changed[key] = self.revision
        del self.resources[key]

    def digests(self, org: str, tree: bytes, since: int, epoch: str) -> DigestAnswer:
        mine = {key: seen for key, seen in self.resources.items() if key.org == org}
        held = DigestTree((key.kind, key.slug, seen.digest) for key, seen in mine.items())
        if held.to_bytes() == tree:
            return DigestAnswer(self.revision, self.epoch, "equal")
        if epoch == self.epoch:
            moved = [key for key, at in self.changed.items() if at > since and key.org == org]
            return DigestAnswer(self.revision, self.epoch, "since", [self._entry(key) for key in moved])
        buckets = held.differing(tree)
        keys = [key for key in mine if bucket_of(key.kind, key.slug) in buckets]
        return DigestAnswer(self.revision, self.epoch, "buckets", [self._entry(key) for key in keys], tuple(buckets))

    def _entry(self, key: ResourceKey) -> DigestEntry:
        seen = self.resources.get(key)
        if seen is None:
            return DigestEntry(key.kind, key.slug, "", 0, b"", deleted=True)
        return DigestEntry(key.kind, key.slug, seen.id, seen.resource_version, seen.digest, seen.owner)

    def get_many(self, keys: Collection[ResourceKey]) -> Snapshot:
        return Snapshot(self.revision, {key: self.resources[key] for key in keys if key in self.resources})

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        if options.request_id in self.answers:
            return replace(self.answers[options.request_id], replayed=True)
        stale = {change.key for change in changes if self._is_stale(change)}
        if stale and options.atomic:
            raise CodedError("ABORTED", f"{min(stale)} has moved")
        fresh = [change for change in changes if change.key not in stale]
        revision = self.revision + bool(fresh)
        if not options.validate_only:
            self.revision = revision
            for change in fresh:
                self._write(change, options.manager)
        results = tuple(self._result(change, change.key in stale) for change in changes)
        answer = ApplyResult(revision, results, committed=not options.validate_only)
        if not options.validate_only:
            self.answers[options.request_id] = answer
        return answer

    def _is_stale(self, change: ResourceChange) -> bool:
        seen = self.resources.get(change.key)
        found = (seen.id, seen.resource_version) if seen else ("", 0)
        return found != (change.if_id, change.if_resource_version)

    def _write(self, change: ResourceChange, manager: str) -> None:
        self.changed[change.key] = self.revision
        before = self.resources.pop(change.key, None)
        if change.body is not None:
            claims = {**(before.claims if before else {}), manager: change.claims}
            self.resources[change.key] = _live(
                str(change.key), change.body, claims, resource_version=self.revision, id=f"id-{self.revision}"
            )

    def _result(self, change: ResourceChange, stale: bool) -> ChangeResult:
        if stale:
            return ChangeResult(change.key, Outcome.FAILED, error=CodedError("ABORTED"))
        return ChangeResult(change.key, change.action.outcome, f"id-{self.revision}", self.revision)

    def outcome_of(self, request_id: str) -> ApplyResult | None:
        return self.answers.get(request_id)

    def watch(self, since: int) -> Iterator[BackendEvent]:
        for key, at in sorted(self.changed.items(), key=lambda item: item[1]):
            if at > since:
                yield BackendEvent(at, key, "updated" if key in self.resources else "deleted")


@pytest.fixture(scope="session")
def schema() -> Node:
    return _schema()


@pytest.fixture(scope="session")
def key_of() -> Callable[[str], ResourceKey]:
    """A key from `slug` (a local Agent), `Kind/slug` or `org/Kind/slug`."""
    return _key_of


@pytest.fixture(scope="session")
def want() -> Callable[..., Desired]:
    """A declaration from a key's text, a body and the keys that it refers to."""
    return _want


@pytest.fixture(scope="session")
def live() -> Callable[..., Observed]:
    """A live resource from a key's text, a body, the claims by manager, and any other attribute."""
    return _live


@pytest.fixture(scope="session")
def failure() -> type[CodedError]:
    return CodedError


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture(scope="session")
def make_plan(schema: Node) -> Callable[..., Plan]:
    """The plan for declarations against live resources, in the name of "stigmer"; policy by keyword."""

    def make(wanted: Iterable[Desired], seen: Iterable[Observed] | Snapshot = (), **policy: bool) -> Plan:
        snapshot = seen if isinstance(seen, Snapshot) else Snapshot(7, {one.key: one for one in seen})
        desired = {one.key: one for one in wanted}
        return plan(desired, snapshot, lambda kind: schema, RANKS.__getitem__, Policy(**policy), "stigmer")

    return make
