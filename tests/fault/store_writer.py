"""A process that writes to a store: `python store_writer.py FOLDER FIRST COUNT THREADS MODE`.

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
from stigmer.store import lmdb_env
from stigmer.store.base import Event, Record, SlugKey, Store, Transaction
from stigmer.store.engines import open_store

ROWS = 3
SPACE = "fault-tests"
MODES = {"durable": {}, "no sync": {"sync": False}, "no meta sync": {"metasync": False}}
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


def main() -> None:
    folder, first, count, threads, mode = Path(sys.argv[1]), *map(int, sys.argv[2:5]), sys.argv[5]
    lmdb_env.ENVIRONMENT_OPTIONS.update(MODES[mode])
    try:
        store = open_store(folder)
    except StigmerError as error:
        say(f"error open {error.code}")
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda thread: write_all(store, range(first + thread, first + count, threads)), range(threads)))
    store.close()
    say("closed")


if __name__ == "__main__":
    main()
