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
from stigmer.store.files import ENGINE_FILES

from . import store_process, store_writer

OPERATIONS = 25
MOST_CALLS = 60
STRIDE = 7
CONFIRMED = OPERATIONS - sum(store_writer.fails(number) for number in range(OPERATIONS))
FULL, UNREACHABLE = "RESOURCE_EXHAUSTED", "UNAVAILABLE"
REFUSALS = {
    "lmdb": {"EIO": {UNREACHABLE}, "ENOSPC": {FULL}, "EDQUOT": {FULL}},
    "sqlite": {"EIO": {UNREACHABLE}, "ENOSPC": {FULL, UNREACHABLE}, "EDQUOT": {FULL, UNREACHABLE}},
}
"""SQLite tells a full disk by a write only. Whether a quota or a sync met one, the store finds out by asking the disk,
which here has room."""
CALLS = (
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "rename", "renameat2"),
    *("fsync", "fdatasync", "msync", "sync_file_range"),
)
FILES = {engine: (*files.all, "store.json.new", "") for engine, files in ENGINE_FILES.items()}
FAULTS = [
    *(("lmdb", call, "1") for call in ("writev", "fdatasync", "pwrite64")),
    *(("sqlite", call, when) for call, when in (("pwrite64", "12"), ("fdatasync", "3"))),
]
"""A call of each kind that the first operation makes: SQLite has written to its shared memory before, and has synced
the header of a new log and its name."""

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def run(folder: Path, engine: str, log: Path, inject: str = "") -> tuple[list[str], int]:
    """What the writer said, and its exit status, with a fault in the calls that touch the files of the store."""
    strace = [
        *("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}"),
        *(word for name in FILES[engine] for word in ("-P", str(folder / name))),
        *(("-e", f"inject={inject}") if inject else ()),
    ]
    process = store_process.start(folder, engine, 0, OPERATIONS, 1, strace)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return out.splitlines(keepends=True), process.returncode


def fail(folder: Path, engine: str, log: Path, fault: str, call: str, when: str) -> list[int]:
    """Refused operations get the code of the fault, all others are confirmed: their numbers."""
    lines, status = run(folder, engine, log, f"{call}:error={fault}:when={when}")
    errors = [line.split() for line in lines if line.startswith("error")]
    acked, unopened = store_process.acks(lines), [error[1] for error in errors] == ["open"]
    assert status == 0
    assert {error[2] for error in errors} <= REFUSALS[engine][fault] | ({UNREACHABLE} if unopened else set())
    assert unopened or (lines[-1] == "closed\n" and len(acked) + len(errors) == CONFIRMED)
    return acked


def check_confirmed(folder: Path, engine: str, acked: list[int], *, exact: bool) -> None:
    """What was confirmed is there and whole, also after one more write; with `exact` nothing else is."""
    store = open_store(folder, engine)
    notes = {int(commit.note) for commit in store.read(lambda tx: tx.commits(0, 1_000))}
    assert notes == set(acked) if exact else notes >= set(acked)
    store.write(lambda tx: store_writer.job(tx, 1_000))
    store_writer.check(store, [*acked, 1_000])
    store.close()


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(("engine", "call", "when"), FAULTS)
def test_one_failing_call_refuses_one_operation_and_the_next_ones_succeed(
    tmp_path: Path, engine: str, call: str, when: str, fault: str
) -> None:
    made = prepared(tmp_path / "data", engine, fresh=False)
    acked = fail(made, engine, tmp_path / "log", fault, call, when)
    assert len(acked) == CONFIRMED - 1
    check_confirmed(made, engine, acked, exact=True)


@pytest.mark.parametrize(
    ("engine", "call", "when"),
    [("lmdb", "fdatasync", "5..12"), ("lmdb", "pwrite64", "5..12"), ("sqlite", "fdatasync", "5..12")],
)
def test_a_fault_that_lasts_refuses_until_it_is_over(tmp_path: Path, engine: str, call: str, when: str) -> None:
    made = prepared(tmp_path / "data", engine, fresh=False)
    acked = fail(made, engine, tmp_path / "log", "ENOSPC", call, when)
    assert CONFIRMED - 8 <= len(acked) < CONFIRMED - 2
    check_confirmed(made, engine, acked, exact=True)


@pytest.mark.parametrize(
    ("engine", "call", "when"),
    [
        *(("lmdb", call, "7") for call in ("writev", "fdatasync", "pwrite64")),
        *(("sqlite", call, when) for call, when in (("pwrite64", "70"), ("fdatasync", "7"), ("ftruncate", "1"))),
    ],
)
def test_a_process_killed_at_a_call_loses_nothing_that_was_confirmed(
    tmp_path: Path, engine: str, call: str, when: str
) -> None:
    made = prepared(tmp_path / "data", engine, fresh=False)
    lines, _ = run(made, engine, tmp_path / "log", f"{call}:signal=KILL:when={when}")
    assert "closed\n" not in lines
    check_confirmed(made, engine, store_process.acks(lines), exact=False)


@pytest.mark.parametrize("fault", ["error=EIO", "signal=KILL"])
@pytest.mark.parametrize("call", ["rename", "fsync", "pwrite64"])
@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_a_store_that_could_not_be_made_is_made_by_the_next_start(
    tmp_path: Path, engine: str, fault: str, call: str
) -> None:
    lines, _ = run(tmp_path / "data", engine, tmp_path / "log", f"{call}:{fault}:when=1")
    assert store_process.acks(lines) == []
    check_confirmed(tmp_path / "data", engine, [], exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["EIO", "ENOSPC", "EDQUOT"])
@pytest.mark.parametrize("fresh", [False, True], ids=["existing store", "new store"])
@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_any_call_may_fail(tmp_path: Path, engine: str, fault: str, fresh: bool) -> None:
    for call, number in all_calls(tmp_path, engine, fresh=fresh):
        folder = prepared(tmp_path / f"{call}-{number}", engine, fresh=fresh)
        acked = fail(folder, engine, tmp_path / "log", fault, call, str(number))
        assert fresh or len(acked) >= CONFIRMED - 1 or (engine == "sqlite" and not acked)
        check_confirmed(folder, engine, acked, exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True], ids=["existing store", "new store"])
@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_any_call_may_be_the_last(tmp_path: Path, engine: str, fresh: bool) -> None:
    for call, number in all_calls(tmp_path, engine, fresh=fresh):
        folder = prepared(tmp_path / f"{call}-{number}", engine, fresh=fresh)
        lines, _ = run(folder, engine, tmp_path / "log", f"{call}:signal=KILL:when={number}")
        check_confirmed(folder, engine, store_process.acks(lines), exact=False)


def prepared(folder: Path, engine: str, *, fresh: bool) -> Path:
    if not fresh:
        open_store(folder, engine).close()
    return folder


def all_calls(tmp_path: Path, engine: str, *, fresh: bool) -> list[tuple[str, int]]:
    """The calls of the script when nothing fails, each with its number among those of its kind and thread, which is
    how strace counts. Of a kind with very many, the first ones and then one of every few."""
    log = tmp_path / "log"
    run(prepared(tmp_path / "counted", engine, fresh=fresh), engine, log)
    found = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), flags=re.MULTILINE))
    assert found.total() > OPERATIONS
    return sorted({(call, number) for (_, call), count in found.items() for number in chosen(count)})


def chosen(count: int) -> list[int]:
    return [*range(1, min(count, MOST_CALLS) + 1), *range(MOST_CALLS + 1, count + 1, STRIDE)]
