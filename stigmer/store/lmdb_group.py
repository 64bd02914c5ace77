"""One group of jobs in one LMDB transaction: what `writer` asks of an engine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import lmdb

from stigmer.errors import StigmerError
from stigmer.store.base import LOG_RETENTION, Transaction
from stigmer.store.lmdb_codec import STATE_KEY, State, decode_state, encode_state
from stigmer.store.lmdb_errors import typed
from stigmer.store.lmdb_log import compact
from stigmer.store.lmdb_names import Prefixes
from stigmer.store.lmdb_trees import Txn
from stigmer.store.lmdb_write import LmdbTransaction
from stigmer.store.writer import GroupRetryError, GroupSplitError, Outcome

if TYPE_CHECKING:
    from stigmer.store.lmdb_env import LmdbEnvironment

LARGE_BYTES = 32 << 20
"""A job that wrote more leaves as much behind in page buffers, which LMDB keeps for reuse until it is closed."""

logger = logging.getLogger(__name__)


class LmdbGroup:
    """`writer.Group`. The first job that writes does so in the group's transaction itself; the others get a child
    transaction each, which is what it costs to undo one alone."""

    def __init__(
        self,
        environment: LmdbEnvironment,
        prefixes: Prefixes,
        now: int,
        retention: int = LOG_RETENTION,
        on_large: Callable[[], None] = lambda: None,
    ) -> None:
        self._environment = environment
        self._on_large = on_large
        self._prefixes = prefixes
        self._fresh = Prefixes()
        self._now = now
        self._retention = retention
        self._size = 0
        self._committing = False
        self._txn: Txn | None = None
        self._state = State()
        self._begin()

    @property
    def size(self) -> int:
        return self._size

    def run(self, fn: Callable[[Transaction], Any]) -> Outcome:
        child = self._child() if self._size else None
        environment, prefixes = self._environment, (self._prefixes, self._fresh)
        job = LmdbTransaction(
            child or self._parent, environment.trees, prefixes, environment.data_dir, self._state, self._now
        )
        try:
            outcome = Outcome(fn(job))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the waiting caller
            outcome = Outcome(error=error)
        if job.size > LARGE_BYTES:
            self._on_large()
        if isinstance(job.fault, lmdb.Error):
            self._raise_fault(job.fault)
        if outcome.error is None:
            self._keep(job, child)
        elif child is not None:
            child.abort()
        else:
            self._begin()
        return outcome

    def commit(self) -> int | None:
        if self._size == 0:
            self.abort()
            return None
        txn, self._committing = self._parent, True
        try:
            compact(txn, self._environment.trees.log, self._state, self._retention)
            txn.put(STATE_KEY, encode_state(self._state, txn.id()))
            txn.commit()
        except lmdb.Error as error:
            self._raise_fault(error)
        self._txn = None
        self._prefixes.merge(self._fresh)
        return self._state.revision

    def abort(self) -> None:
        txn, self._txn = self._txn, None
        if txn is not None:
            txn.abort()

    @property
    def _parent(self) -> Txn:
        assert self._txn is not None
        return self._txn

    def _child(self) -> Txn:
        try:
            return self._environment.env.begin(write=True, parent=self._parent)
        except lmdb.Error as error:
            self._raise_fault(error)

    def _begin(self) -> None:
        self.abort()
        try:
            self._txn = self._environment.begin_write()
            self._state = decode_state(self._txn.get(STATE_KEY, b""))
        except lmdb.Error as error:
            self.abort()
            raise typed(error, self._environment.data_dir) from error
        except BaseException:
            self.abort()
            raise

    def _keep(self, job: LmdbTransaction, child: Txn | None) -> None:
        """Make a finished job part of the group."""
        if child is not None:
            try:
                child.commit()
            except lmdb.Error as error:
                self._raise_fault(error)
        self._state = job.state
        self._fresh.merge(job.fresh)
        self._size += job.size

    def _raise_fault(self, error: lmdb.Error) -> NoReturn:
        """Turn an engine fault into what the writer should do about it."""
        shared = self._size > 0
        self.abort()
        if isinstance(error, lmdb.MapFullError):
            self._environment.grow()
            raise GroupRetryError from error
        if shared and not self._committing:
            raise GroupSplitError from error
        failure = typed(error, self._environment.data_dir)
        try:
            self._environment.recover()
        except (StigmerError, lmdb.Error):
            logger.exception("the store stays closed until it can be opened again")
        raise failure from error
