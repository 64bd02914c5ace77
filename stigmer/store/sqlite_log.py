"""The change log of the SQLite engine: the chunks of `log_chunks` under one integer, revision before chunk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby, islice
from struct import Struct

from stigmer.errors import InvalidArgument
from stigmer.store.base import Commit
from stigmer.store.integrity import Space, seal
from stigmer.store.log_chunks import (
    COMPACT_SLACK,
    COMPACT_SLICE,
    check_cursor,
    check_gapless,
    damaged_commit,
    pack_commit,
    unpack_commit,
)
from stigmer.store.sqlite_codec import Row, State, unseal_column

CHUNK_BITS = 20
"""Chunks of a commit are numbered in so many low bits of its place, which leaves 43 for revisions."""

_MOST_CHUNKS = 1 << CHUNK_BITS
_PLACE = Struct(">Q")


def append_commit(connection: sqlite3.Connection, commit: Commit) -> int:
    """Write a commit at the end of the log; the bytes written."""
    rows = []
    for number, payload in enumerate(pack_commit(commit)):
        if number >= _MOST_CHUNKS:
            raise InvalidArgument("a commit of this size cannot be stored")
        place = (commit.revision << CHUNK_BITS) + number
        rows.append((place, seal(Space.LOG, _PLACE.pack(place), payload)))
    connection.executemany("INSERT INTO log VALUES (?, ?)", rows)
    return sum(_PLACE.size + len(chunk) for _, chunk in rows)


def read_commits(connection: sqlite3.Connection, state: State, since: int, limit: int) -> list[Commit]:
    """See `base.ReadTransaction.commits`."""
    check_cursor(since, state.oldest, state.revision)
    most = max(limit, 0)
    commits = list(islice(read_log(connection, since + 1), most))
    check_gapless(commits, since, min(state.revision, since + most))
    return commits


def read_log(connection: sqlite3.Connection, revision: int) -> Iterator[Commit]:
    """Every commit from `revision` on, whatever the state record says."""
    statement = "SELECT place, chunk FROM log WHERE place >= ? ORDER BY place"
    with closing(connection.execute(statement, (revision << CHUNK_BITS,))) as rows:
        for number, group in groupby(rows, key=lambda row: int(row[0]) >> CHUNK_BITS):
            chunks = _payloads(number, group)
            yield unpack_commit(number, chunks)
            if next(chunks, None) is not None:
                raise damaged_commit(number)


def compact(connection: sqlite3.Connection, state: State, retention: int) -> None:
    """Remove a slice of the commits before the newest `retention`, and say so in `state`."""
    last_expired = state.revision - retention
    if last_expired - state.oldest < min(COMPACT_SLACK, retention) and not _leftovers(connection, state.oldest):
        return
    end = (max(last_expired, state.oldest) + 1) << CHUNK_BITS
    statement = "SELECT max(place) FROM (SELECT place FROM log WHERE place < ? ORDER BY place LIMIT ?)"
    (last,) = connection.execute(statement, (end, COMPACT_SLICE)).fetchone()
    if last is not None:
        connection.execute("DELETE FROM log WHERE place <= ?", (last,))
        state.oldest = max(state.oldest, last >> CHUNK_BITS)


def _leftovers(connection: sqlite3.Connection, oldest: int) -> bool:
    """Whether an expired commit lost only its first chunks to the last slice."""
    (first,) = connection.execute("SELECT min(place) FROM log").fetchone()
    return first is not None and first >> CHUNK_BITS <= oldest


def _payloads(revision: int, chunks: Iterator[Row]) -> Iterator[bytes]:
    for number, (place, chunk) in enumerate(chunks):
        if place != (revision << CHUNK_BITS) + number:
            raise damaged_commit(revision)
        yield unseal_column(Space.LOG, _PLACE.pack(place), chunk, lambda: f"commit {revision} of the change log")
