"""Artifacts on their way to the backend: what a change names is stored before the change is sent.

Nothing is stored for a check, nor for a resource that does not change; what the backend has already is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, final

from reconciler import (
    ApplyOptions,
    ApplyResult,
    Backend,
    BackendEvent,
    DigestAnswer,
    ResourceChange,
    ResourceKey,
    Snapshot,
)
from stigmer.contract.archive import Archive
from stigmer.errors import FailedPrecondition


class ArtifactStore(Protocol):
    """What is needed of a backend's artifacts; see `stigmer.backend.artifacts`."""

    def missing(self, digests: Collection[str], org: str = "") -> set[str]: ...

    def store(self, archive: Archive, org: str = "") -> None: ...

    def fetch(self, digest: str, org: str = "") -> bytes: ...


ArchivesOf = Callable[[ResourceKey], Sequence[Archive]]
"""The archives whose files a resource's manifest gives."""


@final
class Storing:
    """A backend that gets the artifacts of every change before it gets the change. A check only says which ones would
    be stored."""

    def __init__(self, inner: Backend, store: ArtifactStore | None, archives_of: ArchivesOf) -> None:
        self._inner = inner
        self._store = store
        self._archives_of = archives_of

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        wanted = self._wanted(changes)
        if options.validate_only:
            digests = frozenset(digest for archives in wanted.values() for digest in archives)
            return self._inner.apply_changes(changes, replace(options, announced=digests))
        for org, archives in wanted.items():
            self._put(org, archives)
        return self._inner.apply_changes(changes, options)

    def digests(self, org: str, tree: bytes, since: int, epoch: str) -> DigestAnswer:
        return self._inner.digests(org, tree, since, epoch)

    def get_many(self, keys: Collection[ResourceKey]) -> Snapshot:
        return self._inner.get_many(keys)

    def outcome_of(self, request_id: str) -> ApplyResult | None:
        return self._inner.outcome_of(request_id)

    def watch(self, since: int) -> Iterator[BackendEvent]:
        return self._inner.watch(since)

    def _wanted(self, changes: Sequence[ResourceChange]) -> dict[str, dict[str, Archive]]:
        """The archives of what is written, by org and digest."""
        wanted: dict[str, dict[str, Archive]] = {}
        for change in changes:
            for archive in self._archives_of(change.key) if change.body is not None else ():
                wanted.setdefault(change.key.org, {})[archive.digest] = archive
        return wanted

    def _put(self, org: str, archives: dict[str, Archive]) -> None:
        if self._store is None:
            raise FailedPrecondition("this backend stores no artifacts", reason="NO_ARTIFACTS")
        missing = self._store.missing(archives, org)
        for digest, archive in archives.items():
            if digest in missing:
                self._store.store(archive, org)
