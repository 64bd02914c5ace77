"""The life of one SQLite file: made, checked, opened, cut back to size, closed; and the connections to it.

There is one connection that writes, for the writer thread, and a pool of read-only ones. They are never all closed
while the store is open: the state that they share then holds what was committed, whereas a new start would also take
from the log what a failed sync left there.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from stigmer.store.base import Origin
from stigmer.store.founding import STORE_KEY, Identity, check_new, check_present, found_store, seal_identity
from stigmer.store.gate import Gate
from stigmer.store.heap import trim_heap
from stigmer.store.limits import store_closed
from stigmer.store.marker import Marker, cannot_use, make_folder, read_marker
from stigmer.store.sqlite_codec import STATE_KEY, State, decode_state, encode_state
from stigmer.store.sqlite_errors import typed
from stigmer.store.sqlite_file import Found, check_confirmed, check_header, check_small, read_found
from stigmer.store.sqlite_mark import Mark
from stigmer.store.sqlite_schema import (
    BUSY_SECONDS,
    COMPANIONS,
    DATA_NAME,
    ENGINE,
    JOURNAL_LIMIT_BYTES,
    MARK_NAME,
    connect,
    create,
)

READERS = 64
"""The most threads that read at once; further threads wait. Each needs a connection, which holds two files open."""

IDLE_READERS = 16
"""Connections kept for the next reads."""

CHECKPOINT_BYTES = 4 << 20
CHECKPOINT_GROUPS = 256
"""After so much has been written, the log's pages go to their places in the file."""

CUT_PATIENCE_MS = 250
"""How long writing may be held up by readers, such as a backup, that keep the log from being emptied."""

SHRINK_BYTES = 16 << 20
"""A group that wrote this much leaves the writer's cache full; it is given back."""

logger = logging.getLogger(__name__)


class SqliteEnvironment:
    """An open store."""

    def __init__(self, data_dir: Path, origin: Origin | None = None) -> None:
        self.data_dir = data_dir
        self.gate = Gate(READERS)
        self._idle: deque[sqlite3.Connection] = deque()
        self._writer: sqlite3.Connection | None = None
        self._bytes = self._groups = 0
        make_folder(data_dir)
        marker = read_marker(data_dir, ENGINE)
        self._mark = Mark(data_dir / MARK_NAME)
        with self._faults():
            if marker is None or marker.creating:
                marker = self._create(marker, origin)
            else:
                check_new(data_dir, marker, origin)
            self.identity = self._open(marker.store_id).identity

    @property
    def data_file(self) -> Path:
        return self.data_dir / DATA_NAME

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection of the writer thread."""
        if self._writer is None:
            raise store_closed()
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, State]]:
        """A connection inside a snapshot, and the counters in it."""
        self.gate.enter()
        try:
            connection, state = self._begin_read()
            try:
                yield connection, state
            finally:
                self._end_read(connection)
        finally:
            self.gate.leave()

    @contextmanager
    def unshared(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a snapshot, with nothing in its cache yet. sqlite3.Error."""
        with closing(connect(self.data_file, read_only=True)) as connection:
            connection.execute("BEGIN")
            yield connection

    def confirm(self, state: State, size: int) -> None:
        """A group is durable. Must be called on the writer thread, as must what follows."""
        self._mark.confirm(self.identity.store_id, state.transactions)
        self._bytes += size
        self._groups += 1

    def tidy(self) -> None:
        """Between groups: move the log into the file now and then, and give memory back. Nothing is lost when it fails,
        as on a full disk: the log goes on growing until a later call succeeds."""
        if self._bytes < CHECKPOINT_BYTES and self._groups < CHECKPOINT_GROUPS:
            return
        large = self._bytes >= SHRINK_BYTES
        self._bytes = self._groups = 0
        try:
            self.writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if self._log_bytes() > JOURNAL_LIMIT_BYTES:
                _cut_log(self.writer)
            if large:
                self.writer.execute("PRAGMA shrink_memory")
                trim_heap()
        except sqlite3.Error as error:
            logger.warning("the log of %s stays for now: %s", self.data_file, error)

    def recover(self) -> None:
        """After a fault: leave no transaction open, nor anything in the log that was refused."""
        if self._writer is not None and self._writer.in_transaction:
            broken, self._writer = self._writer, connect(self.data_file)
            broken.close()
            logger.warning("%s was opened again after a fault", self.data_file)
        with suppress(sqlite3.Error):
            _cut_log(self.writer)

    def close(self) -> None:
        with self.gate.exclusive():
            self._shut()

    def _create(self, unfinished: Marker | None, origin: Origin | None) -> Marker:
        if unfinished is not None:
            self._mark.forget()

        def write_first(identity: Identity) -> None:
            start = origin.oldest if origin else 0
            connection = create(self.data_file)
            try:
                rows = {
                    STORE_KEY: seal_identity(identity),
                    STATE_KEY: encode_state(State(revision=start, oldest=start)),
                }
                connection.executemany("INSERT INTO state VALUES (?, ?)", [(k.decode(), v) for k, v in rows.items()])
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()

        return found_store(self.data_dir, ENGINE, (DATA_NAME, *COMPANIONS), unfinished, origin, write_first)

    def _open(self, store_id: str) -> Found:
        """Look at everything with a connection that cannot write, which leaves what is refused alone; then make sure
        that another one can."""
        check_present(self.data_file, store_id)
        check_header(self.data_file)
        reader = connect(self.data_file, read_only=True)
        self._idle.append(reader)
        found = read_found(reader, self.data_file, store_id)
        check_small(reader, self.data_file)
        check_confirmed(self.data_file, found.state, self._mark.confirmed(store_id))
        self._writer = connect(self.data_file)
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.execute("UPDATE state SET value = value WHERE name = 'state'")
        self._writer.execute("ROLLBACK")
        return found

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Whatever goes wrong while opening leaves nothing open, and is typed."""
        try:
            yield
        except sqlite3.Error as error:
            self._shut()
            raise typed(error, self.data_dir) from error
        except OSError as error:
            self._shut()
            raise cannot_use(self.data_file, error) from error
        except BaseException:
            self._shut()
            raise

    def _begin_read(self) -> tuple[sqlite3.Connection, State]:
        if self._writer is None:
            raise store_closed()
        connection = None
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = connect(self.data_file, read_only=True)
            connection.execute("BEGIN")
            row = connection.execute("SELECT value FROM state WHERE name = 'state'").fetchone()
            return connection, decode_state(row and row[0])
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise typed(error, self.data_dir) from error
            raise

    def _end_read(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        if len(self._idle) < IDLE_READERS:
            self._idle.append(connection)
        else:
            connection.close()

    def _log_bytes(self) -> int:
        try:
            return self.data_file.with_name(f"{DATA_NAME}-wal").stat().st_size
        except OSError:
            return 0

    def _shut(self) -> None:
        """The connection that writes is the last to go, and empties the log."""
        while self._idle:
            self._idle.pop().close()
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                _cut_log(writer)
            except sqlite3.Error as error:
                logger.warning("the log of %s is left to the next start: %s", self.data_file, error)
            writer.close()
        self._mark.close()


def _cut_log(writer: sqlite3.Connection) -> None:
    """Move the whole log into the file and empty it, unless somebody reads for longer than the writer may wait."""
    writer.execute(f"PRAGMA busy_timeout = {CUT_PATIENCE_MS}")
    try:
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        writer.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1_000)}")
