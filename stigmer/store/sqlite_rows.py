"""Many rows with few statements.

Python gives its lock away around every row that is read or statement that is run, and may wait long to have it back
while other threads compute; fewer steps also cost less.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from stigmer.store.sqlite_codec import Row

LOOKUPS = 64
"""Keys that one statement looks up."""

INSERTS = 16
"""Rows that one statement writes."""


def select_in(
    connection: sqlite3.Connection, statement: str, fixed: tuple[str, ...], keys: Sequence[Any]
) -> Iterator[Row]:
    """The rows of `statement` for all keys, in no order. `{}` in it stands for the list of keys, which are bound after
    the `fixed` values."""
    if len(keys) == 1:
        yield from connection.execute(statement.format("?"), (*fixed, keys[0])).fetchall()
        return
    whole = _listed(statement)
    for start in range(0, len(keys), LOOKUPS):
        some = keys[start : start + LOOKUPS]
        padding = (some[-1],) * (LOOKUPS - len(some))
        yield from connection.execute(whole, (*fixed, *some, *padding)).fetchall()


def insert_many(connection: sqlite3.Connection, head: str, columns: int, rows: Iterable[Row]) -> None:
    """Run `head VALUES (...)` for all rows, which have so many columns. Rows are taken as they are written."""
    whole = _values(head, columns, INSERTS)
    rest: list[Row] = []

    def full_batches() -> Iterator[Row]:
        source = iter(rows)
        while len(batch := list(islice(source, INSERTS))) == INSERTS:
            yield tuple(chain.from_iterable(batch))
        rest.extend(batch)

    connection.executemany(whole, full_batches())
    connection.executemany(_values(head, columns, 1), rest)


@lru_cache(maxsize=64)
def _listed(statement: str) -> str:
    return statement.format(", ".join("?" * LOOKUPS))


@lru_cache(maxsize=64)
def _values(head: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"{head} VALUES {', '.join([row] * rows)}"
