"""What the reconciler needs of a backend: one small synchronous Protocol, and the values that cross it. Clients of real
backends implement it; `reconciler.decorators` wraps it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from reconciler.actions import Action, Outcome
from reconciler.resource import Body, ResourceKey, Snapshot

RETRYABLE = frozenset({"UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"})
"""Status codes after which the same request may succeed."""

STALE = "ABORTED"
"""The one code of these that calls for another request: a precondition no longer holds, so observe and plan again."""

TAKEN = "ALREADY_EXISTS"
"""Somebody else created what was about to be created. The same remedy, unless looking again does not show it."""


@runtime_checkable
class BackendError(Protocol):
    """What is read of an error of a backend, raised or reported: the name of its canonical status code. The types are
    the backend's own."""

    @property
    def code(self) -> str: ...


def code_of(error: object) -> str:
    """The status code name of an error, "" if it has none."""
    code = getattr(error, "code", "")
    return code if isinstance(code, str) else ""


class DigestEntry(NamedTuple):
    """One resource of an org without its body. `deleted` only in an answer of kind "since"."""

    kind: str
    slug: str
    id: str
    resource_version: int
    digest: bytes
    owner: str = ""
    deleted: bool = False


AnswerKind: TypeAlias = Literal["equal", "since", "buckets"]


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """How an org differs from a digest tree, at `revision`. `epoch` names the history that revisions count in.

    equal    the org holds exactly what the tree says; no entries
    since    the epoch was known: entries are all keys changed after the given revision, as they are now
    buckets  entries are all keys of the buckets that differ, whose numbers are in `buckets`; the others are equal
    """

    revision: int
    epoch: str
    kind: AnswerKind
    entries: Sequence[DigestEntry] = ()
    buckets: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One write. `body` is the full resulting body, None for a delete. The write is refused as stale (ABORTED) unless
    the live resource has this id and version; for a create, "" and 0, unless there is none. `claims` are all field
    paths that the manager declares from now on."""

    key: ResourceKey
    action: Action
    body: Body | None
    if_resource_version: int = 0
    if_id: str = ""
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a request is carried out. `request_id` makes it repeatable: the backend keeps the first answer and gives it
    again. `atomic` is all or nothing; otherwise changes that depend on no failed one are written. `announced` goes with
    `validate_only`: content that the changes refer to and that will be there by the time they are written."""

    request_id: str
    atomic: bool = True
    validate_only: bool = False
    manager: str = "stigmer"
    force_conflicts: bool = False
    announced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What became of one change. `error` says why it failed, `blocked_by` which failed change it depends on."""

    key: ResourceKey
    outcome: Outcome
    id: str = ""
    resource_version: int = 0
    error: BackendError | None = None
    warnings: tuple[str, ...] = ()
    blocked_by: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The answer to a request. `revision` is the one it made, or the current one if it changed nothing; 0 if it
    failed. `replayed` says that this is the kept answer to an earlier request with the same id, `committed` that its
    successful changes were written and not only checked."""

    revision: int
    results: tuple[ChangeResult, ...]
    replayed: bool = False
    committed: bool = True


EventType: TypeAlias = Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True)
class BackendEvent:
    """One resource changed at `revision`. It says where to look, not what is there now."""

    revision: int
    key: ResourceKey
    type: EventType


class Backend(Protocol):
    """Every method may raise errors that have a `code` (see `BackendError`)."""

    def digests(self, org: str, tree: bytes, since: int, epoch: str) -> DigestAnswer:
        """Compares an org with `DigestTree.to_bytes()`. `since` and `epoch` are of the caller's last answer; 0 and ""
        without one."""

    def get_many(self, keys: Collection[ResourceKey]) -> Snapshot:
        """The resources that exist among `keys`, all as of one revision."""

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        """Writes the changes in one transaction. A failure is raised, or told per change in the results."""

    def outcome_of(self, request_id: str) -> ApplyResult | None:
        """The answer that the request got, or None if it has not committed and, its caller being gone, never will."""

    def watch(self, since: int) -> Iterator[BackendEvent]:
        """Events after the revision `since`, in order, without end."""
