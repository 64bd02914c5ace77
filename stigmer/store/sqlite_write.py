"""Writing in one SQLite transaction: key-value pairs, commits, and batches of records, which `sqlite_save` writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from stigmer.store.base import Commit, Event, Record, RecordId
from stigmer.store.limits import check_following, check_record, second_append
from stigmer.store.sqlite_codec import State, pair_sum
from stigmer.store.sqlite_errors import guarded
from stigmer.store.sqlite_log import append_commit
from stigmer.store.sqlite_read import SqliteReadTransaction
from stigmer.store.sqlite_save import RecordWriter

PAIR_BYTES = 40
"""About what a pair weighs besides key and value."""


class SqliteTransaction(SqliteReadTransaction):
    """`base.Transaction` on the connection that writes. It begins from the group's counters; the job's own are in
    `state`, and are lost with it when it fails. `size` is about what it wrote."""

    def __init__(self, connection: sqlite3.Connection, path: Path, state: State, now: int) -> None:
        super().__init__(connection, path, state.copy())
        self.size = 0
        self._now = now
        self._before = state.revision

    @property
    def state(self) -> State:
        return self._state

    @property
    def revision(self) -> int:
        return self._before

    @property
    def next_revision(self) -> int:
        return self._before + 1

    @guarded
    def save_many(self, records: Sequence[Record]) -> None:
        if not records:
            return
        for record in records:
            check_record(record)
        batch = {record.key: record for record in records}
        ordered = sorted(batch, key=lambda key: (key.org, key.kind, key.id))
        self.size += self._records.save({key: batch[key] for key in ordered})

    @guarded
    def delete_many(self, keys: Sequence[RecordId]) -> None:
        self.size += self._records.delete(dict.fromkeys(keys))

    @guarded
    def append(self, events: Sequence[Event], note: bytes = b"") -> int:
        if self._state.revision > self._before:
            raise second_append()
        self._append(Commit(self.next_revision, max(self._state.at, self._now), note, tuple(events)))
        return self._state.revision

    @guarded
    def replay(self, commits: Sequence[Commit]) -> None:
        check_following(commits, self._state.revision)
        for commit in commits:
            self._append(commit)

    @guarded
    def kv_put(self, space: str, key: bytes, value: bytes) -> None:
        row = (space, key, value, pair_sum(space.encode(), key, value))
        self._connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?)", row)
        self.size += PAIR_BYTES + len(key) + len(value)

    @guarded
    def kv_delete(self, space: str, key: bytes) -> None:
        gone = self._connection.execute("DELETE FROM pairs WHERE space = ? AND key = ?", (space, key))
        self.size += gone.rowcount * PAIR_BYTES

    @property
    def _records(self) -> RecordWriter:
        return RecordWriter(self._connection, self._state, self._stored, self._slug_entries)

    def _append(self, commit: Commit) -> None:
        self.size += append_commit(self._connection, commit)
        self._state.revision, self._state.at = commit.revision, commit.at
