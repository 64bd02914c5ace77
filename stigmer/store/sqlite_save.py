"""Records and all their rows in the other tables, written together: each table in the order of its keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from stigmer.errors import AlreadyExists
from stigmer.store.base import Record, RecordId, SlugKey
from stigmer.store.limits import slug_taken
from stigmer.store.sqlite_codec import Row, SlugEntry, State, record_row, slug_row
from stigmer.store.sqlite_rows import insert_many

ENTRY_BYTES = 400
"""About what the rows of one record weigh besides head and body; only the bound on a group depends on it."""

Batch = dict[RecordId, Record]
"""Records by key, in the order of org, kind and id."""

_Entry = tuple[str, str, str, str, str]
"""The key of a row of index_entries: org, kind, name, value, id."""

_NEWEST = "SELECT max(id) FROM records INDEXED BY records_by_id WHERE org = ? AND kind = ?"


class _Old(NamedTuple):
    """What a stored record takes up."""

    place: int
    slug: SlugKey
    entries: frozenset[_Entry]


class RecordWriter:
    """Writes batches for one job. `stored` gives (place, record) for the keys that are there, `owners` the
    entries of slugs; `state.place` advances with every new record."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        state: State,
        stored: Callable[[Iterable[RecordId]], Iterator[tuple[int, Record]]],
        owners: Callable[[Iterable[SlugKey]], dict[SlugKey, SlugEntry]],
    ) -> None:
        self._connection = connection
        self._state = state
        self._stored = stored
        self._owners = owners

    def save(self, batch: Batch) -> int:
        """Insert or replace, nothing at all when a slug is taken. About the bytes written."""
        self._check_slugs(batch)
        old = self._old(self._known(batch))
        places = self._places(batch, old)
        entries = {(*entry, places[key]) for key, record in batch.items() for entry in _entries(record)}
        if old:
            self._remove_replaced(batch, old, entries)
        new = (record_row(places[key], record) for key, record in batch.items() if key not in old)
        insert_many(self._connection, "INSERT INTO records", 9, new)
        rows = sorted(slug_row(places[key], record) for key, record in batch.items())
        insert_many(self._connection, "INSERT OR REPLACE INTO slugs", 7, rows)
        insert_many(self._connection, "INSERT OR IGNORE INTO index_entries", 6, sorted(entries))
        return sum([len(record.body) + len(record.head) + ENTRY_BYTES for record in batch.values()])

    def delete(self, keys: Iterable[RecordId]) -> int:
        """Remove those that are stored. About the bytes written."""
        old = list(self._old(keys).values())
        self._delete_slugs(each.slug for each in old)
        self._delete_entries(entry for each in old for entry in each.entries)
        self._connection.executemany("DELETE FROM records WHERE place = ?", sorted((each.place,) for each in old))
        return ENTRY_BYTES * len(old)

    def _check_slugs(self, batch: Batch) -> None:
        """AlreadyExists when a slug belongs to a record outside of the batch, or to two inside: a record of the batch
        gives up its stored slug for the one that it brings."""
        claimed: dict[SlugKey, RecordId] = {}
        stored = self._owners(record.slug_key for record in batch.values())
        for key, record in batch.items():
            slug_key = record.slug_key
            entry = stored.get(slug_key)
            owner = RecordId(entry.org, entry.kind, entry.id) if entry else key
            owner = claimed.setdefault(slug_key, key if owner in batch else owner)
            if owner != key:
                raise AlreadyExists(slug_taken(record, owner.id))

    def _known(self, batch: Batch) -> Iterator[RecordId]:
        """The keys that may be stored: not those behind the last one of their kind, as new ids are."""
        for names, keys in groupby(batch, key=attrgetter("org", "kind")):
            (newest,) = self._connection.execute(_NEWEST, names).fetchone()
            if newest is not None:
                yield from (key for key in keys if key.id.encode() <= newest)

    def _old(self, keys: Iterable[RecordId]) -> dict[RecordId, _Old]:
        return {
            record.key: _Old(place, record.slug_key, frozenset(_entries(record)))
            for place, record in self._stored(keys)
        }

    def _places(self, batch: Batch, old: dict[RecordId, _Old]) -> dict[RecordId, int]:
        """Replaced records keep their place, new ones follow all others."""
        places = {}
        for key in batch:
            if key in old:
                places[key] = old[key].place
            else:
                self._state.place += 1
                places[key] = self._state.place
        return places

    def _remove_replaced(self, batch: Batch, old: dict[RecordId, _Old], entries: set[Row]) -> None:
        """What replaced records leave, and their new content."""
        kept = {record.slug_key for record in batch.values()}
        self._delete_slugs(each.slug for each in old.values() if each.slug not in kept)
        fresh = {entry[:5] for entry in entries}
        self._delete_entries(entry for each in old.values() for entry in each.entries if entry not in fresh)
        rows = (record_row(old[key].place, batch[key]) for key in sorted(old, key=lambda key: old[key].place))
        self._connection.executemany(
            "UPDATE records SET slug = ?, pairs = ?, head = ?, sum = ?, body = ? WHERE place = ?",
            ((*row[4:], row[0]) for row in rows),
        )

    def _delete_slugs(self, keys: Iterable[SlugKey]) -> None:
        rows = sorted((key.org, key.kind, key.slug) for key in keys)
        self._connection.executemany("DELETE FROM slugs WHERE org = ? AND kind = ? AND slug = ?", rows)

    def _delete_entries(self, entries: Iterable[_Entry]) -> None:
        statement = "DELETE FROM index_entries WHERE org = ? AND kind = ? AND name = ? AND value = ? AND id = ?"
        self._connection.executemany(statement, sorted(entries))


def _entries(record: Record) -> Iterator[_Entry]:
    return ((record.org, record.kind, name, value, record.id) for name, value in record.indexes)
