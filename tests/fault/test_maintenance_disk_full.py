"""Backup, restore and doctor on a disk without room: a typed error, nothing half done, nothing left, and the next try
works once there is room."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stigmer.backend.config import load
from stigmer.backend.spawn import prepare
from stigmer.backend.start import ensure
from stigmer.errors import FailedPrecondition, ResourceExhausted, StigmerError, Unavailable
from stigmer.server.maintenance.backup import Target, backup
from stigmer.server.maintenance.restore import Source, restore

from .backup_kit import content, files_of, make_backup, make_store, put_back

DISK_BYTES = 3 << 20


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


def fill_up(ballast: Path, leave: int = 0) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    if leave:
        with ballast.open("r+b") as file:
            file.truncate(max(0, ballast.stat().st_size - leave))


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(work: Callable[[], Any]) -> StigmerError:
    with pytest.raises((ResourceExhausted, Unavailable)) as error:
        work()
    assert error.value.hint
    return error.value


def test_a_backup_to_a_full_disk_leaves_nothing_there(small_disk: Path, tmp_path: Path) -> None:
    make_store(tmp_path / "data", count=300)
    for leave in (0, 4096, 100_000):
        fill_up(small_disk / "ballast", leave)
        assert refused(lambda: make_backup(tmp_path / "data", small_disk / "backup.tar")).reason == "DISK_FULL"
        assert [path.name for path in small_disk.iterdir()] == ["ballast"]
    (small_disk / "ballast").unlink()
    make_backup(tmp_path / "data", small_disk / "backup.tar")
    put_back(tmp_path / "again", small_disk / "backup.tar")
    assert content(tmp_path / "again") == content(tmp_path / "data")


def test_a_backup_that_should_replace_another_leaves_that_when_the_disk_is_full(
    small_disk: Path, tmp_path: Path
) -> None:
    make_store(tmp_path / "data", count=300)
    (small_disk / "backup.tar").write_bytes(b"the last good one")
    fill_up(small_disk / "ballast", 100_000)
    refused(lambda: backup(tmp_path / "data", Target(small_disk / "backup.tar", force=True)))
    assert (small_disk / "backup.tar").read_bytes() == b"the last good one"


@pytest.mark.parametrize("engine", ["lmdb", "sqlite"])
def test_a_store_on_a_full_disk_is_not_harmed_by_a_backup(small_disk: Path, tmp_path: Path, engine: str) -> None:
    make_store(small_disk / "data", engine, count=300)
    before = files_of(small_disk / "data")
    for leave in (0, 8192, 200_000):
        fill_up(small_disk / "ballast", leave)
        refused(lambda: make_backup(small_disk / "data", tmp_path / "backup.tar"))
        assert not (tmp_path / "backup.tar").exists()
        assert files_of(small_disk / "data") == before
    (small_disk / "ballast").unlink()
    make_backup(small_disk / "data", tmp_path / "backup.tar")


@pytest.mark.parametrize("engine", ["lmdb", "sqlite"])
def test_a_restore_to_a_full_disk_leaves_the_store_that_is_there(small_disk: Path, tmp_path: Path, engine: str) -> None:
    make_store(tmp_path / "new", engine, count=300)
    make_backup(tmp_path / "new", tmp_path / "new.tar")
    make_store(small_disk / "data", count=30)
    before = files_of(small_disk / "data")
    for leave in (0, 4096, 100_000, 300_000):
        fill_up(small_disk / "ballast", leave)
        refused(lambda: put_back(small_disk / "data", tmp_path / "new.tar"))
        assert files_of(small_disk / "data") == before
    (small_disk / "ballast").unlink()
    put_back(small_disk / "data", tmp_path / "new.tar")
    assert content(small_disk / "data") == content(tmp_path / "new")


def test_a_disk_that_fills_after_the_question_leaves_one_of_the_two_stores(small_disk: Path, tmp_path: Path) -> None:
    make_store(tmp_path / "new", count=300)
    make_backup(tmp_path / "new", tmp_path / "new.tar")
    make_store(small_disk / "data", count=30)
    old = content(small_disk / "data")

    def agree(incoming: dict[str, Any], current: dict[str, Any]) -> bool:
        fill_up(small_disk / "ballast")
        return True

    with contextlib.suppress(ResourceExhausted, Unavailable):
        restore(small_disk / "data", Source(tmp_path / "new.tar"), agree)
    (small_disk / "ballast").unlink()
    assert content(small_disk / "data") in (old, content(tmp_path / "new"))
    assert list((small_disk / "data").glob("*.tmp")) == []


@pytest.mark.parametrize("engine", ["lmdb", "sqlite"])
def test_a_file_that_may_not_grow_refuses_backup_and_restore(tmp_path: Path, engine: str) -> None:
    make_store(tmp_path / "data", engine, count=300)
    make_backup(tmp_path / "data", tmp_path / "backup.tar")
    make_store(tmp_path / "other", count=30)
    before = files_of(tmp_path / "other")
    size = (tmp_path / "backup.tar").stat().st_size
    for limit in (40_000, size - 4096):
        with file_size_limit(limit):
            refused(lambda: make_backup(tmp_path / "data", tmp_path / "second.tar"))
            if limit < size // 2:
                refused(lambda: put_back(tmp_path / "other", tmp_path / "backup.tar"))
        assert files_of(tmp_path / "other") == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "data", "other"]


def test_a_daemon_that_cannot_even_say_why_it_does_not_start_is_explained(small_disk: Path) -> None:
    config = load(environ={"STIGMER_HOME": str(small_disk / "home")})
    prepare(config.data_dir)
    fill_up(small_disk / "ballast")
    with pytest.raises((Unavailable, FailedPrecondition), match=r"disk is full|[Nn]o space left"):
        ensure(config)
