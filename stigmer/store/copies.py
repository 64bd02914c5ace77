"""Copies of stores, whatever their engine: made while the store is in use elsewhere, checked, and surveyed.

The marker of a folder says which engine made it, and each engine brings a module with the functions of `Copier`. A
folder in which the replacement of a store was interrupted is not read before that is finished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from stigmer.errors import DataLoss, FailedPrecondition, Unavailable, Violation
from stigmer.store.base import ReadTransaction
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES, STORE_FILES
from stigmer.store.integrity import LAST_BACKUP
from stigmer.store.marker import MARKER_NAME, find_marker
from stigmer.store.swap import pending_swap

_MODULES = {"lmdb": "stigmer.store.lmdb_copy", "sqlite": "stigmer.store.sqlite_copy"}


class Snapshot(Protocol):
    """One commit of a store that another process may be writing. `doubts` are sentences about its history;
    `freed_readers` are places in a table of readers that dead processes had left taken."""

    @property
    def store_id(self) -> str: ...

    @property
    def epoch(self) -> str: ...

    @property
    def doubts(self) -> tuple[str, ...]: ...

    @property
    def freed_readers(self) -> int: ...

    @property
    def reader(self) -> ReadTransaction: ...

    def verify(self) -> list[str]:
        """What `Store.verify` says of this commit."""
        ...


class Copier(Protocol):
    """What an engine's module of copies has. `walk` asks for every page to be looked at before it is trusted."""

    def open_snapshot(self, data_dir: Path, *, walk: bool = True) -> AbstractContextManager[Snapshot]: ...

    def copy_data(self, data_dir: Path, target_dir: Path) -> None: ...

    def renew_epoch(self, data_dir: Path) -> str: ...


@dataclass(frozen=True, slots=True)
class Survey:
    """A store at a glance. `committed_at` is the time of its newest commit in Unix nanoseconds, 0 without one;
    `resources` counts records by kind and is empty unless they were counted; `size` is that of the data file."""

    engine: str
    store_id: str
    epoch: str
    revision: int
    committed_at: int
    resources: Mapping[str, int]
    size: int
    doubts: tuple[str, ...] = ()
    freed_readers: int = 0


@dataclass(frozen=True, slots=True)
class Examination:
    """All that is wrong with a store, a sentence each. There is no survey of one that cannot be read."""

    problems: tuple[str, ...]
    survey: Survey | None = None


def engine_of(data_dir: Path) -> str:
    """The engine of the store in a folder. FailedPrecondition when it holds none, when this version does not know the
    engine, or for a newer format; DataLoss when the marker is damaged; Unavailable while a store is being replaced."""
    if (journal := pending_swap(data_dir)) is not None:
        raise Unavailable(
            f"the store in {data_dir} is being replaced by the one in {journal.staged}",
            hint="if nothing is at work there, stigmer local start finishes it",
            reason="SWAP_PENDING",
        )
    marker = find_marker(data_dir)
    if marker is None:
        raise _unmarked(data_dir)
    return known_engine(marker.engine, str(data_dir))


def _unmarked(data_dir: Path) -> FailedPrecondition:
    """The error of a folder without a marker; data that lie there all the same are worth a word."""
    there = [name for name in STORE_FILES if (data_dir / name).exists()]
    if not there:
        return FailedPrecondition(f"{data_dir} holds no store", reason="NO_STORE")
    return FailedPrecondition(
        f"{data_dir} holds {', '.join(there)} but no {MARKER_NAME} that says which store it is",
        hint=LAST_BACKUP,
        reason="NO_STORE",
    )


def known_engine(engine: str, where: str) -> str:
    """`engine`, if this version can copy its stores; else FailedPrecondition."""
    if engine not in _MODULES:
        raise FailedPrecondition(
            f"{where} is of the engine {engine}, which this version does not know",
            hint=f"engines: {', '.join(_MODULES)}; upgrade stigmer if it is a newer one",
            reason="ENGINE_UNKNOWN",
        )
    return engine


def copy_data(data_dir: Path, target_dir: Path) -> None:
    """Copy one commit of a store into a folder, which is made if need be and must not hold a store: its data, and the
    marker last; all of it durable. The store may be in use, and its writer is not held up. Raises like `engine_of`;
    DataLoss when the store is damaged (one violation for each problem), ResourceExhausted without room."""
    _copier(data_dir).copy_data(data_dir, target_dir)


def renew_epoch(data_dir: Path) -> str:
    """Give a store that nobody has open a new epoch, durably, and return it: what clients remember of the store's
    history means nothing any more. Raises like `engines.open_store`."""
    return _copier(data_dir).renew_epoch(data_dir)


def survey(data_dir: Path) -> Survey:
    """A quick look at a store that may be in use: no more is checked than at the start of a daemon, and nothing is
    counted. Raises like `copy_data`."""
    with _copier(data_dir).open_snapshot(data_dir, walk=False) as snapshot:
        return _surveyed(data_dir, snapshot, {})


def examine(data_dir: Path) -> Examination:
    """Read everything in a store that may be in use. Damage is in the answer; what stands in the way of looking is
    raised as by `engine_of`."""
    copier = _copier(data_dir)
    try:
        with copier.open_snapshot(data_dir) as snapshot:
            problems = snapshot.verify()
            found = _surveyed(data_dir, snapshot, {} if problems else count_resources(snapshot.reader))
    except DataLoss as error:
        return Examination(tuple(violation.description for violation in error.violations) or (error.message,))
    return Examination(tuple(problems), found)


def check_copy(folder: Path) -> Survey:
    """Open a copy that nobody else uses, verify it, and count what it holds. DataLoss, one violation for each problem,
    unless it is sound; else errors of opening."""
    engine = engine_of(folder)
    store = open_store(folder, engine)
    try:
        problems = store.verify()
        if problems:
            raise damage_of(problems)
        revision, committed_at, resources = store.read(
            lambda tx: (tx.revision, last_commit_at(tx), count_resources(tx))
        )
        store_id, epoch = store.store_id, store.epoch
    finally:
        store.close()
    size = (folder / ENGINE_FILES[engine].data).stat().st_size
    return Survey(engine, store_id, epoch, revision, committed_at, resources, size)


def count_resources(tx: ReadTransaction) -> dict[str, int]:
    """Records by kind, in the order of names."""
    counts = Counter(head.kind for org in tx.orgs() for head in tx.heads(org))
    return dict(sorted(counts.items()))


def last_commit_at(tx: ReadTransaction) -> int:
    """The time of the newest commit in Unix nanoseconds, 0 when the log holds none."""
    if tx.revision <= tx.oldest_revision:
        return 0
    return tx.commits(tx.revision - 1, 1)[0].at


def _surveyed(data_dir: Path, snapshot: Snapshot, resources: Mapping[str, int]) -> Survey:
    engine = engine_of(data_dir)
    return Survey(
        engine,
        snapshot.store_id,
        snapshot.epoch,
        snapshot.reader.revision,
        last_commit_at(snapshot.reader),
        resources,
        (data_dir / ENGINE_FILES[engine].data).stat().st_size,
        snapshot.doubts,
        snapshot.freed_readers,
    )


def damage_of(problems: Sequence[str]) -> DataLoss:
    """One error for all that `Store.verify` has found."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return DataLoss(
        f"the store is damaged: {problems[0]}{more}",
        hint=LAST_BACKUP,
        reason="STORE_DAMAGED",
        violations=[Violation("", problem) for problem in problems],
    )


def _copier(data_dir: Path) -> Copier:
    return cast("Copier", import_module(_MODULES[engine_of(data_dir)]))
