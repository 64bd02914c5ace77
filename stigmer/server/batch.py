"""The values that a pipeline works on. Every mutation is a batch: a typed RPC is a batch of one, ApplyChanges is one
of many, and both run the same steps.

`Change` is prepared before the writer is taken and only read under it. `Unit` is one run of the batch in one
transaction, with an `Effect` per change; the engine may run a transaction again, and then makes a new unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.actions import Action, Outcome
from reconciler.resource import ResourceKey
from stigmer.contract import Contract, Kind
from stigmer.errors import StigmerError
from stigmer.server.context import RequestContext
from stigmer.server.ids import IdSource
from stigmer.server.policy import Policy
from stigmer.server.records import Indexes, Stored
from stigmer.store.base import RecordId, Store, Transaction

if TYPE_CHECKING:
    from stigmer.contract.artifacts import ArtifactUse
    from stigmer.server.steps.validate import Validation

IMPERATIVE = ""
"""The field manager of typed RPCs: they change fields and claim none."""


@dataclass(frozen=True, slots=True)
class Services:
    """What steps need beside the batch."""

    contract: Contract
    store: Store
    policy: Policy
    ids: IdSource
    validation: Validation
    default_org: str


@dataclass(frozen=True, slots=True)
class Target:
    """One reference of a change, with the org filled in. Optional ones name the condition they decide."""

    path: str
    key: ResourceKey
    required: bool
    condition: str


@dataclass(slots=True)
class Content:
    """A resource as it is to be, in the forms that are needed under the writer: the canonical bytes and what follows
    from them. The message itself is not kept, being several times as large. `status` are kept status fields that
    follow from the spec; `instance` is the default instance that comes with a new resource."""

    data: bytes
    digest: bytes
    spec_digest: bytes
    targets: tuple[Target, ...]
    indexes: Indexes
    status: dict[str, Any]
    artifacts: tuple[ArtifactUse, ...] = ()
    instance: Change | None = None


@dataclass(slots=True)
class Change:
    """One wanted change. `wanted` is what the caller sent, `content` what comes of it and takes its place; an update by
    mask or etag gets its content by merging `wanted` into `base`, the resource as it was read. `claims` None leaves
    claims alone."""

    kind: Kind
    action: Action
    org: str
    slug: str = ""
    id: str = ""
    wanted: Any = None
    content: Content | None = None
    mask: tuple[str, ...] = ()
    merges: bool = False
    base: Stored | None = None
    if_resource_version: int = 0
    if_id: str = ""
    if_etag: str = ""
    allow_missing: bool = False
    claims: bytes | None = None
    error: StigmerError | None = None

    @property
    def key(self) -> ResourceKey:
        return ResourceKey(self.kind.name, self.org, self.slug)


@dataclass(slots=True)
class Batch:
    """What one request wants. `org` is where its request id belongs. `independent` writes what it can; otherwise one
    failure undoes everything."""

    services: Services
    context: RequestContext
    permission: str
    org: str
    changes: list[Change] = field(default_factory=list)
    manager: str = IMPERATIVE
    validate_only: bool = False
    independent: bool = False
    force_conflicts: bool = False
    pending_artifacts: frozenset[str] = frozenset()
    """What a caller who only validates will store before the request proper."""
    digest: bytes = b""
    """SHA-256 of the request, for its request id."""

    @property
    def failed(self) -> bool:
        return any(change.error is not None for change in self.changes)


@dataclass(slots=True)
class Effect:
    """What becomes of one change in one run. `content` is what it writes (of a merging update: once it is merged),
    `before` the resource as it was, `after` as it is from now on.
    `missing` are optional targets that are not there, `child` is the default instance that goes with a deletion,
    `instance` the one that a creation makes."""

    change: Change
    content: Content | None = None
    before: Stored | None = None
    child: Stored | None = None
    after: Stored | None = None
    outcome: Outcome | None = None
    error: StigmerError | None = None
    blocked_by: ResourceKey | None = None
    instance: Stored | None = None
    missing: list[Target] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Still to be done: neither failed nor settled."""
        return self.outcome is None

    @property
    def failed(self) -> bool:
        return self.outcome is not None and not self.outcome.succeeded

    def fail(self, error: StigmerError, outcome: Outcome = Outcome.FAILED, by: ResourceKey | None = None) -> None:
        self.outcome, self.error, self.blocked_by = outcome, error, by


@dataclass(slots=True)
class Unit:
    """One run of a batch inside one transaction. Steps add to `saves` and `removals`; Publish writes them."""

    batch: Batch
    tx: Transaction
    effects: list[Effect] = field(default_factory=list)
    saves: dict[RecordId, tuple[Stored, Indexes]] = field(default_factory=dict)
    removals: dict[RecordId, Stored] = field(default_factory=dict)
    replaced: dict[RecordId, Stored] = field(default_factory=dict)
    """What saves overwrite, for the digest tree."""
    revision: int = 0
    """The revision of this transaction once Publish has run; 0 when nothing was written."""
    current: int = 0
    """The revision that the transaction began with."""
    message: Any = None
    response: bytes = b""
    """The response, as a message and in binary form, once the last steps have run."""

    def __post_init__(self) -> None:
        self.current = self.tx.revision
        for change in self.batch.changes:
            effect = Effect(change, change.content)
            if change.error is not None:
                effect.fail(change.error)
            self.effects.append(effect)

    def live(self, *actions: Action) -> list[Effect]:
        """The effects still to be done, of some actions or of all."""
        return [effect for effect in self.effects if effect.live and (not actions or effect.change.action in actions)]

    @property
    def services(self) -> Services:
        return self.batch.services

    @property
    def refused(self) -> bool:
        """Nothing may be written: something failed and the batch is all or nothing."""
        return not self.batch.independent and any(effect.failed for effect in self.effects)
