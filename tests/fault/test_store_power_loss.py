"""Loss of power at any moment: all that was confirmed is there, and the file is sound.

The writes of a real process are recorded and replayed into states that a disk may be found in. Two controls, which do
without one of the syncs, must fail: a test that cannot would prove nothing. `STIGMER_POWER_LOSS_STATES` sets how many
states are tried; the long form is `pytest -m slow tests/fault/test_store_power_loss.py`.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer.store.engines import open_store
from stigmer.store.memory import MemoryStore

from . import store_power, store_process, store_writer
from .store_probe import Look, everything, look_at

JOBS = 40
STATES = int(os.environ.get("STIGMER_POWER_LOSS_STATES", "25"))
LONG_STATES = max(STATES, 250)
BATCH = 25

WRITTEN = {"lmdb": ("data.mdb",), "sqlite": ("data.sqlite", "data.sqlite-wal", "data.mark")}
"""What an engine finds its data by. Files that it makes anew at every start are left as they were before."""

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Recording:
    """A new store, and what a process then did to it."""

    def __init__(self, folder: Path, engine: str, mode: str) -> None:
        self.engine = engine
        self.before = folder / "before"
        open_store(self.before, engine).close()
        after = folder / "after"
        shutil.copytree(self.before, after)
        log = folder / "log"
        writer = store_process.start(after, engine, 0, JOBS, 1, store_power.strace(log), mode)
        out, err = writer.communicate(timeout=60)
        assert out.endswith("closed\n"), err
        files = self.files(self.before)
        self.events = store_power.read_log(log, after, WRITTEN[engine], files)
        assert store_power.replay(files, self.events) == self.files(after), "the recording is incomplete"

    def files(self, folder: Path) -> store_power.Image:
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.name in WRITTEN[self.engine]}

    def states(self, folder: Path, count: int, seed: int) -> Iterator[tuple[list[int], Look]]:
        """For each state the jobs that had been confirmed, and what a new process finds."""
        chance = random.Random(seed)
        before = self.files(self.before)
        for start in range(0, count, BATCH):
            confirmed, folders = [], []
            for number in range(start, min(count, start + BATCH)):
                image, said = store_power.crash(before, self.events, chance)
                folders.append(folder / f"state-{number}")
                shutil.copytree(self.before, folders[-1])
                for name in WRITTEN[self.engine]:
                    (folders[-1] / name).unlink(missing_ok=True)
                for name, content in image.items():
                    (folders[-1] / name).write_bytes(content)
                confirmed.append(store_process.acks(said))
            yield from zip(confirmed, look_at(folders), strict=True)
            for made in folders:
                shutil.rmtree(made)


def expected_contents() -> list[str]:
    """The content after the first n commits of the writer, for every n."""
    store = MemoryStore()
    contents = [store.read(everything)[0]]
    for number in range(JOBS):
        if not store_writer.fails(number):
            store.write(lambda tx, number=number: store_writer.job(tx, number))
            contents.append(store.read(everything)[0])
    store.close()
    return contents


def failures(recording: Recording, folder: Path, count: int) -> list[tuple[list[int], Look]]:
    """The states in which something confirmed is missing, something is damaged, or there is half a commit."""
    contents = expected_contents()
    bad = []
    for confirmed, found in recording.states(folder, count, seed=count):
        notes = [int(note) for note in found.notes]
        whole = 0 <= found.revision < len(contents) and found.content == contents[found.revision]
        if found.untyped or found.problems or not whole or notes[: len(confirmed)] != confirmed:
            bad.append((confirmed, found))
    return bad


@pytest.mark.parametrize("engine", WRITTEN)
def test_no_state_after_a_loss_of_power_lacks_a_confirmed_commit(tmp_path: Path, engine: str) -> None:
    assert failures(Recording(tmp_path, engine, "durable"), tmp_path, STATES) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", WRITTEN)
def test_no_state_of_many_lacks_a_confirmed_commit(tmp_path: Path, engine: str) -> None:
    assert failures(Recording(tmp_path, engine, "durable"), tmp_path, LONG_STATES) == []


@pytest.mark.parametrize("engine", WRITTEN)
@pytest.mark.parametrize("mode", ["no sync", "less sync"])
def test_a_store_that_leaves_out_a_sync_fails(tmp_path: Path, engine: str, mode: str) -> None:
    """The controls."""
    bad = failures(Recording(tmp_path, engine, mode), tmp_path, 25)
    assert len(bad) >= 3
