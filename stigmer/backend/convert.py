"""Messages of the generic RPCs as the reconciler's values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.actions import Outcome
from reconciler.ports import AnswerKind, ApplyResult, BackendEvent, ChangeResult, DigestAnswer, DigestEntry, EventType
from reconciler.resource import Observed, ResourceKey, Snapshot
from stigmer.contract.claims import unpack
from stigmer.errors import BY_CODE, Internal, StigmerError, Unimplemented, Violation

if TYPE_CHECKING:
    from stigmer.contract import Contract, Kind

_ANSWER_KINDS: dict[int, AnswerKind] = {1: "equal", 2: "since", 3: "buckets"}
"""ListDigestsResponse.Scope."""

_EVENT_TYPES: dict[int, EventType] = {1: "created", 2: "updated", 3: "deleted"}
"""WatchEvent.Type."""

_OUTCOMES: dict[int, Outcome] = dict(enumerate(Outcome, start=1))
"""ChangeOutcome, whose values stand in the order of the words."""


def digest_answer(messages: Iterable[Any], *, all_buckets: range) -> DigestAnswer:
    """The messages of one ListDigests stream. `all_buckets` are those that differ when the answer names none: all
    without a tree in the request; none with one, and then everything the tree knows is equal."""
    first: Any = None
    entries: list[DigestEntry] = []
    for message in messages:
        first = first or message
        entries += [
            DigestEntry(e.kind, e.slug, e.id, e.resource_version, e.digest, e.owner, e.deleted) for e in message.entries
        ]
    if first is None:
        raise Internal("the server ended ListDigests without an answer")
    kind = _known(_ANSWER_KINDS, first.scope, "scope of digests")
    buckets = (tuple(first.buckets) or all_buckets) if kind == "buckets" else ()
    if kind == "buckets" and not buckets:
        kind = "equal"
    return DigestAnswer(first.revision, first.epoch, kind, entries, buckets)


def snapshot(contract: Contract, messages: Iterable[Any]) -> Snapshot:
    """The messages of one GetResources stream; the last revision stands for all, as they are of one."""
    revision = 0
    resources: dict[ResourceKey, Observed] = {}
    for message in messages:
        revision = message.revision
        for packed in message.resources:
            found = observed(contract, packed)
            resources[found.key] = found
    return Snapshot(revision, resources)


class Page(NamedTuple):
    """Whole resources, as messages of their kinds, and the revision at which they were so."""

    revision: int
    resources: Sequence[Any]


def page(contract: Contract, messages: Iterable[Any]) -> Page:
    """The messages of one GetResources stream as the resources themselves."""
    revision = 0
    resources = []
    for message in messages:
        revision = message.revision
        resources += [contract.codec.parse(_kind(contract, packed), packed.content) for packed in message.resources]
    return Page(revision, resources)


def observed(contract: Contract, packed: Any) -> Observed:
    """One resource of any kind. Unimplemented for a kind that this version does not know."""
    key = resource_key(packed.key)
    kind = _kind(contract, packed)
    message = contract.codec.parse(kind, packed.content)
    metadata = message.metadata
    return Observed(
        key=key,
        id=metadata.id,
        etag=metadata.etag,
        resource_version=metadata.resource_version,
        generation=metadata.generation,
        digest=packed.digest,
        owner=metadata.owner,
        protect=metadata.protect,
        body=contract.codec.body(kind, message),
        claims={claim.manager: unpack(claim.paths) for claim in metadata.claims},
    )


def apply_result(response: Any) -> ApplyResult:
    results = tuple(map(change_result, response.results))
    return ApplyResult(response.revision, results, response.replayed, response.committed)


def change_result(result: Any) -> ChangeResult:
    return ChangeResult(
        key=resource_key(result.key),
        outcome=_known(_OUTCOMES, result.outcome, "outcome"),
        id=result.id,
        resource_version=result.resource_version,
        error=_change_error(result) if result.HasField("error") else None,
        warnings=tuple(result.warnings),
        blocked_by=resource_key(result.blocked_by) if result.HasField("blocked_by") else None,
    )


class WatchCursor:
    """Where a watch is. A large commit comes in several messages, so that a stream may break off in the middle of one:
    it is then asked for again, and what was seen of it is passed over."""

    def __init__(self, since: int) -> None:
        self.since = since
        self._revision = since
        self._seen = 0
        """Events of `_revision` that were given out."""
        self._skip = 0
        """Events of `_revision` that a renewed stream is going to repeat."""

    def fresh(self, message: Any) -> Iterator[BackendEvent]:
        """The events of a message that were not given out before, in order. The first message of a stream has none."""
        for event in message.events:
            if message.revision != self._revision:
                self._revision, self._seen, self._skip = message.revision, 0, 0
            if self._skip:
                self._skip -= 1
                continue
            self._seen += 1
            yield BackendEvent(message.revision, resource_key(event.key), _known(_EVENT_TYPES, event.type, "event"))

    def rewind(self) -> None:
        """Before a renewed stream: it starts at the last commit that was begun."""
        if self._seen:
            self.since, self._skip = self._revision - 1, self._seen


def resource_key(key: Any) -> ResourceKey:
    return ResourceKey(key.kind, key.org, key.slug)


def _kind(contract: Contract, packed: Any) -> Kind:
    kind = contract.kinds.get(packed.key.kind)
    if kind is None:
        raise Unimplemented(f"the server holds a {packed.key.kind}, a kind that this version does not know")
    return kind


def _change_error(result: Any) -> StigmerError:
    error = result.error
    leaf = BY_CODE.get(error.code, Internal)
    key = str(resource_key(result.key))
    violations = [Violation(v.field, v.description, key, tuple(v.related)) for v in error.violations]
    return leaf(error.message, violations=violations, hint=error.hint)


def _known(table: dict[int, Any], number: int, what: str) -> Any:
    value = table.get(number)
    if value is None:
        raise Unimplemented(f"the server answered with {what} {number}, which this version does not know")
    return value
