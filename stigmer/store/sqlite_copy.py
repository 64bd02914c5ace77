"""A SQLite store seen by another process than the one that writes it: checked, read and copied while that goes on."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer.errors import DataLoss, Violation
from stigmer.store.founding import STORE_KEY, marked_store, seal_identity
from stigmer.store.integrity import damaged_file
from stigmer.store.marker import Marker, cannot_use, make_folder, write_marker
from stigmer.store.sqlite_env import SqliteEnvironment
from stigmer.store.sqlite_errors import typed
from stigmer.store.sqlite_file import check_confirmed, check_header, check_small, read_found, walk
from stigmer.store.sqlite_mark import read_mark
from stigmer.store.sqlite_read import SqliteReadTransaction
from stigmer.store.sqlite_schema import DATA_NAME, ENGINE, FILE_MODE, MARK_NAME, connect
from stigmer.store.sqlite_verify import verify_snapshot


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`copies.Snapshot`, and the connection that it is read with. SQLite leaves nothing to doubt and no readers."""

    store_id: str
    epoch: str
    connection: sqlite3.Connection
    reader: SqliteReadTransaction
    doubts: tuple[str, ...] = ()
    freed_readers: int = 0

    def verify(self) -> list[str]:
        return verify_snapshot(self.connection)


@contextmanager
def open_snapshot(data_dir: Path, *, walk: bool = True) -> Iterator[Snapshot]:
    """The newest commit, as long as the block lasts; nobody is held up. With `walk`, every page has been looked at;
    without, only what the start of a daemon looks at.

    FailedPrecondition when the folder holds no SQLite store, DataLoss when it is damaged (one violation for each
    problem) or its files do not belong together, Unavailable when it cannot be read."""
    store_id = marked_store(data_dir, ENGINE, DATA_NAME)
    path = data_dir / DATA_NAME
    confirmed = read_mark(data_dir / MARK_NAME, store_id)
    check_header(path)
    try:
        with closing(connect(path, read_only=True)) as connection:
            connection.execute("BEGIN")
            found = read_found(connection, path, store_id)
            check_confirmed(path, found.state, confirmed)
            if walk:
                _walk(connection, path)
            else:
                check_small(connection, path)
            reader = SqliteReadTransaction(connection, data_dir, found.state)
            yield Snapshot(found.identity.store_id, found.identity.epoch, connection, reader)
    except sqlite3.Error as error:
        raise typed(error, data_dir) from error


def copy_data(data_dir: Path, target_dir: Path) -> None:
    """Copy one commit of a store into a folder, which is made if need be and must not hold a store: its data, and the
    marker last; all of it durable. Raises like `open_snapshot`; ResourceExhausted without room."""
    make_folder(target_dir)
    with open_snapshot(data_dir) as snapshot:
        _copy_pages(snapshot.connection, target_dir)
    write_marker(target_dir, Marker(snapshot.store_id, ENGINE))


def renew_epoch(data_dir: Path) -> str:
    """Give a store that no other process has open a new epoch, durably, and return it: what clients remember of the
    store's history means nothing any more. Errors are those of opening."""
    marked_store(data_dir, ENGINE, DATA_NAME)
    environment = SqliteEnvironment(data_dir)
    try:
        identity = replace(environment.identity, epoch=secrets.token_hex(8))
        environment.writer.execute(
            "UPDATE state SET value = ? WHERE name = ?", (seal_identity(identity), STORE_KEY.decode())
        )
    except sqlite3.Error as error:
        raise typed(error, data_dir) from error
    finally:
        environment.close()
    return identity.epoch


def _copy_pages(source: sqlite3.Connection, target_dir: Path) -> None:
    """The pages as the snapshot has them."""
    target = target_dir / DATA_NAME
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
        with closing(connect(target)) as copy:
            source.backup(copy)
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except sqlite3.Error as error:
        raise typed(error, target_dir) from error
    except OSError as error:
        raise cannot_use(target, error) from error


def _walk(connection: sqlite3.Connection, path: Path) -> None:
    problems = walk(connection)
    if problems:
        first = damaged_file(path, problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""))
        raise DataLoss(
            first.message, hint=first.hint, reason=first.reason, violations=[Violation("", each) for each in problems]
        )
