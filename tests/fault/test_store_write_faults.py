"""Every system call by which the store writes is made to fail, or to be the last one of its process.

strace puts the fault in. Afterwards whoever was refused got a typed error, whoever was confirmed finds their data, and
the store writes on as soon as it can.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from stigmer.store.engines import open_store

from . import store_process, store_writer

OPERATIONS = 25
CONFIRMED = OPERATIONS - sum(store_writer.fails(number) for number in range(OPERATIONS))
REFUSALS = {"EIO": {"UNAVAILABLE"}, "ENOSPC": {"RESOURCE_EXHAUSTED"}, "EDQUOT": {"RESOURCE_EXHAUSTED"}}
CALLS = (
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "rename", "renameat2"),
    *("fsync", "fdatasync", "msync", "sync_file_range"),
)
FILES = ("data.mdb", "lock.mdb", "store.json", "store.json.new", "")

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def run(folder: Path, log: Path, inject: str = "") -> tuple[list[str], int]:
    """What the writer said, and its exit status, with a fault in the calls that touch the files of the store."""
    strace = [
        *("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}"),
        *(word for name in FILES for word in ("-P", str(folder / name))),
        *(("-e", f"inject={inject}") if inject else ()),
    ]
    process = store_process.start(folder, 0, OPERATIONS, 1, strace)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return out.splitlines(keepends=True), process.returncode


def fail(folder: Path, log: Path, fault: str, call: str, when: str) -> list[int]:
    """Refused operations get the code of the fault, all others are confirmed: their numbers."""
    lines, status = run(folder, log, f"{call}:error={fault}:when={when}")
    errors = [line.split() for line in lines if line.startswith("error")]
    acked, unopened = store_process.acks(lines), [error[1] for error in errors] == ["open"]
    assert status == 0
    assert {error[2] for error in errors} <= REFUSALS[fault] | ({"UNAVAILABLE"} if unopened else set())
    assert unopened or (lines[-1] == "closed\n" and len(acked) + len(errors) == CONFIRMED)
    return acked


def check_confirmed(folder: Path, acked: list[int], *, exact: bool) -> None:
    """What was confirmed is there and whole, also after one more write; with `exact` nothing else is."""
    store = open_store(folder)
    notes = {int(commit.note) for commit in store.read(lambda tx: tx.commits(0, 1_000))}
    assert notes == set(acked) if exact else notes >= set(acked)
    store.write(lambda tx: store_writer.job(tx, 1_000))
    store_writer.check(store, [*acked, 1_000])
    store.close()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An empty store."""
    return prepared(tmp_path / "data", fresh=False)


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["writev", "fdatasync", "pwrite64"], ids=["data", "sync", "meta"])
def test_one_failing_call_refuses_one_operation_and_the_next_ones_succeed(
    made: Path, tmp_path: Path, fault: str, call: str
) -> None:
    acked = fail(made, tmp_path / "log", fault, call, "1")
    assert len(acked) == CONFIRMED - 1
    check_confirmed(made, acked, exact=True)


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"], ids=["sync", "meta"])
def test_a_fault_that_lasts_refuses_until_it_is_over(made: Path, tmp_path: Path, call: str) -> None:
    acked = fail(made, tmp_path / "log", "ENOSPC", call, "5..12")
    assert CONFIRMED - 8 <= len(acked) < CONFIRMED - 2
    check_confirmed(made, acked, exact=True)


@pytest.mark.parametrize("call", ["writev", "fdatasync", "pwrite64"], ids=["data", "sync", "meta"])
def test_a_process_killed_at_a_call_loses_nothing_that_was_confirmed(made: Path, tmp_path: Path, call: str) -> None:
    lines, _ = run(made, tmp_path / "log", f"{call}:signal=KILL:when=7")
    assert "closed\n" not in lines
    check_confirmed(made, store_process.acks(lines), exact=False)


@pytest.mark.parametrize("fault", ["error=EIO", "signal=KILL"])
@pytest.mark.parametrize("call", ["rename", "fsync", "pwrite64"])
def test_a_store_that_could_not_be_made_is_made_by_the_next_start(tmp_path: Path, fault: str, call: str) -> None:
    lines, _ = run(tmp_path / "data", tmp_path / "log", f"{call}:{fault}:when=1")
    assert store_process.acks(lines) == []
    check_confirmed(tmp_path / "data", [], exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["EIO", "ENOSPC", "EDQUOT"])
@pytest.mark.parametrize("fresh", [False, True], ids=["existing store", "new store"])
def test_any_call_may_fail(tmp_path: Path, fault: str, fresh: bool) -> None:
    for call, number in all_calls(tmp_path, fresh=fresh):
        folder = prepared(tmp_path / f"{call}-{number}", fresh=fresh)
        acked = fail(folder, tmp_path / "log", fault, call, str(number))
        assert fresh or len(acked) >= CONFIRMED - 1
        check_confirmed(folder, acked, exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True], ids=["existing store", "new store"])
def test_any_call_may_be_the_last(tmp_path: Path, fresh: bool) -> None:
    for call, number in all_calls(tmp_path, fresh=fresh):
        folder = prepared(tmp_path / f"{call}-{number}", fresh=fresh)
        lines, _ = run(folder, tmp_path / "log", f"{call}:signal=KILL:when={number}")
        check_confirmed(folder, store_process.acks(lines), exact=False)


def prepared(folder: Path, *, fresh: bool) -> Path:
    if not fresh:
        open_store(folder).close()
    return folder


def all_calls(tmp_path: Path, *, fresh: bool) -> list[tuple[str, int]]:
    """The calls of the script when nothing fails, each with its number among those of its kind and thread, which is
    how strace counts."""
    log = tmp_path / "log"
    run(prepared(tmp_path / "counted", fresh=fresh), log)
    found = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), flags=re.MULTILINE))
    assert found.total() > OPERATIONS
    return sorted({(call, number) for (_, call), count in found.items() for number in range(1, count + 1)})
