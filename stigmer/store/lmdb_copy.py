"""An LMDB store seen by another process than the one that writes it: checked, read and copied while that goes on.

LMDB dies of a damaged page, so the pages are walked without it before it follows them. The walk holds for a file in use
because a snapshot is held meanwhile: the writer leaves every page alone that it, or a later one, may lead to.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import lmdb

from stigmer.errors import DataLoss, Violation
from stigmer.store.founding import marked_store
from stigmer.store.integrity import damaged_file
from stigmer.store.lmdb_codec import STATE_KEY, decode_state
from stigmer.store.lmdb_env import (
    ENGINE,
    ENVIRONMENT_OPTIONS,
    INITIAL_MAP_BYTES,
    LmdbEnvironment,
    open_trees,
    put_identity,
    read_identity,
)
from stigmer.store.lmdb_errors import typed
from stigmer.store.lmdb_file import DATA_NAME, check_file, check_head, inspect, suspicion
from stigmer.store.lmdb_names import Prefixes
from stigmer.store.lmdb_read import LmdbReadTransaction
from stigmer.store.lmdb_trees import Trees, Txn
from stigmer.store.lmdb_verify import verify_snapshot
from stigmer.store.marker import Marker, cannot_use, make_folder, write_marker

FILE_MODE = 0o600

LOOKS = 5
"""A look at the pages that finds damage counts only if no commit came in between; so often it is taken again."""

ROOM = 16
"""How much larger than the file the map is: the writer may let the file grow while it is copied."""

_HEAD_BYTES = 64 << 10
"""Both meta pages lie in here, whatever the page size."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`copies.Snapshot`, and what it is read with."""

    store_id: str
    epoch: str
    doubts: tuple[str, ...]
    freed_readers: int
    env: lmdb.Environment
    txn: Txn
    trees: Trees
    reader: LmdbReadTransaction

    def verify(self) -> list[str]:
        return verify_snapshot(self.txn, self.trees)


@contextmanager
def open_snapshot(data_dir: Path, *, walk: bool = True) -> Iterator[Snapshot]:
    """The newest commit, as long as the block lasts; nobody is held up. With `walk`, every page has been looked at
    before LMDB was let near it; without, only what the start of a daemon looks at.

    FailedPrecondition when the folder holds no LMDB store, DataLoss when it is damaged (one violation for each
    problem) or its files do not belong together, Unavailable when it cannot be read."""
    store_id = marked_store(data_dir, ENGINE, DATA_NAME)
    path = data_dir / DATA_NAME
    check_head(path)
    try:
        with _open(data_dir, path) as env, env.begin():
            freed = env.reader_check()
            doubts = _look(path, walk=walk)
            trees = open_trees(env, path)
            identity = read_identity(env, path, store_id)
            with env.begin() as txn:
                reader = LmdbReadTransaction(txn, trees, (Prefixes(),), data_dir)
                yield Snapshot(identity.store_id, identity.epoch, doubts, freed, env, txn, trees, reader)
    except lmdb.Error as error:
        raise typed(error, data_dir) from error


def copy_data(data_dir: Path, target_dir: Path) -> None:
    """Copy one commit of a store into a folder, which is made if need be and must not hold a store: its data, without
    unused pages, and the marker last; all of it durable. Raises like `open_snapshot`; ResourceExhausted without
    room."""
    make_folder(target_dir)
    target = target_dir / DATA_NAME
    with open_snapshot(data_dir) as snapshot:
        try:
            snapshot.env.copy(str(target_dir), compact=True)
        except lmdb.Error as error:
            raise typed(error, target_dir) from error
    try:
        with target.open("rb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_use(target, error) from error
    write_marker(target_dir, Marker(snapshot.store_id, ENGINE))


def renew_epoch(data_dir: Path) -> str:
    """Give a store that no other process has open a new epoch, durably, and return it: what clients remember of the
    store's history means nothing any more. Errors are those of opening."""
    marked_store(data_dir, ENGINE, DATA_NAME)
    environment = LmdbEnvironment(data_dir)
    try:
        identity = replace(environment.identity, epoch=secrets.token_hex(8))
        for _ in range(2):  # both meta pages: that of a copy does not say which transaction it came from
            with environment.begin_write() as txn:
                put_identity(txn, identity, decode_state(txn.get(STATE_KEY, b"")))
    except lmdb.Error as error:
        raise typed(error, data_dir) from error
    finally:
        environment.close()
    return identity.epoch


def _open(data_dir: Path, path: Path) -> lmdb.Environment:
    map_size = INITIAL_MAP_BYTES
    while map_size < ROOM * path.stat().st_size:
        map_size *= 2
    return lmdb.open(str(data_dir), map_size=map_size, readonly=True, create=False, **ENVIRONMENT_OPTIONS)


def _look(path: Path, *, walk: bool) -> tuple[str, ...]:
    """The doubts about a file whose pages are sound; DataLoss when they are not."""
    doubts: list[str] = []
    broken: list[str] = []
    for _ in range(LOOKS):
        before = _head(path)
        doubts, broken = inspect(path) if walk else _glance(path)
        if not broken or _head(path) == before:
            break
    if broken:
        raise _all_of(path, broken)
    return tuple(doubts)


def _glance(path: Path) -> tuple[list[str], list[str]]:
    """The answer of `inspect` after what is checked at every start."""
    try:
        check_file(path)
        doubt = suspicion(path)
    except DataLoss as error:
        return [], [error.message]
    return [doubt] if doubt else [], []


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise cannot_use(path, error) from error


def _all_of(path: Path, broken: list[str]) -> DataLoss:
    """One error for all problems of the pages."""
    texts = [text.removeprefix(f"{path}: ").removeprefix(f"{path} is damaged: ") for text in broken]
    first = damaged_file(path, texts[0] + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""))
    return DataLoss(
        first.message, hint=first.hint, reason=first.reason, violations=[Violation("", text) for text in texts]
    )
