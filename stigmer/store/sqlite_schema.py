"""The tables of the SQLite engine, and the connections to them.

    table           key                              value
    records         place (ascending with insertion) record; unique by org, kind, id
    slugs           org, kind, slug                  id, place, head
    index_entries   org, kind, name, value, id       place
    log             revision, chunk (as one integer) chunk of a commit, see log_chunks
    pairs           space, key                       value
    state           "store" or "state"               identity, counters

Texts are compared byte by byte (BINARY), which is the order of the other engines. Records lie in order of insertion;
the other tables hold small rows. A head is in `slugs` too, so that listing heads reads no body.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from stigmer.errors import Unavailable
from stigmer.store.integrity import damaged_file

ENGINE = "sqlite"

DATA_NAME = "data.sqlite"
MARK_NAME = "data.mark"
COMPANIONS = tuple(f"{DATA_NAME}{suffix}" for suffix in ("-wal", "-shm", "-journal"))
"""Files that SQLite keeps beside the data while it works, and leaves there when its process dies."""

APPLICATION_ID = 0x53544731
"""`STG1`: what `file` and SQLite's tools show of the file's origin."""

PAGE_BYTES = 4096

BUSY_SECONDS = 5.0
"""How long a lock of another process, such as a database shell, is waited for."""

WRITER_CACHE_KIB = 32 << 10
READER_CACHE_KIB = 2 << 10
"""Page cache of a connection. What a transaction changes beyond it is written to the log before its end."""

JOURNAL_LIMIT_BYTES = 64 << 20
"""What a write-ahead log that has grown beyond it is cut back to."""

FILE_MODE = 0o600

TABLES = (
    """CREATE TABLE records (
  place INTEGER PRIMARY KEY, org TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL,
  pairs BLOB NOT NULL, head BLOB NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX records_by_id ON records (org, kind, id)",
    """CREATE TABLE slugs (
  org TEXT NOT NULL, kind TEXT NOT NULL, slug TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL,
  head BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (org, kind, slug)) WITHOUT ROWID""",
    """CREATE TABLE index_entries (
  org TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
  place INTEGER NOT NULL, PRIMARY KEY (org, kind, name, value, id)) WITHOUT ROWID""",
    "CREATE TABLE log (place INTEGER PRIMARY KEY, chunk BLOB NOT NULL)",
    """CREATE TABLE pairs (
  space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (space, key)) WITHOUT ROWID""",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)
"""As SQLite keeps them, which is compared at every start."""

SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA wal_autocheckpoint = 0",
    f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}",
)
"""Of every connection. A map would die of SIGBUS where a read fails; checkpoints are made between groups, so that
nobody waits for one (`sqlite_env`). The two about fullfsync matter on macOS only, where a sync is none without them."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to an existing file, for any one thread at a time. Columns of text come back as bytes, because what
    is damaged need not be UTF-8. sqlite3.Error when it cannot be opened."""
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.text_factory = bytes
        for setting in SETTINGS:
            connection.execute(setting)
        connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB if read_only else WRITER_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def create(path: Path) -> sqlite3.Connection:
    """Make the file with its empty tables, private to its user; a connection inside the transaction that does it.
    OSError, sqlite3.Error."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    connection = connect(path)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("PRAGMA encoding = 'UTF-8'")
        _use_write_ahead_log(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in TABLES:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """DataLoss unless the file has exactly the tables and indexes that `create` makes."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if application != APPLICATION_ID or {row[0] for row in found} != {each.encode() for each in TABLES}:
        raise damaged_file(path, "its tables are not those of a store")
    if mode != b"wal":
        raise damaged_file(path, "it does not use a write-ahead log")


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != b"wal":
        raise Unavailable(
            f"{path} cannot have a write-ahead log: its file system has no shared memory",
            hint="choose a data directory on a local disk",
            reason="STORE_UNREACHABLE",
        )
