"""Stores to back up and restore, and what is in a data directory, for the tests of maintenance."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stigmer.server.maintenance.backup import Target, backup
from stigmer.server.maintenance.restore import Source, restore
from stigmer.store.base import Event, Record, Store, Transaction
from stigmer.store.engines import open_store

TRANSIENT = {"lock.mdb", "daemon.lock", "data.sqlite-shm"}

ROOT = Path(__file__).resolve().parents[2]


def rows(count: int, *, size: int = 900, first: int = 0, text: bytes = b"x") -> list[Record]:
    return [
        Record("local", "Agent", f"agent-{n:06d}", f"slug-{n}", text * size, b"head", (("label", f"v{n % 5}"),))
        for n in range(first, first + count)
    ]


def save(store: Store, records: list[Record], note: bytes = b"") -> int:
    def job(tx: Transaction) -> int:
        tx.save_many(records)
        return tx.append([Event(row.org, row.kind, row.id, row.slug, "created") for row in records], note)

    return store.write(job)


def make_store(folder: Path, engine: str = "lmdb", count: int = 60, commits: int = 3) -> str:
    """A closed store; its id."""
    store = open_store(folder, engine)
    for number in range(commits):
        save(store, rows(count // commits, first=number * count), b"%d" % number)
    store.close()
    return store.store_id


def make_backup(data_dir: Path, file: Path) -> dict[str, Any]:
    return backup(data_dir, Target(file))


def put_back(data_dir: Path, file: Path) -> dict[str, Any]:
    """A restore to which everybody agrees."""
    return restore(data_dir, Source(file), lambda incoming, current: True)


def content(folder: Path) -> tuple[int, list[Record], list[bytes]]:
    """Revision, records and notes of the closed store in a folder, which is sound."""
    from stigmer.store.marker import find_marker

    marker = find_marker(folder)
    assert marker is not None
    store = open_store(folder, marker.engine)
    try:
        assert store.verify() == []
        return store.read(
            lambda tx: (
                tx.revision,
                sorted(tx.all_records(), key=lambda row: row.id),
                [c.note for c in tx.commits(0, 999_999)],
            )
        )
    finally:
        store.close()


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder by its digest, but for what engines and processes keep while they look at it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in TRANSIENT and not is_empty_log(path)
    }


@contextmanager
def maintenance(data_dir: Path, *arguments: str, around: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A maintenance process as programs start it; it does not outlive the block."""
    process = subprocess.Popen(
        [*around, sys.executable, "-m", "stigmer.server.maintenance", *arguments, "--data-dir", str(data_dir)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


def is_empty_log(path: Path) -> bool:
    return path.name.endswith("-wal") and not path.stat().st_size
