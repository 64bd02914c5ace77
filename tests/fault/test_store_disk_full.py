"""A disk without room: writers get a typed error, reads go on, and writing resumes when there is room again."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stigmer.errors import ResourceExhausted, Unavailable
from stigmer.store.base import Event, Record, Store, Transaction
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES, STORE_FILES

DISK_BYTES = 4 << 20


def rows(first: int, count: int, size: int = 10_000) -> list[Record]:
    return [Record("local", "Agent", f"agent-{n:06d}", f"slug-{n}", b"x" * size) for n in range(first, first + count)]


def save(store: Store, records: list[Record]) -> int:
    def job(tx: Transaction) -> int:
        tx.save_many(records)
        return tx.append([Event(row.org, row.kind, row.id, row.slug, "created") for row in records])

    return store.write(job)


def check(store: Store, records: list[Record], revision: int) -> None:
    assert store.read(lambda tx: tx.revision) == revision
    assert store.read(lambda tx: tx.get_many([row.key for row in records])) == records
    assert len(list(store.read(lambda tx: tx.heads("local")))) == len(records)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where the test may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=ENGINE_FILES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def used(folder: Path) -> int:
    """Bytes of the files of a store."""
    return sum((folder / name).stat().st_size for name in STORE_FILES if (folder / name).exists())


def test_a_full_disk_refuses_writes_keeps_reads_and_is_left_behind_when_room_is_made(
    small_disk: Path, engine: str
) -> None:
    store = open_store(small_disk / "data", engine)
    kept = rows(0, 50)
    save(store, kept)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES - (1 << 20) - used(small_disk / "data")))
    for _ in range(3):
        with pytest.raises(ResourceExhausted) as refused:
            save(store, rows(1_000, 300))
        assert refused.value.reason == "DISK_FULL"
        assert "free disk space" in refused.value.hint
        check(store, kept, revision=1)
    ballast.unlink()
    more = rows(1_000, 100)
    assert save(store, more) == 2
    check(store, [*kept, *more], revision=2)
    assert store.verify() == []
    store.close()
    again = open_store(small_disk / "data", engine)
    check(again, [*kept, *more], revision=2)
    again.close()


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_cannot_make_a_store_and_leaves_nothing_that_stops_the_next_try(
    small_disk: Path, engine: str
) -> None:
    ballast = small_disk / "ballast"
    fill_up(ballast)
    with pytest.raises(ResourceExhausted) as refused:
        open_store(small_disk / "data", engine)
    assert "free disk space" in refused.value.hint
    ballast.unlink()
    store = open_store(small_disk / "data", engine)
    assert save(store, rows(0, 1)) == 1
    store.close()


def test_a_file_that_may_not_grow_refuses_large_writes_only_as_long_as_that_lasts(tmp_path: Path, engine: str) -> None:
    store = open_store(tmp_path / "data", engine)
    kept = rows(0, 20)
    save(store, kept)
    with file_size_limit(used(tmp_path / "data") + (64 << 10)):
        with pytest.raises((ResourceExhausted, Unavailable)):
            save(store, rows(1_000, 200))
        check(store, kept, revision=1)
    more = rows(1_000, 200)
    assert save(store, more) == 2
    check(store, [*kept, *more], revision=2)
    assert store.verify() == []
    store.close()
