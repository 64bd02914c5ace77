"""The life of one LMDB environment: made, checked, opened, grown, reopened after a fault, closed.

Only the default sync is used: without it a power loss loses acknowledged commits or corrupts the file, and a writable
map dies of SIGBUS on a full disk. Readers enter through the gate, because growing and reopening replace the map.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import lmdb

from stigmer.errors import ResourceExhausted, Unavailable
from stigmer.store.base import Origin
from stigmer.store.founding import (
    STORE_KEY,
    Identity,
    check_new,
    check_present,
    found_store,
    seal_identity,
    unseal_identity,
)
from stigmer.store.gate import READERS, Gate
from stigmer.store.heap import trim_heap
from stigmer.store.integrity import damaged_file
from stigmer.store.lmdb_codec import STATE_KEY, State, encode_state, stamp_of
from stigmer.store.lmdb_errors import typed
from stigmer.store.lmdb_file import COPIED, DATA_NAME, LOCK_NAME, check_file, suspicion
from stigmer.store.lmdb_trees import Trees, Txn
from stigmer.store.marker import Marker, cannot_use, make_folder, read_marker

ENGINE = "lmdb"

INITIAL_MAP_BYTES = 1 << 30
"""Address space, not disk space; doubled when the data outgrows it."""

MOST_MAP_BYTES = 1 << 42
"""Where doubling stops: 4 TiB."""

ENVIRONMENT_OPTIONS: dict[str, Any] = {
    "mode": 0o700,
    "max_readers": READERS,
    "max_dbs": 8,
    "lib_version": 0,  # LMDB 0.9: its file format is the proven one, and `lmdb_file` reads it
}

logger = logging.getLogger(__name__)


class NotOpenError(Unavailable):
    """LMDB refuses everything until the file has been opened anew, which only the writer thread may do."""


class LmdbEnvironment:
    """An open environment, or one that could not be reopened after a fault and tries again on use."""

    def __init__(self, data_dir: Path, map_size: int = INITIAL_MAP_BYTES, origin: Origin | None = None) -> None:
        self.data_dir = data_dir
        self.gate = Gate(READERS)
        self._map_size = map_size
        self._env: lmdb.Environment | None = None
        self._trees: Trees | None = None
        make_folder(data_dir)
        marker = read_marker(data_dir, ENGINE)
        if marker is None or marker.creating:
            marker = self._create(marker, origin)
        else:
            check_new(data_dir, marker, origin)
        self._store_id = marker.store_id
        self.identity = self._open()

    @property
    def data_file(self) -> Path:
        return self.data_dir / DATA_NAME

    @property
    def env(self) -> lmdb.Environment:
        if self._env is None:
            raise self._not_open()
        return self._env

    @property
    def trees(self) -> Trees:
        if self._trees is None:
            raise self._not_open()
        return self._trees

    def begin_read(self) -> Txn:
        """A snapshot; the caller is inside the gate. NotOpenError when the environment needs `recover` first, DataLoss
        when the file is not the one that was opened any more."""
        try:
            txn = self.env.begin()
        except lmdb.PanicError as error:
            raise self._not_open() from error
        except lmdb.Error as error:
            raise typed(error, self.data_dir) from error
        return self._recognised(txn, txn.id())

    def begin_write(self) -> Txn:
        """A top-level write transaction; must be called on the writer thread. DataLoss as for reading."""
        try:
            txn = self._reopened().begin(write=True)
        except lmdb.PanicError:
            self.reopen()
            txn = self.env.begin(write=True)
        return self._recognised(txn, txn.id() - 1)

    def grow(self) -> None:
        """Double the map. Must be called on the writer thread, with no transaction open there."""
        with self.gate.exclusive():
            if self._map_size >= MOST_MAP_BYTES:
                raise ResourceExhausted(f"the store in {self.data_dir} has reached its limit of {MOST_MAP_BYTES} bytes")
            self._map_size *= 2
            try:
                self.env.set_mapsize(self._map_size)
            except lmdb.Error as error:
                self._map_size //= 2
                self._shut()
                raise typed(error, self.data_dir) from error
        logger.info("the map of %s has grown to %d MiB", self.data_file, self._map_size >> 20)

    def recover(self) -> None:
        """Reopen after a fault if LMDB asks for it. Must be called on the writer thread."""
        try:
            self._reopened().begin().abort()
        except lmdb.PanicError:
            self.reopen()

    def reopen(self) -> None:
        """Close and open again: LMDB refuses everything after a failed write of a meta page."""
        with self.gate.exclusive():
            self._shut()
            self._open()
        logger.warning("%s was reopened after a fault", self.data_file)

    def release(self, patience: float) -> bool:
        """Give back the memory that a large transaction leaves behind. Must be called on the writer thread, with no
        transaction open there. False when readers were inside for longer than `patience` seconds."""
        with self.gate.exclusive_within(patience) as alone:
            if not alone or self._env is None:
                return False
            self._shut()
            trim_heap()
            self._open()
        logger.info("%s was opened anew to release the page buffers of a large transaction", self.data_file)
        return True

    def close(self) -> None:
        with self.gate.exclusive():
            self._shut()

    def check_readers(self) -> None:
        """Free the reader slots of threads that died, which would keep old pages from being used again."""
        self.env.reader_check()

    def _recognised(self, txn: Txn, committed: int) -> Txn:
        """The transaction, if it sees what the commit of that number has left. A file that was overwritten in place
        shows something else, such as an older state or nothing; LMDB would not notice."""
        if committed > COPIED and stamp_of(txn.get(STATE_KEY, b"")) != committed:
            txn.abort()
            raise damaged_file(self.data_file, f"it does not hold what commit {committed} left there")
        return txn

    def _not_open(self) -> NotOpenError:
        return NotOpenError(
            f"the store in {self.data_dir} is not open after a fault",
            hint="check that its disk is healthy and writable; the backend tries again by itself",
            reason="STORE_UNREACHABLE",
        )

    def _reopened(self) -> lmdb.Environment:
        if self._env is None:
            self.reopen()
        return self.env

    def _shut(self) -> None:
        env, self._env, self._trees = self._env, None, None
        if env is not None:
            env.close()

    def _open(self) -> Identity:
        """Check the files, map them, and read who they are."""
        check_present(self.data_file, self._store_id)
        check_file(self.data_file)
        with self._faults():
            size = self.data_file.stat().st_size
            while self._map_size < 2 * size:
                self._map_size *= 2
            self._env = lmdb.open(str(self.data_dir), map_size=self._map_size, create=False, **ENVIRONMENT_OPTIONS)
            self._trees = open_trees(self._env, self.data_file)
            identity = read_identity(self._env, self.data_file, self._store_id)
            self._env.reader_check()
        if doubt := suspicion(self.data_file):
            logger.warning("%s: %s", self.data_file, doubt)
        return identity

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Whatever goes wrong while opening leaves the environment closed, and is typed."""
        try:
            yield
        except lmdb.Error as error:
            self._shut()
            raise typed(error, self.data_dir) from error
        except OSError as error:
            self._shut()
            raise cannot_use(self.data_file, error) from error
        except BaseException:
            self._shut()
            raise

    def _create(self, unfinished: Marker | None, origin: Origin | None) -> Marker:
        def write_first(identity: Identity) -> None:
            start = origin.oldest if origin else 0
            env = lmdb.open(str(self.data_dir), map_size=self._map_size, **ENVIRONMENT_OPTIONS)
            with env, env.begin(write=True) as txn:
                for field in fields(Trees):
                    env.open_db(field.name.encode(), txn=txn)
                put_identity(txn, identity, State(revision=start, oldest=start))

        with self._faults():
            return found_store(self.data_dir, ENGINE, (DATA_NAME, LOCK_NAME), unfinished, origin, write_first)


def open_trees(env: lmdb.Environment, data_file: Path) -> Trees:
    """The handles of an open environment's trees. DataLoss for a tree of another kind than the engine makes."""
    handles = {field.name: env.open_db(field.name.encode(), create=False) for field in fields(Trees)}
    for name, handle in {"main": env.open_db(None), **handles}.items():
        if any(handle.flags().values()):
            raise damaged_file(data_file, f"the tree {name} has foreign flags")
    return Trees(**handles)


def read_identity(env: lmdb.Environment, data_file: Path, store_id: str) -> Identity:
    """Who the data say they are; DataLoss unless that is `store_id`, the name on the marker."""
    with env.begin() as txn:
        return unseal_identity(txn.get(STORE_KEY, b""), data_file, store_id)


def put_identity(txn: Txn, identity: Identity, state: State) -> None:
    """Write who the store is. The state record goes with every commit, because it carries the commit's number."""
    txn.put(STORE_KEY, seal_identity(identity))
    txn.put(STATE_KEY, encode_state(state, txn.id()))
