"""A resource store on SQLite as one would write it by hand, at the durability of ours: WAL, synchronous=FULL.

The same rows and secondary indexes: the slug is unique, each label, owner and reference is an index row, each changed
resource an event row under one log row a commit. The payload is JSON text or a BLOB. Nothing that ours does beyond
that is asked of it: no checksums, and an insert does not look for index rows of a predecessor.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stigmer.store.base import Event, Record

Payload = str | bytes
Row = tuple[Record, Payload]

_SCHEMA = """
create table record(org text, kind text, id text, slug text, head blob, body {type}, primary key(org, kind, id));
create unique index slug on record(org, kind, slug);
create table entry(org text, kind text, name text, value text, id text, primary key(org, kind, name, value, id))
  without rowid;
create table log(revision integer primary key, at integer, note blob);
create table event(revision integer, n integer, org text, kind text, id text, slug text, type text, payload blob,
  primary key(revision, n)) without rowid;
"""

_INSERT = "insert into record values(?,?,?,?,?,?)"
_ENTRY = "insert into entry values(?,?,?,?,?)"
_EVENT = "insert into event values(?,?,?,?,?,?,?,?)"


class SqliteStore:
    """One connection, used by one thread at a time."""

    def __init__(self, path: Path, *, text: bool) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        mode = self._connection.execute("pragma journal_mode=wal").fetchone()[0]
        assert mode == "wal"
        self._connection.execute("pragma synchronous=full")
        self._connection.executescript(_SCHEMA.format(type="text" if text else "blob"))
        self._revision = 0

    def save(self, rows: Sequence[Row], events: Sequence[Event]) -> None:
        """All rows, their index entries and one commit, in one transaction."""
        execute, many = self._connection.execute, self._connection.executemany
        execute("begin immediate")
        many(_INSERT, [(r.org, r.kind, r.id, r.slug, r.head, payload) for r, payload in rows])
        many(_ENTRY, [(r.org, r.kind, name, value, r.id) for r, _ in rows for name, value in r.indexes])
        self._append(events)
        execute("commit")

    def save_each(self, writes: Iterable[tuple[Row, Event]]) -> None:
        """Several writes of one record each, with a commit of the log each, in one transaction: group commit."""
        execute = self._connection.execute
        execute("begin immediate")
        for (record, payload), event in writes:
            execute(_INSERT, (record.org, record.kind, record.id, record.slug, record.head, payload))
            for name, value in record.indexes:
                execute(_ENTRY, (record.org, record.kind, name, value, record.id))
            self._append([event])
        execute("commit")

    def get(self, record: Record) -> Any:
        query = "select body from record where org=? and kind=? and id=?"
        return self._connection.execute(query, (record.org, record.kind, record.id)).fetchone()[0]

    def get_many(self, org: str, kind: str, ids: Sequence[str]) -> list[Any]:
        """The payloads of many ids of one kind in one statement, in no particular order."""
        marks = ",".join("?" * len(ids))
        query = f"select body from record where org=? and kind=? and id in ({marks})"
        return [body for (body,) in self._connection.execute(query, (org, kind, *ids))]

    def scan(self) -> Iterable[tuple[str, Any]]:
        """Kind and payload of every record, in the order of the table, one after the other."""
        return self._connection.execute("select kind, body from record")

    def of_org(self, org: str) -> Iterable[tuple[str, Any]]:
        """Kind and payload of one org's records, kind by kind, newest first."""
        return self._connection.execute("select kind, body from record where org=? order by kind, id desc", (org,))

    def count(self) -> int:
        return int(self._connection.execute("select count(*) from record").fetchone()[0])

    def close(self) -> None:
        self._connection.close()

    def _append(self, events: Sequence[Event]) -> None:
        self._revision += 1
        self._connection.execute("insert into log values(?,?,?)", (self._revision, time.time_ns(), b"note"))
        rows = [(self._revision, n, e.org, e.kind, e.id, e.slug, e.type, e.payload) for n, e in enumerate(events)]
        self._connection.executemany(_EVENT, rows)
