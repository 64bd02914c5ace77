"""The command `python -m benchmarks` as a maintainer runs it: form and honesty of its output, never its times."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.report import BEGIN, END

ROOT = Path(__file__).parents[3]
CHEAP = ("to-dict", "load")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", *arguments]


def run(scratch: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "TMPDIR": str(scratch)}
    done = subprocess.run(command(*arguments), check=False, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


def test_cheap_rows_give_a_table_with_machine_goals_and_verdicts(tmp_path: Path) -> None:
    done = run(tmp_path, "--quick", "--only", *CHEAP)
    lines = done.stdout.splitlines()
    for fact in ("Python:", "one fdatasync:", "processors:", "file system:", "lmdb:"):
        assert any(line.startswith(fact) for line in lines)
    head = next(line for line in lines if line.startswith("row "))
    assert head.split() == ["row", "what", "ours", "against", "theirs", "ratio", "goal", "rounds"]
    rows = [line for line in lines if line.startswith(CHEAP)]
    assert [line.split()[0] for line in rows] == ["to-dict", "load", "load"]
    assert all(("met" in line) != ("MISSED" in line) for line in rows)
    assert "no figure of it counts" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_json_holds_medians_spreads_ratios_and_rounds(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    run(tmp_path, "--quick", "--rounds", "2", "--only", "to-dict", "-o", "json", "--out", str(out))
    document = json.loads(out.read_text())
    (figure,) = document["figures"]
    ours, theirs = figure["ours"], figure["theirs"]
    assert ours["low"] <= ours["median"] <= ours["high"]
    assert (ours["rounds"], theirs["rounds"]) == (2, 2)
    assert figure["ratio"] == pytest.approx(theirs["median"] / ours["median"])
    assert figure["verdict"] == ("met" if figure["ratio"] >= figure["goal"]["bound"] else "missed")
    assert document["faults"] == []


def test_every_row_is_listed_and_described_in_the_docs(tmp_path: Path) -> None:
    names = [line.split()[0] for line in run(tmp_path, "--list").stdout.splitlines()]
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert len(names) == len(set(names)) > 15
    assert [name for name in names if f"`{name}`" not in page] == []
    assert page.index(BEGIN) < page.index(END)


def test_a_profile_names_our_functions(tmp_path: Path) -> None:
    done = run(tmp_path, "--quick", "--profile", "to-dict")
    assert "stigmer/contract/bodies.py" in done.stdout


def test_an_unknown_row_is_a_usage_error_that_names_the_rows(tmp_path: Path) -> None:
    done = run(tmp_path, "--only", "warp", code=2)
    assert "warp" in done.stderr
    assert "store-bulk" in done.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="whether a process runs is read from /proc")
def test_an_interrupted_run_stops_its_daemons_and_removes_its_files(tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    arguments = command("--quick", "--only", "noop-growth")
    with subprocess.Popen(arguments, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        pids: list[int] = []
        while not pids and process.poll() is None:
            time.sleep(0.05)
            pids = [json.loads(path.read_text())["pid"] for path in tmp_path.rglob("daemon.json")]
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert list(tmp_path.glob("stigmer-bench-*")) == []
    assert [pid for pid in pids if serves(pid)] == []


def serves(pid: int) -> bool:
    """Whether the process still runs; one that has ended and waits to be noticed has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
