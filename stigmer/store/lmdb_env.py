"""The life of one LMDB environment: made, checked, opened, grown, reopened after a fault, closed.

Only the default sync is used: without it a power loss loses acknowledged commits or corrupts the file, and a writable
map dies of SIGBUS on a full disk. Readers enter through the gate, because growing and reopening replace the map.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import lmdb

from stigmer.errors import DataLoss, ResourceExhausted, Unavailable
from stigmer.store.base import FORMAT_VERSION
from stigmer.store.gate import READERS, Gate
from stigmer.store.integrity import Space, seal, unseal
from stigmer.store.lmdb_codec import STATE_KEY, State, encode_state
from stigmer.store.lmdb_errors import typed
from stigmer.store.lmdb_file import DATA_NAME, LOCK_NAME, check_file, damaged_file, suspicion
from stigmer.store.lmdb_trees import Trees, Txn
from stigmer.store.marker import Marker, cannot_use, check_format, make_folder, read_marker, sync_folder, write_marker

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

_STORE_KEY = b"store"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the store is, kept inside the data; `store_id` is in the marker too."""

    store_id: str
    epoch: str
    format: int = FORMAT_VERSION


class NotOpenError(Unavailable):
    """LMDB refuses everything until the file has been opened anew, which only the writer thread may do."""


class LmdbEnvironment:
    """An open environment, or one that could not be reopened after a fault and tries again on use."""

    def __init__(self, data_dir: Path, map_size: int = INITIAL_MAP_BYTES) -> None:
        self.data_dir = data_dir
        self.gate = Gate(READERS)
        self._map_size = map_size
        self._env: lmdb.Environment | None = None
        self._trees: Trees | None = None
        make_folder(data_dir)
        marker = read_marker(data_dir, ENGINE)
        if marker is None or marker.creating:
            marker = self._create(marker)
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
        """A snapshot; the caller is inside the gate. NotOpenError when the environment needs `recover` first."""
        try:
            return self.env.begin()
        except lmdb.PanicError as error:
            raise self._not_open() from error
        except lmdb.Error as error:
            raise typed(error, self.data_dir) from error

    def begin_write(self) -> Txn:
        """A top-level write transaction; must be called on the writer thread."""
        try:
            return self._reopened().begin(write=True)
        except lmdb.PanicError:
            self.reopen()
            return self.env.begin(write=True)

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

    def close(self) -> None:
        with self.gate.exclusive():
            self._shut()

    def check_readers(self) -> None:
        """Free the reader slots of threads that died, which would keep old pages from being used again."""
        self.env.reader_check()

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
        if not self.data_file.exists():
            raise DataLoss(
                f"{self.data_file} is missing, but {self.data_dir} is marked as the store {self._store_id}",
                hint="restore the data directory from a backup, or remove it to begin with an empty store",
                reason="DATA_FILE_MISSING",
            )
        check_file(self.data_file)
        with self._faults():
            size = self.data_file.stat().st_size
            while self._map_size < 2 * size:
                self._map_size *= 2
            self._env = lmdb.open(str(self.data_dir), map_size=self._map_size, create=False, **ENVIRONMENT_OPTIONS)
            self._trees = self._open_trees(self._env)
            identity = self._identify(self._env)
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

    def _open_trees(self, env: lmdb.Environment) -> Trees:
        handles = {field.name: env.open_db(field.name.encode(), create=False) for field in fields(Trees)}
        for name, handle in {"main": env.open_db(None), **handles}.items():
            if any(handle.flags().values()):
                raise damaged_file(self.data_file, f"the tree {name} has foreign flags")
        return Trees(**handles)

    def _identify(self, env: lmdb.Environment) -> Identity:
        with env.begin() as txn:
            sealed = txn.get(_STORE_KEY, b"")
        identity = Identity(**json.loads(unseal(Space.STATE, _STORE_KEY, sealed, lambda: "the store's identity")))
        check_format(identity.format, str(self.data_file))
        if identity.store_id != self._store_id:
            raise DataLoss(
                f"{self.data_file} is the store {identity.store_id}, but {self.data_dir} is marked as {self._store_id}",
                hint="put back the files that belong together, or restore the whole directory from a backup",
                reason="STORE_MISMATCH",
            )
        return identity

    def _create(self, unfinished: Marker | None) -> Marker:
        """Make a new store. Every step is durable before the next, and a crash between them starts over."""
        if unfinished is None and self.data_file.exists():
            raise DataLoss(
                f"{self.data_dir} holds {DATA_NAME} but no marker that says which store it is",
                hint="restore the data directory from a backup, or choose another one",
                reason="MARKER_MISSING",
            )
        marker = unfinished or Marker(secrets.token_hex(16), ENGINE, creating=True)
        with self._faults():
            for name in (DATA_NAME, LOCK_NAME):
                (self.data_dir / name).unlink(missing_ok=True)
            write_marker(self.data_dir, marker)
            self._write_first_commit(Identity(marker.store_id, secrets.token_hex(8)))
            sync_folder(self.data_dir)
        ready = Marker(marker.store_id, ENGINE)
        write_marker(self.data_dir, ready)
        return ready

    def _write_first_commit(self, identity: Identity) -> None:
        env = lmdb.open(str(self.data_dir), map_size=self._map_size, **ENVIRONMENT_OPTIONS)
        with env, env.begin(write=True) as txn:
            for field in fields(Trees):
                env.open_db(field.name.encode(), txn=txn)
            txn.put(_STORE_KEY, seal(Space.STATE, _STORE_KEY, json.dumps(asdict(identity)).encode()))
            txn.put(STATE_KEY, encode_state(State(), txn.id()))
