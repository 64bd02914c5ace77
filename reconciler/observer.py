"""Observation: what a backend holds of a desired set, with as little transfer as possible. Digests go first; a body is
fetched only where digests differ. What a previous run verified (`Memo`) need not be looked at again unless the backend
says that it changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.digests import DigestTree, bucket_of
from reconciler.ports import Backend, DigestAnswer, DigestEntry
from reconciler.resource import Desired, Reference, ResourceKey, Snapshot


@dataclass(frozen=True, slots=True)
class Memo:
    """What was verified before: at `revision` of the history `epoch`, each resource needed no change to hold the
    declaration with the given digest (the live one may differ: foreign labels stay).

    Valid for one backend, one field manager and one version of the schemas; whoever keeps it keeps these beside it.
    """

    epoch: str
    revision: int
    digests: Mapping[ResourceKey, bytes]


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot that covers the desired set, as of `revision` or later. `epoch` is "" if several orgs answered with
    different ones; then nothing can be remembered."""

    snapshot: Snapshot
    revision: int
    epoch: str

    @property
    def unchanged_keys(self) -> frozenset[ResourceKey]:
        """The keys that were not fetched, because they hold what is desired."""
        return self.snapshot.unchanged

    def memo(self, desired: Mapping[ResourceKey, Desired], unchanged: Iterable[ResourceKey]) -> Memo:
        """What the next run need not verify: `unchanged` are the keys that the plan found to need no change."""
        return Memo(self.epoch, self.revision, {key: desired[key].digest for key in unchanged if self.epoch})


def observe(desired: Mapping[ResourceKey, Desired], backend: Backend, memo: Memo | None = None) -> Observation:
    """Compares `desired` with the backend: one call per org, and one more for the bodies that are needed."""
    found = _Findings()
    for org, members in _by_org(desired).items():
        tree = DigestTree((want.key.kind, want.key.slug, want.digest) for want in members)
        since, epoch = (memo.revision, memo.epoch) if memo else (0, "")
        answer = backend.digests(org, tree.to_bytes(), since, epoch)
        found.take(answer, org, members, memo)
    bodies = backend.get_many(found.needed) if found.needed else Snapshot(found.revision, {})
    snapshot = Snapshot(found.revision, bodies.resources, frozenset(found.unchanged))
    return Observation(snapshot, found.revision, found.epoch)


def missing_references(
    desired: Mapping[ResourceKey, Desired], backend: Backend, settled: Collection[ResourceKey] = frozenset()
) -> list[tuple[ResourceKey, Reference]]:
    """References, with the key that holds them, whose target is neither desired nor in the backend, in the order of
    `desired`. Those of `settled` keys (unchanged ones: the backend checked them when it took them) are passed over."""
    outside = [
        (key, reference)
        for key, want in desired.items()
        if want.references and key not in settled
        for reference in want.references
        if reference.target not in desired
    ]
    if not outside:
        return []
    present = backend.get_many({reference.target for _, reference in outside}).resources
    return [(key, reference) for key, reference in outside if reference.target not in present]


def _by_org(desired: Mapping[ResourceKey, Desired]) -> dict[str, list[Desired]]:
    orgs: dict[str, list[Desired]] = {}
    for key, want in desired.items():
        orgs.setdefault(key.org, []).append(want)
    return orgs


@dataclass(slots=True)
class _Findings:
    """What the answers of all orgs come to: keys that hold what is desired, and keys whose body is needed. The rest is
    absent. The revision is the smallest of all, so that asking again for what changed since then misses nothing."""

    unchanged: list[ResourceKey] = field(default_factory=list)
    needed: list[ResourceKey] = field(default_factory=list)
    revision: int = 0
    epoch: str = ""
    _orgs: int = 0

    def take(self, answer: DigestAnswer, org: str, members: list[Desired], memo: Memo | None) -> None:
        self.revision = min(self.revision, answer.revision) if self._orgs else answer.revision
        self.epoch = answer.epoch if not self._orgs or self.epoch == answer.epoch else ""
        self._orgs += 1
        if answer.kind == "equal":
            self.unchanged.extend(want.key for want in members)
            return
        entries = {ResourceKey(entry.kind, org, entry.slug): entry for entry in answer.entries}
        if answer.kind == "since":
            self._since(entries, members, memo.digests if memo else {})
        else:
            self._buckets(entries, members, _differing(answer))

    def _since(
        self, entries: Mapping[ResourceKey, DigestEntry], members: list[Desired], verified: Mapping[ResourceKey, bytes]
    ) -> None:
        """Keys without an entry are as they were at the memo's revision."""
        for want in members:
            entry = entries.get(want.key)
            if entry is None:
                held = verified.get(want.key)
                (self.unchanged if held == want.digest else self.needed).append(want.key)
            elif not entry.deleted:
                self._compare(want, entry)

    def _buckets(
        self, entries: Mapping[ResourceKey, DigestEntry], members: list[Desired], differing: frozenset[int]
    ) -> None:
        """Keys without an entry are equal if their bucket is, else absent."""
        for want in members:
            entry = entries.get(want.key)
            if entry is not None:
                self._compare(want, entry)
            elif bucket_of(want.key.kind, want.key.slug) not in differing:
                self.unchanged.append(want.key)

    def _compare(self, want: Desired, entry: DigestEntry) -> None:
        (self.unchanged if entry.digest == want.digest else self.needed).append(want.key)


def _differing(answer: DigestAnswer) -> frozenset[int]:
    """Which buckets were listed cannot be read off the entries: a differing bucket may be empty on the other side."""
    if not answer.buckets:
        raise ValueError("the backend listed buckets that differ without their numbers")
    return frozenset(answer.buckets)
