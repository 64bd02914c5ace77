"""What the doctor says of a store and of what lies around it. Damage is tested under tests/fault."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from stigmer.server.maintenance.doctor import KEPT_DAYS, diagnose
from stigmer.server.maintenance.workplace import leftovers, workplace
from stigmer.store.engines import open_store
from stigmer.store.swap import JOURNAL_NAME

DAY_NS = 86_400 * 10**9


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A directory with a closed store at revision 1."""
    make_store(tmp_path / "data")
    return tmp_path / "data"


def make_store(folder: Path, ahead: int = 0) -> None:
    store = open_store(folder, clock=lambda: time.time_ns() + ahead)
    store.write(lambda tx: tx.append([]))
    store.close()


def findings(data_dir: Path, capsys: pytest.CaptureFixture[str], *, verify: bool = False) -> dict[str, dict[str, Any]]:
    """The checks by name; `result` is what the process ends with."""
    result = diagnose(data_dir, verify=verify)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["name"]: line for line in lines if line["event"] == "check"} | {"result": result}


def test_a_sound_store_is_described(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(data_dir, capsys, verify=True)
    assert {check["status"] for name, check in found.items() if name != "result"} == {"ok"}
    assert found["store"]["message"].startswith("lmdb, format 1, revision 1, ")
    assert (found["result"]["store"]["revision"], found["result"]["store"]["resources"]) == (1, 0)
    assert findings(data_dir, capsys)["result"]["store"]["resources"] is None


def test_no_store_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        found = findings(folder, capsys, verify=True)
        assert found["store"]["status"] == "ok"
        assert found["result"] == {"store": None}


def test_a_clock_behind_the_newest_commit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_store(tmp_path / "near", ahead=5 * 10**9)
    assert findings(tmp_path / "near", capsys)["clock"]["status"] == "ok"
    make_store(tmp_path / "far", ahead=DAY_NS)
    found = findings(tmp_path / "far", capsys)["clock"]
    assert found["status"] == "warning"
    assert "ahead of this machine's clock" in found["message"]
    assert found["hint"]


def test_folders_of_killed_work_are_told_and_removed_by_the_next(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = data_dir / "restore-0123abcd.tmp"
    left.mkdir()
    (left / "data.mdb").write_bytes(bytes(3_000_000))
    found = findings(data_dir, capsys)["interrupted work"]
    assert found["status"] == "warning"
    assert "3.0 MB" in found["message"]
    assert found["details"] == [str(left)]
    with workplace(data_dir, "backup"):
        assert not left.exists()
        assert findings(data_dir, capsys)["interrupted work"]["status"] == "ok"


def test_folders_of_others_are_nobodys_leftovers(data_dir: Path) -> None:
    for name in ("notes.tmp", "restore-xyz.tmp", "restore-0123abcd.tmp.bak"):
        (data_dir / name).mkdir()
    (data_dir / "backup-00000000.tmp").symlink_to(data_dir)
    (data_dir / "backup-00000001.tmp").write_text("a file")
    assert leftovers(data_dir) == []


def test_stores_that_were_replaced_long_ago_are_told(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = data_dir / "before-restore-20260101T000000Z"
    make_store(kept)
    found = findings(data_dir, capsys)["replaced stores"]
    assert (found["status"], found["details"]) == ("ok", [str(kept)])
    old = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(kept, (old, old))
    found = findings(data_dir, capsys)["replaced stores"]
    assert (found["status"], found["hint"]) == (
        "warning",
        f"remove those that are no longer needed: rm -r {kept}",
    )


def test_a_store_that_is_being_replaced_is_told_and_not_read(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = {"staged": "restore-0123abcd.tmp", "kept": "before-restore-now", "files": ["data.mdb", "store.json"]}
    (data_dir / "restore-0123abcd.tmp").mkdir()
    (data_dir / JOURNAL_NAME).write_text(json.dumps(journal))
    found = findings(data_dir, capsys)
    assert found["interrupted work"]["status"] == "warning"
    assert "stigmer local start" in found["interrupted work"]["hint"]
    assert found["store"]["status"] == "warning"
    assert leftovers(data_dir) == []


def test_a_journal_that_cannot_be_understood_is_an_error(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data_dir / JOURNAL_NAME).write_text("rubbish")
    found = findings(data_dir, capsys)
    assert found["interrupted work"]["status"] == "error"
    assert "stigmer local restore" in found["interrupted work"]["hint"]
    assert found["store"]["status"] == "error"


def test_a_newer_format_is_an_error_with_what_to_do(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marker = json.loads((data_dir / "store.json").read_text())
    (data_dir / "store.json").write_text(json.dumps(marker | {"format": 99}))
    found = findings(data_dir, capsys, verify=True)["store"]
    assert (found["status"], found["hint"]) == ("error", "upgrade stigmer")
