"""The full check behind `verify`: the pages, every checksum, and every table against the records, in one snapshot.

Each record is looked for in the other tables, and those are counted: when all are found and the counts agree, no row
can point anywhere else. Only when they do not agree is each row asked where it points.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from stigmer.errors import DataLoss
from stigmer.store.base import Record
from stigmer.store.sqlite_codec import (
    RECORD_COLUMNS,
    SLUG_COLUMNS,
    SlugEntry,
    State,
    decode_pair,
    decode_record,
    decode_slug,
    decode_state,
    prefixed,
    shown,
)
from stigmer.store.sqlite_file import MOST_PROBLEMS, walk
from stigmer.store.sqlite_log import read_log
from stigmer.store.sqlite_read import ALL_PAIRS, ALL_RECORDS

_SLUG = f"SELECT {SLUG_COLUMNS} FROM slugs WHERE org = ? AND kind = ? AND slug = ?"
_ENTRY = "SELECT place FROM index_entries WHERE org = ? AND kind = ? AND name = ? AND value = ? AND id = ?"
_COUNT = "SELECT count(*) FROM {}"
_TARGETS = {
    "slugs": f"""
        SELECT t.org, t.kind, t.id, NULL, NULL, {prefixed(RECORD_COLUMNS, "r")}
        FROM slugs t LEFT JOIN records r ON r.place = t.place""",
    "index_entries": f"""
        SELECT t.org, t.kind, t.id, t.name, t.value, {prefixed(RECORD_COLUMNS, "r")}
        FROM index_entries t LEFT JOIN records r ON r.place = t.place""",
}


def verify_snapshot(connection: sqlite3.Connection) -> list[str]:
    """One sentence per problem, empty when sound. The connection is inside a transaction."""
    problems: list[str] = []
    try:
        for problem in _Verifier(connection).problems():
            problems.append(problem)
            if len(problems) == MOST_PROBLEMS:
                return [*problems, "there may be more problems"]
    except sqlite3.DatabaseError as error:
        problems.append(f"the tables cannot be read to their end: {error}")
    return problems


class _Verifier:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def problems(self) -> Iterator[str]:
        yield from walk(self._connection)
        try:
            row = self._connection.execute("SELECT value FROM state WHERE name = 'state'").fetchone()
            state = decode_state(row and row[0])
        except DataLoss as error:
            yield str(error)
            return
        yield from self._check_records(state)
        yield from self._check_log(state)
        yield from self._check_pairs()

    def _check_records(self, state: State) -> Iterator[str]:
        records = entries = 0
        for row in self._connection.execute(ALL_RECORDS):
            records += 1
            record = decode_record(row)
            if record is None:
                yield f"the record at place {row[0]} is damaged: the stored bytes fail their checksum"
                continue
            entries += len(set(record.indexes))
            if row[0] > state.place:
                yield f"{_name(record)} lies behind the last place that was given"
            yield from self._check_rows(record, row[0])
        for table, expected in {"slugs": records, "index_entries": entries}.items():
            (found,) = self._connection.execute(_COUNT.format(table)).fetchone()
            if found != expected:
                yield f"the table {table} has more or fewer rows than the records call for"
                yield from self._check_targets(table)

    def _check_rows(self, record: Record, place: int) -> Iterator[str]:
        """From a record to its rows in the other tables."""
        name = _name(record)
        for pair in set(record.indexes):
            row = self._connection.execute(_ENTRY, (record.org, record.kind, *pair, record.id)).fetchone()
            if row != (place,):
                yield f"{name} is missing from an index"
        row = self._connection.execute(_SLUG, (record.org, record.kind, record.slug)).fetchone()
        expected = SlugEntry(record.org, record.kind, record.slug, record.id, place, record.head)
        try:
            if row is None or decode_slug(row) != expected:
                yield f"the slug index entry of {name} does not match the record"
        except DataLoss as error:
            yield str(error)

    def _check_targets(self, table: str) -> Iterator[str]:
        """From the rows of a table back to the records."""
        for org, kind, id_, name, text, *row in self._connection.execute(_TARGETS[table]):
            record = decode_record(tuple(row))
            target = "/".join(map(shown, (org, kind, id_)))
            if record is None or _name(record) != target:
                yield f"a row of the table {table} points to {target}, which is not there"
            elif name is not None and (shown(name), shown(text)) not in record.indexes:
                yield f"a row of the table {table} gives {target} a value that it does not have"

    def _check_log(self, state: State) -> Iterator[str]:
        try:
            expected = state.oldest + 1
            for commit in read_log(self._connection, expected):
                if commit.revision != expected:
                    yield f"commit {expected} is missing from the change log"
                expected = commit.revision + 1
            if expected != state.revision + 1:
                yield f"the change log ends at {expected - 1}, the store is at {state.revision}"
        except DataLoss as error:
            yield str(error)

    def _check_pairs(self) -> Iterator[str]:
        for row in self._connection.execute(ALL_PAIRS):
            try:
                decode_pair(row)
            except DataLoss as error:
                yield str(error)


def _name(record: Record) -> str:
    return f"{record.org}/{record.kind}/{record.id}"
