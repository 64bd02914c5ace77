"""Backup and restore of a store as large as an apply may make it, against the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stigmer.store.engines import open_store

from .backup_kit import content, maintenance, make_backup, put_back, rows, save

RESOURCES = 100_000
RESTORE_S = 60.0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["lmdb", "sqlite"])
def test_100_000_resources_are_restored_within_a_minute(tmp_path: Path, engine: str) -> None:
    store = open_store(tmp_path / "data", engine)
    save(store, rows(RESOURCES))
    store.close()
    make_backup(tmp_path / "data", tmp_path / "backup.tar")
    started = time.monotonic()
    with maintenance(tmp_path / "again", "restore", "--source", str(tmp_path / "backup.tar")) as process:
        _, words = process.communicate("go\n", timeout=4 * RESTORE_S)
        assert process.returncode == 0, words
    taken = time.monotonic() - started
    assert taken <= RESTORE_S
    assert content(tmp_path / "again") == content(tmp_path / "data")


def test_a_file_that_is_not_walked_at_every_start_is_verified_as_a_copy(tmp_path: Path) -> None:
    """Larger than what a daemon reads in full before it starts; damage in the middle of a page."""
    store = open_store(tmp_path / "data")
    save(store, rows(4_500, size=9_000))
    store.close()
    data = tmp_path / "data" / "data.mdb"
    assert data.stat().st_size > 32 << 20
    make_backup(tmp_path / "data", tmp_path / "good.tar")
    with data.open("r+b") as file:
        file.seek(data.stat().st_size // 2)
        file.write(b"\xff" * 8_192)
    with pytest.raises(Exception, match="damaged") as refused:
        make_backup(tmp_path / "data", tmp_path / "bad.tar")
    assert getattr(refused.value, "code", "") == "DATA_LOSS"
    assert not (tmp_path / "bad.tar").exists()
    put_back(tmp_path / "data", tmp_path / "good.tar")
    assert content(tmp_path / "data")[0] == 1
