"""One group of jobs in one SQLite transaction: what `writer` asks of an engine."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from stigmer.errors import StigmerError
from stigmer.store.base import LOG_RETENTION, Transaction
from stigmer.store.sqlite_codec import State, decode_state, encode_state
from stigmer.store.sqlite_errors import typed
from stigmer.store.sqlite_log import compact
from stigmer.store.sqlite_write import SqliteTransaction
from stigmer.store.writer import GroupSplitError, Outcome

if TYPE_CHECKING:
    from stigmer.store.sqlite_env import SqliteEnvironment

logger = logging.getLogger(__name__)


class SqliteGroup:
    """`writer.Group`. The first job that writes does so in the group's transaction itself; the others get a savepoint
    each, which is what it costs to undo one alone."""

    def __init__(self, environment: SqliteEnvironment, now: int, retention: int = LOG_RETENTION) -> None:
        self._environment = environment
        self._now = now
        self._retention = retention
        self._size = 0
        self._committing = False
        self._state = State()
        self._begin()

    @property
    def size(self) -> int:
        return self._size

    def run(self, fn: Callable[[Transaction], Any]) -> Outcome:
        nested = self._size > 0
        if nested:
            self._execute("SAVEPOINT job")
        job = SqliteTransaction(self._connection, self._environment.data_dir, self._state, self._now)
        try:
            outcome = Outcome(fn(job))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the waiting caller
            outcome = Outcome(error=error)
        if isinstance(job.fault, sqlite3.Error):
            self._raise_fault(job.fault)
        if outcome.error is None:
            self._state = job.state
            self._size += job.size
        elif nested:
            self._execute("ROLLBACK TO job")
        else:
            self._begin()
        if nested:
            self._execute("RELEASE job")
        return outcome

    def commit(self) -> int | None:
        if self._size == 0:
            self.abort()
            return None
        self._committing = True
        self._state.transactions += 1
        try:
            compact(self._connection, self._state, self._retention)
            self._connection.execute("UPDATE state SET value = ? WHERE name = 'state'", (encode_state(self._state),))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._raise_fault(error)
        self._environment.confirm(self._state, self._size)
        return self._state.revision

    def abort(self) -> None:
        """SQLite ends a transaction itself after some faults."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._environment.writer

    def _begin(self) -> None:
        self.abort()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            row = self._connection.execute("SELECT value FROM state WHERE name = 'state'").fetchone()
            self._state = decode_state(row and row[0])
        except sqlite3.Error as error:
            self.abort()
            raise typed(error, self._environment.data_dir) from error
        except BaseException:
            self.abort()
            raise

    def _execute(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.Error as error:
            self._raise_fault(error)

    def _raise_fault(self, error: sqlite3.Error) -> NoReturn:
        """Turn an engine fault into what the writer should do about it."""
        shared = self._size > 0
        self.abort()
        if shared and not self._committing:
            raise GroupSplitError from error
        failure = typed(error, self._environment.data_dir)
        try:
            self._environment.recover()
        except (StigmerError, sqlite3.Error):
            logger.exception("the store cannot be written to until it can be opened again")
        raise failure from error
