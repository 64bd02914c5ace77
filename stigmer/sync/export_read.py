"""The first half of an export: everything that was asked for, read from the backend as of one revision.

Pages of lists are read first. While nobody writes they are all of one revision, and that is all. Otherwise the orgs'
digests say at which versions their resources are now, and only what has changed since is read again, until one round
of questions is answered from one revision. A version is the revision that wrote the resource: two resources with the
same key and version are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, final

from reconciler import ResourceKey
from stigmer.contract.secrecy import held_secrets
from stigmer.errors import Aborted
from stigmer.sync import export_refusals
from stigmer.sync.request import Emit
from stigmer.sync.spool import Span, Spool

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend
    from stigmer.backend.convert import Page
    from stigmer.contract import Kind

ALL_ORGS = "-"
"""The org of a selection that means every org."""

MAX_SWEEPS = 10
"""How often everything that a selector selects is listed before a backend counts as too busy."""

MAX_ROUNDS = 200
"""How often what has changed meanwhile is asked for: some milliseconds each."""

READ_KEYS = 100
"""Resources read again at once: of the largest size there can be, they just fit into one answer of the server."""

PAGE_SIZE = 1_000
"""Resources listed at once; the server ends a page before it outgrows a message."""

NEWCOMERS = 50
"""The size of the pages that are asked for resources created meanwhile."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to export: whole `kinds`, of which a label `selector` may narrow the resources, or the resources that `keys`
    name. `org` is where kinds are looked for: empty for the backend's own, ALL_ORGS for every one."""

    kinds: tuple[Kind, ...] = ()
    keys: tuple[ResourceKey, ...] = ()
    org: str = ""
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Progress: so many resources have been read."""

    resources: int


class _Held(NamedTuple):
    version: int
    span: Span


@final
class Collected:
    """What a selection holds, read by `read`, and from then on given in the order in which it can be applied."""

    def __init__(self, selection: Selection, backend: GrpcBackend, spool: Spool, emit: Emit) -> None:
        self._selection = selection
        self._backend = backend
        self._contract = backend.contract
        self._spool = spool
        self._emit = emit
        self._kinds = {kind.name for kind in selection.kinds}
        self._wanted: dict[ResourceKey, int] = {}
        self._held: dict[ResourceKey, _Held] = {}
        self._secrets: dict[ResourceKey, tuple[str, ...]] = {}
        self._start = 0
        """The revision before anything was read."""
        self._orgs: dict[str, int] = {}
        """The revision after which each org's changes are looked for."""
        self._newest: dict[str, str] = {}
        """The newest id of each kind that any list has shown: ids ascend."""
        self._touched: set[ResourceKey] = set()
        """Keys that have changed since they were listed."""
        self._epoch = ""
        """The history that revisions count in."""

    def __len__(self) -> int:
        return len(self._wanted)

    def read(self) -> int:
        """Reads everything and returns the revision it is of.

        NotFound for a key without a resource, InvalidArgument for a default instance among the keys, FailedPrecondition
        for a resource that holds a secret, Aborted when the backend changes faster than it can be read.
        """
        revision = self._named() if self._selection.keys else self._settled()
        secrets = {key: paths for key, paths in self._secrets.items() if key in self._wanted}
        if secrets:
            raise export_refusals.secret(secrets)
        return revision

    def resources(self) -> Iterator[tuple[ResourceKey, Any]]:
        """Every resource as the message of its kind, by rank, org, kind and slug."""
        rank = self._contract.kinds.rank
        for key in sorted(self._wanted, key=lambda key: (rank(key.kind), key.org, key.kind, key.slug)):
            kind = self._contract.kinds[key.kind]
            yield key, self._contract.codec.parse(kind, self._spool.read(self._held[key].span))

    def _named(self) -> int:
        keys = tuple(dict.fromkeys(self._selection.keys))
        page = self._backend.read(keys)
        for kind, message in _typed(self._backend, page):
            if message.metadata.parent:
                raise export_refusals.is_default(kind, message)
            self._want(kind, message)
        missing = [key for key in keys if key not in self._wanted]
        if missing:
            raise export_refusals.absent(missing)
        return page.revision

    def _settled(self) -> int:
        info = self._backend.server_info()
        self._start, self._epoch = info.revision, info.epoch
        if self._selection.org != ALL_ORGS:
            self._meet(self._selection.org or info.default_org)
        for _ in range(MAX_SWEEPS):
            revisions = self._sweep()
            if len(revisions) == 1:
                return revisions.pop()
            if not self._selection.selector:
                return self._caught_up()
        raise export_refusals.too_busy()

    def _sweep(self) -> set[int]:
        """Lists everything, and returns the revisions of the pages."""
        self._wanted.clear()
        revisions = set()
        for kind in self._selection.kinds:
            for page in self._pages(kind):
                revisions.add(page.revision)
                for message in page.resources:
                    self._newest[kind.name] = max(self._newest.get(kind.name, ""), message.metadata.id)
                    self._meet(message.metadata.org)
                    if not message.metadata.parent:
                        self._want(kind, message)
                self._emit(Reading(len(self._wanted)))
        return revisions

    def _caught_up(self) -> int:
        for _ in range(MAX_ROUNDS):
            revisions = {self._compare(org) for org in sorted(self._orgs)}
            has_new_orgs = self._selection.org == ALL_ORGS and self._find_new_orgs()
            stale = self._stale()
            for part in _parts(stale, READ_KEYS):
                for kind, message in _typed(self._backend, self._backend.read(part)):
                    self._hold(kind, message)
            if len(revisions) == 1 and not has_new_orgs and not self._stale():
                return revisions.pop()
        raise export_refusals.too_busy()

    def _find_new_orgs(self) -> bool:
        """Whether there are orgs that nobody was asked about: their resources are the newest ones. They are asked about
        in the next round."""
        known = len(self._orgs)
        for kind in self._selection.kinds:
            newest = self._newest.get(kind.name, "")
            for page in self._pages(kind, NEWCOMERS):
                fresh = [message.metadata for message in page.resources if message.metadata.id > newest]
                for metadata in fresh:
                    self._meet(metadata.org)
                self._newest[kind.name] = max([self._newest.get(kind.name, ""), *(each.id for each in fresh)])
                if len(fresh) < len(page.resources):
                    break
        return len(self._orgs) > known

    def _stale(self) -> list[ResourceKey]:
        """The keys of which another version is wanted than is held."""
        self._touched = {key for key in self._touched if key in self._wanted and not self._holds(key)}
        return sorted(self._touched)

    def _meet(self, org: str) -> None:
        self._orgs.setdefault(org, self._start)

    def _compare(self, org: str) -> int:
        """Notes which versions the org holds now, and returns the revision of that."""
        answer = self._backend.digests(org, b"", self._orgs[org], self._epoch)
        if answer.epoch != self._epoch:
            raise Aborted("the backend was restored while it was read", hint="export again")
        self._orgs[org] = answer.revision
        if answer.kind != "since":
            self._wanted = {key: version for key, version in self._wanted.items() if key.org != org}
        for entry in answer.entries:
            if entry.kind not in self._kinds:
                continue
            key = ResourceKey(entry.kind, org, entry.slug)
            if entry.deleted:
                self._wanted.pop(key, None)
            else:
                self._wanted[key] = entry.resource_version
                self._touched.add(key)
        return answer.revision

    def _pages(self, kind: Kind, size: int = PAGE_SIZE) -> Iterator[Page]:
        selection = self._selection
        return self._backend.pages(kind, org=selection.org, label_selector=selection.selector, page_size=size)

    def _want(self, kind: Kind, message: Any) -> None:
        self._wanted[self._hold(kind, message)] = message.metadata.resource_version

    def _hold(self, kind: Kind, message: Any) -> ResourceKey:
        metadata = message.metadata
        key, version = ResourceKey(kind.name, metadata.org, metadata.slug), metadata.resource_version
        if key not in self._held or self._held[key].version != version:
            self._held[key] = _Held(version, self._spool.append(message.SerializeToString()))
            self._secrets.pop(key, None)
            paths = tuple(held_secrets(kind.shape, message))
            if paths:
                self._secrets[key] = paths
        return key

    def _holds(self, key: ResourceKey) -> bool:
        held = self._held.get(key)
        return held is not None and held.version == self._wanted[key]


def _typed(backend: GrpcBackend, page: Page) -> Iterator[tuple[Kind, Any]]:
    for message in page.resources:
        yield backend.contract.kinds[message.DESCRIPTOR.name], message


def _parts(keys: list[ResourceKey], size: int) -> Iterator[list[ResourceKey]]:
    rest = iter(keys)
    while part := list(islice(rest, size)):
        yield part
