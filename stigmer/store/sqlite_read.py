"""Reading in one SQLite transaction: every row is decoded and checked against its checksum."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import merge
from itertools import islice
from pathlib import Path

from stigmer.store.base import Commit, Head, Query, Record, RecordId, SlugKey
from stigmer.store.integrity import damaged
from stigmer.store.limits import page_limit
from stigmer.store.sqlite_codec import (
    PAIR_COLUMNS,
    RECORD_COLUMNS,
    SLUG_COLUMNS,
    Row,
    SlugEntry,
    State,
    damaged_record,
    decode_pair,
    decode_record,
    decode_slug,
    prefixed,
    shown,
)
from stigmer.store.sqlite_errors import guarded
from stigmer.store.sqlite_log import read_commits
from stigmer.store.sqlite_rows import select_in

NEWEST = b""
"""An upper bound of all ids: to SQLite, every text is less than any blob."""

ALL_RECORDS = f"SELECT {RECORD_COLUMNS} FROM records ORDER BY place"
ALL_PAIRS = f"SELECT {PAIR_COLUMNS} FROM pairs ORDER BY space, key"

_BY_ID = f"SELECT {RECORD_COLUMNS} FROM records INDEXED BY records_by_id WHERE org = ? AND kind = ? AND id IN ({{}})"
_BY_PLACE = f"SELECT {RECORD_COLUMNS} FROM records WHERE place IN ({{}})"
_BY_SLUG = f"SELECT {SLUG_COLUMNS} FROM slugs WHERE org = ? AND kind = ? AND slug IN ({{}})"
_HEADS = f"SELECT {SLUG_COLUMNS} FROM slugs WHERE org = ? ORDER BY kind, slug"
_HEADS_OF_KIND = f"SELECT {SLUG_COLUMNS} FROM slugs WHERE org = ? AND kind = ? ORDER BY slug"
_PAIR = f"SELECT {PAIR_COLUMNS} FROM pairs WHERE space = ? AND key = ?"
_PAIRS_FROM = f"SELECT {PAIR_COLUMNS} FROM pairs WHERE space = ? AND key >= ? ORDER BY key"
_PAGE = f"""
    SELECT {RECORD_COLUMNS}, id FROM records INDEXED BY records_by_id
    WHERE org = ? AND kind = ? AND id < ? ORDER BY id DESC"""
_INDEX_PAGE = f"""
    SELECT {prefixed(RECORD_COLUMNS, "r")}, e.id FROM index_entries e LEFT JOIN records r ON r.place = e.place
    WHERE e.org = ? AND e.kind = ? AND e.name = ? AND e.value = ? AND e.id < ? ORDER BY e.id DESC"""
_ORGS = """
    WITH RECURSIVE found (org) AS (
      SELECT min(org) FROM slugs
      UNION ALL SELECT (SELECT min(org) FROM slugs WHERE org > found.org) FROM found WHERE org IS NOT NULL)
    SELECT org FROM found WHERE org IS NOT NULL"""


class SqliteReadTransaction:
    """`base.ReadTransaction` on a connection inside a transaction. `state` are the counters in it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, state: State) -> None:
        self.path = path
        self.fault: Exception | None = None
        self._connection = connection
        self._state = state

    @property
    def revision(self) -> int:
        return self._state.revision

    @property
    def oldest_revision(self) -> int:
        return self._state.oldest

    @guarded
    def get_many(self, keys: Sequence[RecordId]) -> list[Record | None]:
        found = {record.key: record for _, record in self._stored(keys)}
        return [found.get(key) for key in keys]

    @guarded
    def find_many(self, keys: Sequence[SlugKey]) -> list[Record | None]:
        entries = self._slug_entries(keys)
        records = self._at({entry.place: entry.id for entry in entries.values()})
        found = {key: records[entry.place] for key, entry in entries.items()}
        for key, record in found.items():
            if record.slug_key != key:
                raise damaged(f"the slug index entry {key.org}/{key.kind}/{key.slug}")
        return [found.get(key) for key in keys]

    @guarded
    def find_heads(self, keys: Sequence[SlugKey]) -> list[Head | None]:
        found = {key: _head(entry) for key, entry in self._slug_entries(keys).items()}
        return [found.get(key) for key in keys]

    @guarded
    def heads(self, org: str, kind: str | None = None) -> Iterable[Head]:
        query = (_HEADS, (org,)) if kind is None else (_HEADS_OF_KIND, (org, kind))
        return [_head(decode_slug(row)) for row in self._connection.execute(*query)]

    @guarded
    def orgs(self) -> list[str]:
        return [org.decode() for (org,) in self._connection.execute(_ORGS).fetchall()]

    @guarded
    def commits(self, since: int, limit: int) -> list[Commit]:
        return read_commits(self._connection, self._state, since, limit)

    @guarded
    def kv_get(self, space: str, key: bytes) -> bytes | None:
        row = self._connection.execute(_PAIR, (space, key)).fetchone()
        return decode_pair(row)[2] if row else None

    @guarded
    def kv_scan(self, space: str, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        pairs = []
        with closing(self._connection.execute(_PAIRS_FROM, (space, prefix))) as rows:
            for row in rows:
                _, key, value = decode_pair(row)
                if not key.startswith(prefix):
                    break
                pairs.append((key, value))
        return pairs

    @guarded
    def list(self, query: Query) -> list[Record]:
        limit = page_limit(query)
        orgs = self.orgs() if query.org is None else [query.org]
        streams = [self._newest_first(org, query) for org in orgs]
        found = streams[0] if len(streams) == 1 else merge(*streams, key=_id_and_org, reverse=True)
        page = list(islice(found, limit))
        for stream in streams:
            stream.close()
        return page

    @guarded.stream
    def all_records(self) -> Iterator[Record]:
        with closing(self._connection.execute(ALL_RECORDS)) as rows:
            yield from map(_whole, rows)

    @guarded.stream
    def all_pairs(self) -> Iterator[tuple[str, bytes, bytes]]:
        with closing(self._connection.execute(ALL_PAIRS)) as rows:
            yield from map(decode_pair, rows)

    def _stored(self, keys: Iterable[RecordId]) -> Iterator[tuple[int, Record]]:
        """Those records that are there, with their places, in no order."""
        groups: dict[tuple[str, str], dict[str, None]] = {}
        for key in keys:
            groups.setdefault((key.org, key.kind), {})[key.id] = None
        for names, ids in groups.items():
            for row in select_in(self._connection, _BY_ID, names, list(ids)):
                yield row[0], _whole(row)

    def _at(self, ids: dict[int, str]) -> dict[int, Record]:
        """The records at places, all of which must be there, with the ids that they must have."""
        records = {row[0]: _whole(row) for row in select_in(self._connection, _BY_PLACE, (), list(ids))}
        for place, id_ in ids.items():
            if place not in records or records[place].id != id_:
                raise damaged(f"the slug index entry of {id_}")
        return records

    def _slug_entries(self, keys: Iterable[SlugKey]) -> dict[SlugKey, SlugEntry]:
        """The entries of those slugs that are taken."""
        groups: dict[tuple[str, str], dict[str, None]] = {}
        for key in keys:
            groups.setdefault((key.org, key.kind), {})[key.slug] = None
        entries = {}
        for names, slugs in groups.items():
            for row in select_in(self._connection, _BY_SLUG, names, list(slugs)):
                entry = decode_slug(row)
                entries[SlugKey(entry.org, entry.kind, entry.slug)] = entry
        return entries

    def _newest_first(self, org: str, query: Query) -> Generator[Record]:
        """The records of one org that answer a query, in descending order of id."""
        after = query.after or NEWEST
        if query.index is None:
            rows = self._connection.execute(_PAGE, (org, query.kind, after))
        else:
            rows = self._connection.execute(_INDEX_PAGE, (org, query.kind, *query.index, after))
        with closing(rows):
            for *row, id_ in rows:
                record = decode_record(tuple(row))
                if record is None or record.id.encode() != id_:
                    raise damaged_record(org, query.kind, shown(id_))
                if query.index is None or query.index in record.indexes:
                    yield record


def _whole(row: Row) -> Record:
    record = decode_record(row)
    if record is None:
        raise damaged_record(*map(shown, row[1:4]))
    return record


def _head(entry: SlugEntry) -> Head:
    return Head(entry.org, entry.kind, entry.id, entry.slug, entry.head)


def _id_and_org(record: Record) -> tuple[str, str]:
    return record.id, record.org
