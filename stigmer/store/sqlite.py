"""The engine that keeps everything in one SQLite file: one writer thread with group commit, snapshot reads from any
thread, a write-ahead log that is synced with every group.

`sqlite_env` opens the file and tends its log, `sqlite_group` runs jobs, `sqlite_read` and `sqlite_write` are the
transactions, `sqlite_schema` and `sqlite_codec` the layout. One process at a time has a store open.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, final

from stigmer.store.base import LOG_RETENTION, Origin, ReadTransaction, Transaction
from stigmer.store.limits import closes_itself, waits_for_itself
from stigmer.store.sqlite_env import SqliteEnvironment
from stigmer.store.sqlite_errors import typed
from stigmer.store.sqlite_group import SqliteGroup
from stigmer.store.sqlite_read import SqliteReadTransaction
from stigmer.store.sqlite_verify import verify_snapshot
from stigmer.store.writer import GroupWriter

T = TypeVar("T")


@final
class SqliteStore:
    """`base.Store` in the files `store.json`, `data.sqlite` and `data.mark` of a folder, and those that SQLite keeps
    beside the data. Options as in `LmdbStore`. Errors of opening: see `engines.open_store`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        origin: Origin | None = None,
        log_retention: int = LOG_RETENTION,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._environment = SqliteEnvironment(data_dir, origin)
        self._retention = log_retention
        self._clock = clock
        self._writer = GroupWriter(self._begin_group, name="store-writer")
        self._writer.on_commit(self._after_group)

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
        with self._environment.reading() as (connection, state):
            return fn(SqliteReadTransaction(connection, self._environment.data_dir, state))

    def on_commit(self, listener: Callable[[int], None]) -> Callable[[], None]:
        return self._writer.on_commit(listener)

    def verify(self) -> list[str]:
        return self._writer.exclusive(self._verify)

    def close(self) -> None:
        if self._writer.is_current or self._environment.gate.is_inside:
            raise closes_itself()
        self._writer.close()
        self._environment.close()

    def _begin_group(self) -> SqliteGroup:
        return SqliteGroup(self._environment, self._clock(), self._retention)

    def _after_group(self, revision: int) -> None:  # noqa: ARG002 - a commit listener's signature
        self._environment.tidy()

    def _verify(self) -> list[str]:
        """On the writer thread, so that the log is not held back while the file is read."""
        try:
            with self._environment.unshared() as connection:
                return verify_snapshot(connection)
        except sqlite3.Error as error:
            return [typed(error, self._environment.data_dir).message]
