"""A conversion that is killed, stopped, refused or left without room: the directory holds the old store or the new one,
whole, and the next conversion leaves nothing but what it keeps. Steps are counted in system calls."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stigmer.errors import DataLoss, FailedPrecondition, ResourceExhausted, Unavailable
from stigmer.server.lock import DataDirLock
from stigmer.server.maintenance import convert as conversion
from stigmer.server.maintenance.convert import convert
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES
from stigmer.store.marker import find_marker
from stigmer.store.swap import finish_swap

from .backup_kit import content, files_of, maintenance, make_store
from .test_store_disk_full import file_size_limit, fill_up, small_disk

__all__ = ["small_disk"]

CALLS = "rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,ftruncate"
OTHER = {"lmdb": "sqlite", "sqlite": "lmdb"}

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Scene:
    """A data directory of one engine, to be converted again and again from the beginning."""

    def __init__(self, folder: Path, engine: str) -> None:
        self._folder = folder
        self.engine, self.wanted = engine, OTHER[engine]
        make_store(folder / "made", engine, count=30)
        self.before = content(folder / "made")
        self.identity = identity(folder / "made")

    def fresh(self, name: str) -> Path:
        shutil.copytree(self._folder / "made", self._folder / name)
        return self._folder / name

    def convert(self, data_dir: Path, around: tuple[str, ...] = (), seconds: float | None = None) -> int:
        """The exit status of the process; it is killed after so many seconds."""
        with maintenance(data_dir, "convert", "--to", self.wanted, around=around) as process:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            if seconds is not None:
                time.sleep(seconds)
                process.kill()
            process.communicate(timeout=60)
            return process.returncode

    def check(self, data_dir: Path) -> bool:
        """Whether the conversion has happened: the store is whole either way, and so is the kept one. Another
        conversion comes to its end and removes what the killed one has left."""
        finish_swap(data_dir)
        marker = find_marker(data_dir)
        assert marker is not None
        assert (content(data_dir), identity(data_dir)) == (self.before, self.identity)
        kept = [folder for folder in data_dir.glob("before-convert-*") if (folder / "store.json").exists()]
        assert len(kept) == (marker.engine == self.wanted)
        assert all(content(folder) == self.before for folder in kept)
        agreed = convert(data_dir, OTHER[marker.engine], lambda current: True)
        assert agreed["converted"] is True
        assert (content(data_dir), identity(data_dir)) == (self.before, self.identity)
        assert list(data_dir.glob("*.tmp")) == []
        return marker.engine == self.wanted


def identity(data_dir: Path) -> tuple[str, str]:
    marker = find_marker(data_dir)
    assert marker is not None
    store = open_store(data_dir, marker.engine)
    store.close()
    return store.store_id, store.epoch


@pytest.fixture(scope="module", params=ENGINE_FILES)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"), request.param)


def strace(log: Path, *more: str) -> tuple[str, ...]:
    return ("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}", *more)


def check_kills(scene: Scene, tmp_path: Path, step: int) -> None:
    whole = scene.fresh(f"whole-{time.monotonic_ns()}")
    assert scene.convert(whole, strace(tmp_path / "log")) == 0
    lines = [line.split(maxsplit=2) for line in (tmp_path / "log").read_text().splitlines() if "(" in line]
    calls = [(pid, name.partition("(")[0]) for pid, name, *_ in lines if not name.startswith("+++")]
    points = sorted({(name, calls[: at + 1].count((pid, name))) for at, (pid, name) in enumerate(calls)})
    assert len([point for point in points if point[0] == "rename"]) >= 5
    outcomes = set()
    for number, (name, when) in enumerate(points[::step]):
        data_dir = scene.fresh(f"kill-{number}-{time.monotonic_ns()}")
        status = scene.convert(data_dir, strace(tmp_path / "log", "-e", f"inject={name}:signal=KILL:when={when}"))
        assert status != 0, (name, when)
        outcomes.add(scene.check(data_dir))
        shutil.rmtree(data_dir)
    assert outcomes == {True, False}


@needs_strace
def test_a_conversion_killed_at_some_system_calls_leaves_one_of_the_two_stores(scene: Scene, tmp_path: Path) -> None:
    check_kills(scene, tmp_path, step=7)


@pytest.mark.slow
@needs_strace
def test_a_conversion_killed_at_every_system_call_leaves_one_of_the_two_stores(scene: Scene, tmp_path: Path) -> None:
    check_kills(scene, tmp_path, step=1)


@pytest.mark.parametrize("count", [2, pytest.param(60, marks=pytest.mark.slow)], ids=["some", "many"])
def test_a_conversion_killed_at_any_moment_leaves_one_of_the_two_stores(scene: Scene, count: int) -> None:
    chance = random.Random(7)
    for number in range(count):
        data_dir = scene.fresh(f"moment-{count}-{number}")
        scene.convert(data_dir, seconds=chance.uniform(0.05, 0.6))
        scene.check(data_dir)


def said(process: Any, event: str) -> dict[str, Any]:
    """The first line of a process that tells of `event`."""
    for line in process.stdout:
        fields = json.loads(line)
        if fields["event"] == event:
            return dict(fields)
    raise AssertionError(f"it ended without {event}")


@pytest.mark.parametrize("end", ["terminate", "silence", "no"])
def test_a_conversion_that_is_not_agreed_to_or_stopped_changes_nothing(scene: Scene, end: str) -> None:
    data_dir = scene.fresh(f"undone-{end}")
    before = files_of(data_dir)
    with maintenance(data_dir, "convert", "--to", scene.wanted) as process:
        current = said(process, "ready")["current"]
        assert (current["engine"], current["revision"]) == (scene.engine, scene.before[0])
        assert process.stdin is not None
        if end == "terminate":
            process.terminate()
        else:
            process.stdin.write("no\n" if end == "no" else "")
            process.stdin.close()
        assert process.wait(timeout=20) == (143 if end == "terminate" else 0)
    assert files_of(data_dir) == before


def test_a_conversion_that_is_stopped_while_it_copies_leaves_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = scene.fresh("stopped")
    before = files_of(data_dir)

    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr(conversion, "copy_into", stop)
    with pytest.raises(Stopped):
        convert(data_dir, scene.wanted, lambda current: True)
    assert {name: digest for name, digest in files_of(data_dir).items() if name != "data.mark"} == {
        name: digest for name, digest in before.items() if name != "data.mark"
    }
    assert content(data_dir) == scene.before


def test_a_directory_that_a_daemon_owns_is_refused(scene: Scene) -> None:
    data_dir = scene.fresh("owned")
    with DataDirLock(data_dir), pytest.raises(FailedPrecondition) as refused:
        convert(data_dir, scene.wanted, lambda current: True)
    assert refused.value.reason == "DAEMON_RUNNING"
    assert content(data_dir) == scene.before


def lose_an_index_entry(data_dir: Path, engine: str) -> None:
    """Damage that no checksum shows, and copying alone would heal without a word."""
    store: Any = open_store(data_dir, engine)
    if engine == "sqlite":
        store._environment.writer.execute("DELETE FROM index_entries WHERE id LIKE '%1'")
    else:
        with store._environment.env.begin(write=True) as txn:
            tree = store._environment.trees.indexes
            txn.delete(next(iter(txn.cursor(tree)))[0], db=tree)
            txn.put(b"state", txn.get(b"state"))
    store.close()


def flip_a_bit_of_every_body(data_dir: Path, engine: str) -> None:
    """Of the copies in pages that are no longer used, too."""
    path = data_dir / ENGINE_FILES[engine].data
    path.write_bytes(path.read_bytes().replace(b"x" * 500, b"x" * 499 + b"y"))


@pytest.mark.parametrize("damage", [lose_an_index_entry, flip_a_bit_of_every_body], ids=lambda damage: damage.__name__)
def test_a_damaged_store_is_refused_and_stays_as_it_is(scene: Scene, damage: Callable[[Path, str], None]) -> None:
    data_dir = scene.fresh(f"damaged-{damage.__name__}")
    damage(data_dir, scene.engine)
    before = files_of(data_dir)
    with pytest.raises(DataLoss) as refused:
        convert(data_dir, scene.wanted, lambda current: True)
    assert "restore" in refused.value.hint
    assert files_of(data_dir) == before


def test_without_room_nothing_is_begun(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = scene.fresh("no-room")
    monkeypatch.setattr(conversion, "SPARE_BYTES", 1 << 60)
    with pytest.raises(ResourceExhausted, match="may need") as refused:
        convert(data_dir, scene.wanted, lambda current: True)
    assert "nothing was changed" in refused.value.hint
    assert list(data_dir.glob("*.tmp")) == []
    assert content(data_dir) == scene.before


def test_room_that_runs_out_while_copying_leaves_the_old_store(scene: Scene) -> None:
    data_dir = scene.fresh("runs-out")
    with file_size_limit(30_000), pytest.raises((ResourceExhausted, Unavailable)):
        convert(data_dir, scene.wanted, lambda current: True)
    assert list(data_dir.glob("*.tmp")) == []
    assert content(data_dir) == scene.before
    assert convert(data_dir, scene.wanted, lambda current: True)["converted"] is True


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_up_while_copying_leaves_the_old_store(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_disk = tmp_path / "disk"
    data_dir = small_disk / "data"
    make_store(data_dir, scene.engine, count=600)
    before = content(data_dir)
    monkeypatch.setattr(conversion, "SPARE_BYTES", 0)
    monkeypatch.setattr(conversion, "ROOM_SHARE", 0)
    fill_up(small_disk / "ballast")
    with (small_disk / "ballast").open("r+b") as file:
        file.truncate((small_disk / "ballast").stat().st_size - 300_000)
    with pytest.raises(ResourceExhausted) as refused:
        convert(data_dir, scene.wanted, lambda current: True)
    assert "free disk space" in refused.value.hint
    assert list(data_dir.glob("*.tmp")) == []
    assert content(data_dir) == before
    (small_disk / "ballast").unlink()
    assert convert(data_dir, scene.wanted, lambda current: True)["converted"] is True
    assert content(data_dir) == before


def test_there_is_nothing_to_convert_in_an_empty_folder_or_in_one_of_the_engine(scene: Scene, tmp_path: Path) -> None:
    assert convert(tmp_path / "nothing", "sqlite", lambda current: False) == {"converted": False, "engine": ""}
    data_dir = scene.fresh("same")
    assert convert(data_dir, scene.engine, lambda current: False) == {"converted": False, "engine": scene.engine}
