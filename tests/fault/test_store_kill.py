"""kill -9 in the middle of writing: what was confirmed is there, whole, and nothing else is there in part.

This shows atomicity. That it is durable too is the matter of the power-loss tests.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES

from . import store_process, store_writer

THREADS = 4
ENOUGH = 1_000_000


def kill_and_look(folder: Path, engine: str, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    acked: list[int] = []
    for turn in range(rounds):
        first = turn * ENOUGH
        writer = store_process.start(folder, engine, first, ENOUGH, THREADS)
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(chance.uniform(0, 0.15))
        writer.kill()
        lines += writer.stdout.readlines()
        writer.communicate()
        acked += store_process.acks(lines)
        store = open_store(folder, engine)
        store_writer.check(store, acked)
        store.close()
    assert len(acked) > rounds


@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_every_confirmed_write_survives_a_kill_and_no_write_survives_in_part(tmp_path: Path, engine: str) -> None:
    kill_and_look(tmp_path / "data", engine, rounds=5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINE_FILES)
@pytest.mark.parametrize("seed", range(2, 7))
def test_every_confirmed_write_survives_many_kills(tmp_path: Path, engine: str, seed: int) -> None:
    kill_and_look(tmp_path / "data", engine, rounds=20, seed=seed)
