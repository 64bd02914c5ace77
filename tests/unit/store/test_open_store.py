"""Opening: what is made, what is refused and in which words. That damaged files are found is tested under fault."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import stigmer
from stigmer.errors import DataLoss, FailedPrecondition, InvalidArgument, Unavailable
from stigmer.store import engines, lmdb_env
from stigmer.store.base import FORMAT_VERSION
from stigmer.store.engines import open_store
from stigmer.store.marker import Marker, read_marker, write_marker

from .conftest import Opener
from .rows import record, save

PLAIN_USER = 65534
REPOSITORY = Path(stigmer.__path__[0]).parent


@pytest.fixture
def data(tmp_path: Path, opened: Opener) -> Path:
    """The folder of a closed store that holds one record."""
    store = opened()
    save(store, record(1))
    store.close()
    return tmp_path / "data"


def test_an_unknown_engine_is_refused_naming_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="lmdb, memory"):
        open_store(tmp_path, "bolt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_opening_imports_only_the_engine_that_was_asked_for(engine: str) -> None:
    code = f"""
import sys, pathlib, tempfile
import stigmer.store, stigmer.store.base, stigmer.store.engines as engines
assert not {{"lmdb", "stigmer.store.lmdb", "stigmer.store.memory"}} & set(sys.modules)
engines.open_store(pathlib.Path(tempfile.mkdtemp()) / "d", "{engine}").close()
print("lmdb" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == str(engine == "lmdb")


def test_a_new_store_is_private_and_marked(data: Path) -> None:
    assert sorted(path.name for path in data.iterdir()) == ["data.mdb", "lock.mdb", "store.json"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "data.mdb").stat().st_mode) == 0o600
    fields = json.loads((data / "store.json").read_text())
    assert fields == {"store_id": fields["store_id"], "engine": "lmdb", "format": FORMAT_VERSION}


def test_a_store_keeps_its_identity_its_log_and_its_records_over_a_restart(opened: Opener, data: Path) -> None:
    first, second = opened(), None
    identity = (first.store_id, first.epoch)
    first.close()
    second = opened()
    assert (second.store_id, second.epoch) == identity
    assert second.read(lambda tx: (tx.revision, tx.get_many([record(1).key]))) == (1, [record(1)])
    assert save(second, record(2)) == 2


def test_missing_parents_are_made(tmp_path: Path) -> None:
    open_store(tmp_path / "a" / "b" / "data").close()
    assert (tmp_path / "a" / "b" / "data" / "store.json").is_file()


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_a_folder_of_another_engine_is_refused(data: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "sqlite":
        write_marker(data, Marker("0" * 32, "sqlite"))
    with pytest.raises(FailedPrecondition, match="holds a store of the engine") as refused:
        open_store(data, "memory" if engine == "memory" else "lmdb")
    assert refused.value.hint


def remove(name: str) -> Callable[[Path], object]:
    return lambda data: (data / name).unlink()


def put_foreign_marker(data: Path) -> None:
    write_marker(data, Marker("f" * 32, "lmdb"))


def put_foreign_data(data: Path) -> None:
    with tempfile.TemporaryDirectory() as other:
        open_store(Path(other) / "other").close()
        shutil.copy(Path(other) / "other" / "data.mdb", data / "data.mdb")


def edit_marker(text: str) -> Callable[[Path], object]:
    return lambda data: (data / "store.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove("data.mdb"), "DATA_FILE_MISSING"),
        (remove("store.json"), "MARKER_MISSING"),
        (lambda data: (data / "data.mdb").write_bytes(b""), "DATA_FILE_DAMAGED"),
        (lambda data: (data / "data.mdb").write_bytes(b"not a database" * 1_000), "DATA_FILE_DAMAGED"),
        (put_foreign_marker, "STORE_MISMATCH"),
        (put_foreign_data, "STORE_MISMATCH"),
        (edit_marker(""), "MARKER_DAMAGED"),
        (edit_marker('{"store_id": "x"}'), "MARKER_DAMAGED"),
        (edit_marker('{"store_id": 1, "engine": "lmdb", "format": 1}'), "MARKER_DAMAGED"),
        (edit_marker("[]"), "MARKER_DAMAGED"),
    ],
    ids=[
        "data file gone",
        "marker gone",
        "data file empty",
        "data file foreign",
        "marker of another store",
        "data of another store",
        "marker empty",
        "marker without its fields",
        "marker with a wrong type",
        "marker of another shape",
    ],
)
def test_a_folder_that_lost_or_changed_its_store_is_refused_and_left_alone(
    data: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(data)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    for _ in range(2):
        with pytest.raises(DataLoss) as refused:
            open_store(data)
        assert refused.value.reason == reason
        assert refused.value.hint
        assert str(data) in refused.value.message
    after = {path.name: path.read_bytes() for path in data.iterdir() if path.name in before}
    assert after | {"lock.mdb": b""} == before | {"lock.mdb": b""}


def test_a_store_of_a_newer_format_is_refused_by_its_marker_and_by_its_data(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = read_marker(data, "lmdb")
    assert marker
    write_marker(data, Marker(marker.store_id, "lmdb", FORMAT_VERSION + 1))
    with pytest.raises(FailedPrecondition, match="format 2") as refused:
        open_store(data)
    assert (refused.value.reason, refused.value.hint) == ("STORE_FORMAT_NEWER", "upgrade stigmer")
    monkeypatch.setattr(lmdb_env.Identity, "__init__", newer_identity(lmdb_env.Identity.__init__))
    for _ in range(2):
        with pytest.raises(FailedPrecondition, match=r"data\.mdb was written in format 2"):
            open_store(tmp_path / "newer")
        monkeypatch.undo()


def newer_identity(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: object, store_id: str, epoch: str, format: int = FORMAT_VERSION + 1) -> None:  # noqa: A002
        original(self, store_id, epoch, format)

    return make


@pytest.mark.parametrize("stop", range(6))
def test_a_crash_at_any_step_of_making_a_store_leaves_a_folder_that_opens(
    tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerFailure(BaseException):
        pass

    steps = iter(range(100))
    for name in ("write_marker", "sync_folder"):
        original = getattr(lmdb_env, name)

        def step(*args: object, original: Callable[..., object] = original) -> None:
            if next(steps) == stop:
                raise PowerFailure
            original(*args)
            if next(steps) == stop:
                raise PowerFailure

        monkeypatch.setattr(lmdb_env, name, step)
    with pytest.raises(PowerFailure):
        open_store(tmp_path / "data")
    monkeypatch.undo()
    store = open_store(tmp_path / "data")
    assert save(store, record(1)) == 1
    store.close()


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder that an unprivileged user may enter; the superuser ignores permissions."""
    with tempfile.TemporaryDirectory(prefix="stigmer-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """The superuser becomes a plain user, who owns `folder`, for a while."""
    if os.geteuid() != 0:
        yield
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, PLAIN_USER, PLAIN_USER)
    os.setegid(PLAIN_USER)
    os.seteuid(PLAIN_USER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.parametrize("closed", ["parent", "data.mdb", "lock.mdb", "store.json"])
def test_what_may_not_be_written_is_unavailable_naming_the_path_and_the_remedy(plain_user: Path, closed: str) -> None:
    data = plain_user / "data"
    if closed != "parent":
        store = open_store(data)
        save(store, record(1))
        store.close()
    path = plain_user if closed == "parent" else data / closed
    path.chmod(0o500 if closed == "parent" else 0 if closed == "store.json" else 0o400)
    with unprivileged(plain_user), pytest.raises(Unavailable) as refused:
        open_store(data)
    assert str(data) in refused.value.message
    assert "writable" in refused.value.hint


def test_a_path_below_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot use"):
        open_store(tmp_path / "file" / "data")


def test_the_same_folder_is_not_opened_twice_in_one_process(opened: Opener, data: Path) -> None:
    opened()
    with pytest.raises(Unavailable, match="already open"):
        open_store(data)
