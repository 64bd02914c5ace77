"""What a large transaction leaves behind is given back, and nobody waits long for it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stigmer.store import lmdb_group
from stigmer.store.base import Store, Transaction

from .conftest import Opener
from .rows import record, save

RELEASED = "to release the page buffers"
SMALL_LARGE = 100_000
MIB = 1 << 20

MEASURE = """
import sys
from pathlib import Path
from stigmer.store import engines, lmdb_group
from stigmer.store.base import Record

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) << 10

def save(count, size):
    body = b"x" * size
    rows = [Record("acme", "Agent", f"agent-{number:06d}", f"slug-{number}", body) for number in range(count)]
    store.write(lambda tx: (tx.save_many(rows), tx.append([])))

lmdb_group.LARGE_BYTES = int(sys.argv[2])
store = engines.open_store(Path(sys.argv[1]), "lmdb")
save(10, 100)
before = resident()
save(12_000, 4_000)
save(1, 1)
print(resident() - before)
store.close()
"""


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "stigmer.store")
    return caplog


@pytest.fixture
def small_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes of 100 kB count as large."""
    monkeypatch.setattr(lmdb_group, "LARGE_BYTES", SMALL_LARGE)


def save_much(store: Store) -> None:
    save(store, *(record(number, body=b"x" * 5_000) for number in range(100)))


def releases(log: pytest.LogCaptureFixture) -> int:
    return sum(RELEASED in message for message in log.messages)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("large", "least", "most"), [(32 * MIB, -MIB, 16 * MIB), (1 << 40, 40 * MIB, 1 << 40)])
def test_memory_after_a_large_write_is_what_it_was_before(tmp_path: Path, large: int, least: int, most: int) -> None:
    """The second case is the control: where nothing counts as large, the buffers stay."""
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "data"), str(large)]
    kept = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert least <= kept <= most


def test_a_small_write_does_not_reopen_the_store(opened: Opener, log: pytest.LogCaptureFixture) -> None:
    store = opened()
    save_much(store)
    save(store, record(1_000))
    assert releases(log) == 0


@pytest.mark.usefixtures("small_large")
def test_reads_and_writes_go_on_while_memory_is_released(opened: Opener, log: pytest.LogCaptureFixture) -> None:
    store = opened()
    stop, errors = threading.Event(), []

    def read_on() -> None:
        while not stop.is_set():
            try:
                store.read(lambda tx: list(tx.heads("acme")))
            except Exception as error:  # noqa: BLE001 -- collected for the assertion
                errors.append(error)

    threads = [threading.Thread(target=read_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        save_much(store)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert releases(log) > 0
    assert store.read(lambda tx: tx.revision) == 10
    assert store.verify() == []


@pytest.mark.usefixtures("small_large")
def test_a_large_job_that_fails_is_cleaned_up_after_too(opened: Opener, log: pytest.LogCaptureFixture) -> None:
    store = opened()

    def fail(tx: Transaction) -> None:
        tx.save_many([record(number, body=b"x" * 5_000) for number in range(100)])
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        store.write(fail)
    save(store, record(1))
    assert releases(log) == 1
    assert len(list(store.read(lambda tx: tx.heads("acme")))) == 1


@pytest.mark.usefixtures("small_large")
def test_a_long_read_is_not_waited_for_and_memory_is_released_after_it(
    opened: Opener, log: pytest.LogCaptureFixture
) -> None:
    store = opened()
    inside, leave = threading.Event(), threading.Event()

    def read(tx: object) -> None:
        inside.set()
        leave.wait(10)

    reading = threading.Thread(target=lambda: store.read(read))
    reading.start()
    inside.wait(10)
    began = time.monotonic()
    save_much(store)
    save(store, record(1_000))
    save(store, record(1_001))
    assert time.monotonic() - began < 5
    assert releases(log) == 0
    leave.set()
    reading.join()
    save(store, record(1_002))
    assert releases(log) == 1


@pytest.mark.usefixtures("small_large")
def test_a_store_closes_right_after_a_large_write(opened: Opener) -> None:
    store = opened()
    save_much(store)
    store.close()
    assert opened().read(lambda tx: tx.revision) == 1
