"""A process that writes to a store: `python store_writer.py FOLDER ENGINE FIRST COUNT THREADS MODE`.

Job `n` saves `ROWS` records, a pair, and a commit with the note `n`; every seventh raises at its end. After a job is
confirmed the line `ack n` goes to standard output in one write; a typed error is the line `error n CODE`, after which a
read must succeed. Modes other than `durable` leave out syncs, which no option of the store can do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stigmer.errors import StigmerError
from stigmer.store import lmdb_env, sqlite_env, sqlite_schema
from stigmer.store.base import Event, Record, SlugKey, Store, Transaction
from stigmer.store.engines import open_store

ROWS = 3
SPACE = "fault-tests"
MODES: dict[str, tuple[dict[str, bool], str]] = {
    "durable": ({}, "FULL"),
    "no sync": ({"sync": False}, "OFF"),
    "less sync": ({"metasync": False}, "NORMAL"),
}
"""What the modes mean to LMDB and to SQLite."""
BODIES = (40, 900, 2_500, 7_000)


class OnPurposeError(Exception):
    """Raised by jobs that must leave nothing."""


def fails(number: int) -> bool:
    return number % 7 == 3


def rows_of(number: int) -> list[Record]:
    return [
        Record(
            "local",
            "Agent",
            f"agent-{number:06d}-{row}",
            f"slug-{number}-{row}",
            b"%d " % number * (BODIES[(number + row) % len(BODIES)] // 7),
            b"head",
            (("label", f"row={row}"), ("label", f"tens={number // 10}")),
        )
        for row in range(ROWS)
    ]


def job(tx: Transaction, number: int) -> None:
    rows = rows_of(number)
    tx.save_many(rows)
    tx.kv_put(SPACE, b"%d" % number, b"value")
    tx.append([Event(row.org, row.kind, row.id, row.slug, "created") for row in rows], b"%d" % number)
    if fails(number):
        raise OnPurposeError


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def write_one(store: Store, number: int) -> None:
    try:
        store.write(lambda tx: job(tx, number))
    except OnPurposeError:
        return
    except StigmerError as error:
        say(f"error {number} {error.code}")
        store.read(lambda tx: tx.find_many([row.slug_key for row in rows_of(number)]))
    else:
        say(f"ack {number}")


def write_all(store: Store, numbers: Iterable[int]) -> None:
    for number in numbers:
        write_one(store, number)


def check(store: Store, acked: Sequence[int]) -> None:
    """Every confirmed job is there, every job that left anything left all of it, and nothing is damaged."""
    assert store.verify() == []
    commits = store.read(lambda tx: tx.commits(0, 1_000_000))
    assert [commit.revision for commit in commits] == list(range(1, len(commits) + 1))
    found = [int(commit.note) for commit in commits]
    assert len(set(found)) == len(found)
    assert not [number for number in found if fails(number)]
    assert set(acked) <= set(found)
    assert {int(key) for key, _ in store.read(lambda tx: tx.kv_scan(SPACE))} == set(found)
    rows = [row for number in sorted(found) for row in rows_of(number)]
    keys = [SlugKey(row.org, row.kind, row.slug) for row in rows]
    assert store.read(lambda tx: tx.find_many(keys)) == rows
    assert len(list(store.read(lambda tx: tx.heads("local")))) == len(rows)


def choose(mode: str) -> None:
    """Make the engines sync as the mode says, and SQLite move its log into the file and cut it back all the time."""
    sqlite_env.CHECKPOINT_BYTES, sqlite_env.JOURNAL_LIMIT_BYTES = 30_000, 150_000
    options, synchronous = MODES[mode]
    lmdb_env.ENVIRONMENT_OPTIONS.update(options)
    settings = [each for each in sqlite_schema.SETTINGS if "synchronous" not in each]
    assert len(settings) == len(sqlite_schema.SETTINGS) - 1
    sqlite_schema.SETTINGS = (*settings, f"PRAGMA synchronous = {synchronous}")


def main() -> None:
    folder, engine, first, count, threads = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    choose(sys.argv[6])
    try:
        store = open_store(folder, engine)
    except StigmerError as error:
        say(f"error open {error.code}")
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda thread: write_all(store, range(first + thread, first + count, threads)), range(threads)))
    store.close()
    say("closed")


if __name__ == "__main__":
    main()
