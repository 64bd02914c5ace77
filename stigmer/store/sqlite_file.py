"""Looks at a data file before SQLite opens it, at what is in it once it is open, and at how both agree with the marks
beside it. Nothing here changes a file: what is refused is left as it was found."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

from stigmer.store.founding import STORE_KEY, Identity, unseal_identity
from stigmer.store.integrity import damaged_file
from stigmer.store.marker import cannot_use
from stigmer.store.sqlite_codec import STATE_KEY, State, decode_state
from stigmer.store.sqlite_schema import APPLICATION_ID, check_schema

OPEN_CHECK_BYTES = 32 << 20
"""Files up to this size are walked in full at every start (about 10 us a page); larger ones by `verify` only."""

MOST_PROBLEMS = 200
"""Sentences that SQLite's own check gives before it stops."""

_MAGIC = b"SQLite format 3\0"
_HEADER = Struct(">16sH10xI36xI28x")  # magic, page size, (...), pages, (...), application id
_ONE_FOR_LARGEST = 1
_LARGEST_PAGE = 65_536


@dataclass(frozen=True, slots=True)
class Found:
    """What an open file says of itself."""

    identity: Identity
    state: State


def check_header(path: Path) -> None:
    """Raise DataLoss unless `path` begins as a data file does and is as long as it says. As long as there is a
    write-ahead log, the length is that log's business."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            header = file.read(_HEADER.size)
        log = path.with_name(f"{path.name}-wal")
        complete = not log.exists() or not log.stat().st_size
    except OSError as error:
        raise cannot_use(path, error) from error
    if len(header) < _HEADER.size:
        raise damaged_file(path, f"it ends after {size} bytes" if size else "it is empty")
    magic, page_size, pages, application = _HEADER.unpack(header)
    if magic != _MAGIC or (complete and application != APPLICATION_ID):
        raise damaged_file(path, "it does not begin as a store does")
    page_size = _LARGEST_PAGE if page_size == _ONE_FOR_LARGEST else page_size
    if complete and size < pages * page_size:
        raise damaged_file(path, f"it ends after {size} bytes")


def read_found(connection: sqlite3.Connection, path: Path, store_id: str) -> Found:
    """Who the store is and where it stands. DataLoss when that is damaged, or is not the store `store_id`;
    FailedPrecondition for a newer format; sqlite3.Error."""
    check_schema(connection, path)
    rows: dict[Any, Any] = dict(connection.execute("SELECT name, value FROM state").fetchall())
    sealed = rows.get(STORE_KEY)
    identity = unseal_identity(sealed if isinstance(sealed, bytes) else b"", path, store_id)
    return Found(identity, decode_state(rows.get(STATE_KEY)))


def check_small(connection: sqlite3.Connection, path: Path) -> None:
    """Walk the pages of a file that is small enough; DataLoss for the first problem. sqlite3.Error."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    if pages * page_size <= OPEN_CHECK_BYTES:
        for problem in walk(connection):
            raise damaged_file(path, problem)


def check_confirmed(path: Path, state: State, confirmed: int) -> None:
    """DataLoss when the file ends before the last transaction that was confirmed."""
    if state.transactions < confirmed:
        raise damaged_file(
            path, f"it ends with transaction {state.transactions}, but {confirmed} was confirmed: its log was lost"
        )


def walk(connection: sqlite3.Connection) -> list[str]:
    """Every broken invariant of the pages that SQLite finds, in sentences; empty when sound. sqlite3.Error."""
    rows = connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})").fetchall()
    problems = [" ".join(line.decode(errors="replace").split()) for (line,) in rows]
    return [] if problems == ["ok"] else problems
