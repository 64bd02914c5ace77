"""kill -9 of a restore, and of a backup, at any moment: the directory holds the old store or the new one, and what was
left is told and removed. Steps are counted in system calls where strace can do that."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import pytest

from stigmer.store.marker import find_marker
from stigmer.store.swap import JOURNAL_NAME, finish_swap

from .backup_kit import content, maintenance, make_backup, make_store, put_back

CALLS = "rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,ftruncate,link,linkat"
"""What changes a folder or makes a change durable; a kill between two of them leaves what the one before left."""

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Scene:
    """A data directory with a store, and a backup of another one."""

    def __init__(self, folder: Path, old: str = "lmdb", new: str = "lmdb") -> None:
        self._folder = folder
        make_store(folder / "old", old, count=30)
        make_store(folder / "new", new, count=90)
        make_backup(folder / "new", folder / "new.tar")
        self.old, self.new = content(folder / "old"), content(folder / "new")

    def fresh(self, name: str) -> Path:
        shutil.copytree(self._folder / "old", self._folder / name)
        return self._folder / name

    def restore(self, data_dir: Path, around: tuple[str, ...] = (), seconds: float | None = None) -> int:
        """Its exit status; it is killed after so many seconds."""
        with maintenance(data_dir, "restore", "--source", str(self._folder / "new.tar"), around=around) as process:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            if seconds is not None:
                time.sleep(seconds)
                process.kill()
            process.communicate(timeout=60)
            return process.returncode

    def check(self, data_dir: Path) -> bool:
        """Whether the new store is there; else the old one is, whole. The doctor says what is left, and the next
        restore leaves nothing."""
        pending = (data_dir / JOURNAL_NAME).exists()
        left = [path.name for path in data_dir.glob("*.tmp")]
        findings = doctor(data_dir)
        assert (findings["interrupted work"] == "warning") == (pending or bool(left))
        finish_swap(data_dir)
        assert find_marker(data_dir) is not None
        found = content(data_dir)
        assert found in (self.old, self.new)
        kept = sorted(data_dir.glob("before-restore-*"))
        if found == self.new:
            assert content(kept[-1]) == self.old
        else:
            assert not any(list(folder.iterdir()) for folder in kept)
        before = len(kept) - (found == self.old and bool(kept))
        put_back(data_dir, self._folder / "new.tar")
        assert content(data_dir) == self.new
        assert list(data_dir.glob("*.tmp")) == []
        assert len(list(data_dir.glob("before-restore-*"))) == before + 1
        return found == self.new


def doctor(data_dir: Path) -> dict[str, str]:
    with maintenance(data_dir, "doctor") as process:
        said, words = process.communicate(timeout=60)
        assert process.returncode == 0, words
    lines = [json.loads(line) for line in said.splitlines()]
    return {line["name"]: line["status"] for line in lines if line["event"] == "check"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


def strace(log: Path, *more: str) -> tuple[str, ...]:
    return ("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}", *more)


def calls_of(scene: Scene, tmp_path: Path) -> list[str]:
    """The calls that a whole restore makes, in order."""
    data_dir = scene.fresh(f"whole-{time.monotonic_ns()}")
    assert scene.restore(data_dir, strace(tmp_path / "log")) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    return [line.split()[1].partition("(")[0] for line in lines if "(" in line and "exited" not in line]


def check_kills(scene: Scene, tmp_path: Path, step: int) -> None:
    made = calls_of(scene, tmp_path)
    assert made.count("rename") >= 5
    points = [(name, made[: number + 1].count(name)) for number, name in enumerate(made)]
    outcomes = set()
    for number, (name, when) in enumerate(points[1::step]):
        data_dir = scene.fresh(f"kill-{number}-{time.monotonic_ns()}")
        status = scene.restore(data_dir, strace(tmp_path / "log", "-e", f"inject={name}:signal=KILL:when={when}"))
        assert status != 0, (name, when)
        outcomes.add(scene.check(data_dir))
    assert outcomes == {True, False}


@needs_strace
def test_a_restore_killed_at_some_system_calls_leaves_one_of_the_two_stores(scene: Scene, tmp_path: Path) -> None:
    check_kills(scene, tmp_path, step=6)


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize(("old", "new"), [("lmdb", "lmdb"), ("lmdb", "sqlite"), ("sqlite", "lmdb")])
def test_a_restore_killed_at_every_system_call_leaves_one_of_the_two_stores(tmp_path: Path, old: str, new: str) -> None:
    check_kills(Scene(tmp_path, old, new), tmp_path, step=1)


@pytest.mark.parametrize("count", [2, pytest.param(60, marks=pytest.mark.slow)], ids=["some", "many"])
def test_a_restore_killed_at_any_moment_leaves_one_of_the_two_stores(scene: Scene, count: int) -> None:
    chance = random.Random(5)
    for number in range(count):
        data_dir = scene.fresh(f"moment-{count}-{number}")
        scene.restore(data_dir, seconds=chance.uniform(0.05, 0.5))
        scene.check(data_dir)


@pytest.mark.parametrize("count", [2, pytest.param(40, marks=pytest.mark.slow)], ids=["some", "many"])
def test_a_backup_killed_at_any_moment_leaves_no_half_of_one(scene: Scene, tmp_path: Path, count: int) -> None:
    chance = random.Random(6)
    made = 0
    for number in range(count):
        data_dir, folder = scene.fresh(f"backup-{count}-{number}"), tmp_path / str(number)
        folder.mkdir()
        with maintenance(data_dir, "backup", "--to", str(folder / "backup.tar")) as process:
            time.sleep(chance.uniform(0.05, 0.5))
            process.kill()
            process.communicate()
        if (folder / "backup.tar").exists():
            made += 1
            put_back(tmp_path / f"back-{number}", folder / "backup.tar")
            assert content(tmp_path / f"back-{number}") == scene.old
        assert content(data_dir) == scene.old
        make_backup(data_dir, folder / "next.tar")
        assert list(data_dir.glob("*.tmp")) == []


def test_an_interrupted_restore_is_undone_at_once(scene: Scene) -> None:
    """SIGTERM, and the end of whoever was to agree, leave nothing behind."""
    for end in ("terminate", "silence"):
        data_dir = scene.fresh(f"undone-{end}")
        before = sorted(path.name for path in data_dir.iterdir())
        backup = str(data_dir.parent / "new.tar")
        with maintenance(data_dir, "restore", "--source", backup) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for line in process.stdout:
                if json.loads(line)["event"] == "ready":
                    break
            assert list(data_dir.glob("restore-*.tmp"))
            if end == "terminate":
                process.terminate()
            else:
                process.stdin.close()
            assert process.wait(timeout=20) == (143 if end == "terminate" else 0)
        assert sorted(path.name for path in data_dir.iterdir()) == before
        assert content(data_dir) == scene.old


def test_work_that_is_under_way_is_not_taken_for_a_leftover(scene: Scene) -> None:
    data_dir = scene.fresh("two-at-once")
    backup = str(data_dir.parent / "new.tar")
    with maintenance(data_dir, "restore", "--source", backup) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "ready":
                break
        assert doctor(data_dir)["interrupted work"] == "ok"
        make_backup(data_dir, data_dir.parent / "meanwhile.tar")
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(timeout=20) == 0
    assert content(data_dir) == scene.new


def test_a_restore_is_refused_while_a_daemon_owns_the_directory(scene: Scene) -> None:
    from stigmer.server.lock import DataDirLock

    data_dir = scene.fresh("owned")
    with DataDirLock(data_dir):
        with maintenance(data_dir, "restore", "--source", str(data_dir.parent / "new.tar")) as process:
            said, _ = process.communicate("go\n", timeout=20)
        last = json.loads(said.splitlines()[-1])
        assert (last["event"], last["reason"]) == ("error", "DAEMON_RUNNING")
    assert content(data_dir) == scene.old


def test_the_reader_of_a_streamed_backup_may_go_away(scene: Scene) -> None:
    data_dir = scene.fresh("streamed")
    with maintenance(data_dir, "backup", "--to-descriptor", "2") as process:
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(timeout=20) == 74
        assert process.stdout is not None
        assert json.loads(process.stdout.read().splitlines()[-1])["reason"] == "CLOSED_PIPE"
    assert list(data_dir.glob("*.tmp")) == []
