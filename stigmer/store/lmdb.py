"""The default engine: LMDB, one writer thread with group commit, snapshot reads from any thread.

`lmdb_env` opens and grows the environment, `lmdb_group` runs jobs, `lmdb_read` and `lmdb_write` are the transactions,
`lmdb_keys` and `lmdb_codec` the layout. One process at a time may have a store open; its owner holds the lock for that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar, final

from stigmer.errors import StigmerError
from stigmer.store.base import LOG_RETENTION, Origin, ReadTransaction, Transaction
from stigmer.store.limits import closes_itself, waits_for_itself
from stigmer.store.lmdb_env import INITIAL_MAP_BYTES, LmdbEnvironment, NotOpenError
from stigmer.store.lmdb_file import inspect
from stigmer.store.lmdb_group import LmdbGroup
from stigmer.store.lmdb_keys import index_digest
from stigmer.store.lmdb_names import Prefixes
from stigmer.store.lmdb_read import LmdbReadTransaction
from stigmer.store.lmdb_verify import verify_snapshot
from stigmer.store.writer import GroupWriter

T = TypeVar("T")

RELEASE_PATIENCE = 0.25
"""Seconds for which readers and the writer may be held up to give memory back."""

READER_CHECK_GROUPS = 4_096
"""How many groups pass between two looks for reader slots that dead threads left behind."""

logger = logging.getLogger(__name__)


@final
class LmdbStore:
    """`base.Store` in the files `store.json`, `data.mdb` and `lock.mdb` of a folder.

    `origin` makes a new store the beginning of a copy, `map_size` is the address space to begin with, `log_retention`
    the commits that the log keeps, `clock` gives Unix nanoseconds. Errors of opening: see `engines.open_store`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        origin: Origin | None = None,
        map_size: int = INITIAL_MAP_BYTES,
        log_retention: int = LOG_RETENTION,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._environment = LmdbEnvironment(data_dir, map_size, origin)
        self._prefixes = Prefixes()
        self._retention = log_retention
        self._clock = clock
        self._groups = 0
        self._owes_memory = False
        self._writer = GroupWriter(self._begin_group, name="store-writer")

    @property
    def store_id(self) -> str:
        return self._environment.identity.store_id

    @property
    def epoch(self) -> str:
        return self._environment.identity.epoch

    def submit(self, fn: Callable[[Transaction], T], *, org: str = "") -> Future[T]:  # noqa: ARG002 - one counter for all orgs
        return self._writer.submit(fn)

    def write(self, fn: Callable[[Transaction], T], *, org: str = "") -> T:  # noqa: ARG002 - likewise
        if self._writer.is_current or self._environment.gate.is_inside:
            raise waits_for_itself()
        return self._writer.submit(fn).result()

    def read(self, fn: Callable[[ReadTransaction], T]) -> T:
        try:
            return self._read(fn)
        except NotOpenError:
            if self._environment.gate.is_inside:
                raise
            self._writer.exclusive(self._environment.recover)
        return self._read(fn)

    def on_commit(self, listener: Callable[[int], None]) -> Callable[[], None]:
        return self._writer.on_commit(listener)

    def verify(self) -> list[str]:
        return self._writer.exclusive(self._verify)

    def close(self) -> None:
        if self._writer.is_current or self._environment.gate.is_inside:
            raise closes_itself()
        self._writer.close()
        self._environment.close()

    def _begin_group(self) -> LmdbGroup:
        if self._owes_memory:
            self._release(patience=0)
        on_large = partial(self._writer.between, self._release)
        group = LmdbGroup(self._environment, self._prefixes, self._clock(), self._retention, on_large)
        self._groups += 1
        if self._groups % READER_CHECK_GROUPS == 0:
            self._environment.check_readers()
        return group

    def _release(self, patience: float = RELEASE_PATIENCE) -> None:
        """Give back what a large job has left behind; when readers are in the way, before one of the next groups."""
        index_digest.cache_clear()  # its entries are among the freed objects of the job and keep their pages from going
        try:
            self._owes_memory = not self._environment.release(patience)
        except StigmerError:
            logger.exception("the store stays closed until it can be opened again")

    def _read(self, fn: Callable[[ReadTransaction], T]) -> T:
        environment = self._environment
        environment.gate.enter()
        try:
            txn = environment.begin_read()
            try:
                return fn(LmdbReadTransaction(txn, environment.trees, (self._prefixes,), environment.data_dir))
            finally:
                txn.abort()
        finally:
            environment.gate.leave()

    def _verify(self) -> list[str]:
        """On the writer thread, so that the file stands still while it is walked. What LMDB would die of is found by
        the walk, so the trees are only read when the pages are sound."""
        environment = self._environment
        environment.recover()
        doubts, broken = inspect(environment.data_file)
        if broken:
            return [*doubts, *broken]
        with environment.env.begin() as txn:
            return [*doubts, *verify_snapshot(txn, environment.trees)]
