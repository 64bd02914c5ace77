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
from stigmer.store import engines, founding
from stigmer.store.base import FORMAT_VERSION
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES
from stigmer.store.marker import Marker, read_marker, write_marker

from .conftest import Opener
from .rows import record, save

PLAIN_USER = 65534
REPOSITORY = Path(stigmer.__path__[0]).parent


@pytest.fixture
def data(tmp_path: Path, opened: Opener, durable: str) -> Path:
    """The folder of a closed store that holds one record."""
    store = opened(durable)
    save(store, record(1))
    store.close()
    return tmp_path / "data"


def test_an_unknown_engine_is_refused_naming_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="lmdb, sqlite, memory"):
        open_store(tmp_path, "bolt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_opening_imports_only_the_engine_that_was_asked_for(engine: str) -> None:
    code = f"""
import sys, pathlib, tempfile
import stigmer.store, stigmer.store.base, stigmer.store.engines as engines
drivers = {{"lmdb", "sqlite3"}}
assert not (drivers | {{"stigmer.store.lmdb", "stigmer.store.sqlite", "stigmer.store.memory"}}) & set(sys.modules)
engines.open_store(pathlib.Path(tempfile.mkdtemp()) / "d", "{engine}").close()
print(*drivers & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == {"lmdb": "lmdb", "sqlite": "sqlite3", "memory": ""}[engine]


LEFT_FILES = {"lmdb": ["data.mdb", "lock.mdb", "store.json"], "sqlite": ["data.mark", "data.sqlite", "store.json"]}
"""Files of a closed store."""


def test_a_new_store_is_private_and_marked(data: Path, durable: str) -> None:
    assert sorted(path.name for path in data.iterdir()) == LEFT_FILES[durable]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    fields = json.loads((data / "store.json").read_text())
    assert fields == {"store_id": fields["store_id"], "engine": durable, "format": FORMAT_VERSION}


def test_the_files_of_an_open_store_are_private_to_its_user(opened: Opener, data: Path, durable: str) -> None:
    store = opened(durable)
    save(store, record(2))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir() if path.name.startswith("data.")}
    assert set(modes.values()) == {0o600}
    assert set(modes) <= set(ENGINE_FILES[durable].all)


def test_a_store_keeps_its_identity_its_log_and_its_records_over_a_restart(
    opened: Opener, data: Path, durable: str
) -> None:
    first, second = opened(durable), None
    identity = (first.store_id, first.epoch)
    first.close()
    second = opened(durable)
    assert (second.store_id, second.epoch) == identity
    assert second.read(lambda tx: (tx.revision, tx.get_many([record(1).key]))) == (1, [record(1)])
    assert save(second, record(2)) == 2


def test_missing_parents_are_made(tmp_path: Path, durable: str) -> None:
    open_store(tmp_path / "a" / "b" / "data", durable).close()
    assert (tmp_path / "a" / "b" / "data" / "store.json").is_file()


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_a_folder_of_another_engine_is_refused_with_the_command_that_converts_it(
    data: Path, durable: str, engine: str
) -> None:
    if engine == durable:
        open_store(data, engine).close()
        return
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    with pytest.raises(FailedPrecondition, match=f"holds a store of the engine {durable}, not {engine}") as refused:
        open_store(data, engine)
    assert f"backend.local.engine {durable}" in refused.value.hint
    assert (f"stigmer local convert --to {engine}" in refused.value.hint) is (engine in ENGINE_FILES)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def data_file(data: Path) -> Path:
    """The data file of whichever engine made the folder."""
    return next(data / files.data for files in ENGINE_FILES.values() if (data / files.data).exists())


def remove_data(data: Path) -> None:
    data_file(data).unlink()


def remove_marker(data: Path) -> None:
    (data / "store.json").unlink()


def fill_data(content: bytes) -> Callable[[Path], object]:
    return lambda data: data_file(data).write_bytes(content)


def cut_data(data: Path) -> None:
    content = data_file(data).read_bytes()
    data_file(data).write_bytes(content[:-1])


def put_foreign_marker(data: Path) -> None:
    write_marker(data, Marker("f" * 32, json.loads((data / "store.json").read_text())["engine"]))


def put_foreign_data(data: Path) -> None:
    engine = json.loads((data / "store.json").read_text())["engine"]
    with tempfile.TemporaryDirectory() as other:
        open_store(Path(other) / "other", engine).close()
        shutil.copy(data_file(Path(other) / "other"), data_file(data))


def edit_marker(text: str) -> Callable[[Path], object]:
    return lambda data: (data / "store.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove_data, "DATA_FILE_MISSING"),
        (remove_marker, "MARKER_MISSING"),
        (fill_data(b""), "DATA_FILE_DAMAGED"),
        (fill_data(b"not a database" * 1_000), "DATA_FILE_DAMAGED"),
        (cut_data, "DATA_FILE_DAMAGED"),
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
        "data file short",
        "marker of another store",
        "data of another store",
        "marker empty",
        "marker without its fields",
        "marker with a wrong type",
        "marker of another shape",
    ],
)
def test_a_folder_that_lost_or_changed_its_store_is_refused_and_left_alone(
    data: Path, durable: str, damage: Callable[[Path], object], reason: str
) -> None:
    damage(data)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    for _ in range(2):
        with pytest.raises(DataLoss) as refused:
            open_store(data, durable)
        assert refused.value.reason == reason
        assert refused.value.hint
        assert str(data) in refused.value.message
    after = {path.name: path.read_bytes() for path in data.iterdir() if path.name in before}
    assert after | {"lock.mdb": b""} == before | {"lock.mdb": b""}
    assert not [path for path in data.glob("data.sqlite-wal") if path.stat().st_size]


def test_a_store_of_a_newer_format_is_refused_by_its_marker_and_by_its_data(
    data: Path, durable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = read_marker(data, durable)
    assert marker
    write_marker(data, Marker(marker.store_id, durable, FORMAT_VERSION + 1))
    with pytest.raises(FailedPrecondition, match="format 2") as refused:
        open_store(data, durable)
    assert (refused.value.reason, refused.value.hint) == ("STORE_FORMAT_NEWER", "upgrade stigmer")
    monkeypatch.setattr(founding.Identity, "__init__", newer_identity(founding.Identity.__init__))
    for _ in range(2):
        with pytest.raises(FailedPrecondition, match=r"data\.(mdb|sqlite) was written in format 2"):
            open_store(tmp_path / "newer", durable)
        monkeypatch.undo()


def newer_identity(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: object, store_id: str, epoch: str, format: int = FORMAT_VERSION + 1) -> None:  # noqa: A002
        original(self, store_id, epoch, format)

    return make


@pytest.mark.parametrize("stop", range(6))
def test_a_crash_at_any_step_of_making_a_store_leaves_a_folder_that_opens(
    tmp_path: Path, durable: str, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerFailure(BaseException):
        pass

    steps = iter(range(100))
    for name in ("write_marker", "sync_folder"):
        original = getattr(founding, name)

        def step(*args: object, original: Callable[..., object] = original) -> None:
            if next(steps) == stop:
                raise PowerFailure
            original(*args)
            if next(steps) == stop:
                raise PowerFailure

        monkeypatch.setattr(founding, name, step)
    with pytest.raises(PowerFailure):
        open_store(tmp_path / "data", durable)
    monkeypatch.undo()
    store = open_store(tmp_path / "data", durable)
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


@pytest.mark.parametrize("closed", ["parent", "data file", "lock file", "store.json"])
def test_what_may_not_be_written_is_unavailable_naming_the_path_and_the_remedy(
    plain_user: Path, durable: str, closed: str
) -> None:
    data = plain_user / "data"
    if closed != "parent":
        store = open_store(data, durable)
        save(store, record(1))
        store.close()
    names = {"data file": ENGINE_FILES[durable].data, "lock file": ENGINE_FILES[durable].own[0]}
    path = plain_user if closed == "parent" else data / names.get(closed, closed)
    path.chmod(0o500 if closed == "parent" else 0 if closed == "store.json" else 0o400)
    with unprivileged(plain_user), pytest.raises(Unavailable) as refused:
        open_store(data, durable)
    assert str(data) in refused.value.message
    assert "writable" in refused.value.hint


def test_a_path_below_a_file_is_unavailable(tmp_path: Path, durable: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot use"):
        open_store(tmp_path / "file" / "data", durable)


def test_the_same_folder_is_not_opened_twice_in_one_process(opened: Opener, data: Path, durable: str) -> None:
    opened(durable)
    with pytest.raises(Unavailable, match="already open"):
        open_store(data, durable)
