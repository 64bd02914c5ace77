"""What the doctor reads out of the caches of earlier runs. Assumes the cache itself."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from manifests import StatCache, open_trees
from stigmer.sync.index import Verified, cache_file, encode_verified
from stigmer.sync.memory import look_back


def remember(home: Path, name: str, epoch: str, revision: int) -> Path:
    """A cache as a run leaves it that has verified its manifests at a revision."""
    folder = home.parent / name
    folder.mkdir()
    (folder / "a.yaml").write_text("kind: Agent\n")
    file = cache_file(home, name)
    cache = StatCache.open(file, "fingerprint")
    scan = open_trees([str(folder)], BytesIO()).scan()
    assert cache.save(scan, [b"entries"], encode_verified(Verified(epoch, revision, {}, 1, 1)))
    return file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_without_a_cache_nothing_is_remembered(home: Path) -> None:
    found = look_back(home)
    assert (found.files, found.size, found.damaged, found.seen) == (0, 0, (), {})


def test_the_newest_revision_of_each_epoch_is_remembered(home: Path) -> None:
    remember(home, "one", "spring", 7)
    remember(home, "two", "spring", 4)
    remember(home, "three", "autumn", 9)
    found = look_back(home)
    assert found.seen == {"spring": 7, "autumn": 9}
    assert (found.files, found.damaged) == (3, ())
    assert found.size > 100


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"\0" * 4_000])
def test_damaged_caches_are_named_and_not_believed(home: Path, damage: bytes) -> None:
    file = remember(home, "one", "spring", 7)
    remember(home, "two", "spring", 4)
    file.write_bytes(damage)
    summary = file.with_name(file.name + ".summary")
    summary.write_bytes(summary.read_bytes()[:-3] + b"999")
    found = look_back(home)
    assert found.damaged == (file,)
    assert found.seen == {"spring": 4}


def test_a_cache_that_others_can_write_is_not_believed(home: Path) -> None:
    file = remember(home, "one", "spring", 7)
    for path in (file, file.with_name(file.name + ".summary")):
        path.chmod(0o666)
    found = look_back(home)
    assert (found.damaged, found.seen) == ((file,), {})
