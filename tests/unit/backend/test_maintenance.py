"""The process that works on a data folder, as its caller sees it end: well, with an error, or not at all as expected.
The process itself is replaced by small programs that say what it would."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stigmer.backend import config as configuration
from stigmer.backend import maintenance as module
from stigmer.backend.maintenance import Maintenance, maintenance
from stigmer.errors import DataLoss, Internal, ResourceExhausted


@contextmanager
def job(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Maintenance, list[str]]]:
    """The program in the place of the maintenance process, and what it says of its progress."""
    real = subprocess.Popen

    def instead(line: list[str], **options: Any) -> subprocess.Popen[str]:
        assert line[:5] == [sys.executable, "-P", "-m", "stigmer.server.maintenance", "doctor"]
        return real([sys.executable, "-c", program], **options)

    monkeypatch.setattr(module.subprocess, "Popen", instead)
    config = configuration.load(environ={"STIGMER_HOME": str(tmp_path)})
    said: list[str] = []
    with maintenance(config, "doctor", say=said.append) as running:
        yield running, said


def lines(*events: dict[str, Any]) -> str:
    return "import sys\n" + "".join(f"print({json.dumps(event)!r}, flush=True)\n" for event in events)


RESULT = {"event": "result", "answer": 42}
CHECK = {"event": "check", "name": "store"}


def test_what_the_process_says_comes_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = lines({"event": "progress", "text": "working"}, CHECK, RESULT)
    with job(tmp_path, program, monkeypatch) as (running, said):
        assert [(event.name, event.fields) for event in running.events()] == [("check", {"name": "store"})]
        assert running.result() == {"answer": 42}
    assert said == ["working"]


def test_its_error_is_raised_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {
        "event": "error",
        "code": "RESOURCE_EXHAUSTED",
        "reason": "DISK_FULL",
        "message": "full",
        "hint": "tidy up",
    }
    program = lines({**error, "violations": ["one", "two"]})
    with job(tmp_path, program, monkeypatch) as (running, _), pytest.raises(ResourceExhausted, match="full") as raised:
        running.result()
    assert (raised.value.reason, raised.value.hint) == ("DISK_FULL", "tidy up")
    assert [violation.description for violation in raised.value.violations] == ["one", "two"]


@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGSEGV, signal.SIGABRT], ids=lambda number: number.name)
def test_a_process_that_dies_of_what_it_reads_means_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    program = lines(CHECK) + f"import os; os.kill(os.getpid(), {int(number)})"
    with job(tmp_path, program, monkeypatch) as (running, _), pytest.raises(DataLoss, match=number.name) as raised:
        running.result()
    assert "stigmer local restore" in raised.value.hint


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("raise ValueError('surprise')", "ended with code 1: ValueError: surprise"),
        ("pass", "ended with code 0"),
        ("print('hello')", "hello"),
        ("print('[]')", r"\[\]"),
        ("print('{}')", "{}"),
    ],
)
def test_anything_else_is_a_fault_of_ours_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    with job(tmp_path, program, monkeypatch) as (running, _), pytest.raises(Internal, match=words) as raised:
        running.result()
    assert "\n" not in raised.value.message


def test_a_process_that_still_works_is_stopped_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "undone"
    program = (
        "import signal, sys, time, pathlib\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(mark)!r}).touch(), sys.exit(143)))\n"
        + lines(CHECK)
        + "time.sleep(60)\n"
    )
    started = time.monotonic()
    with job(tmp_path, program, monkeypatch) as (running, _):
        assert next(running.events()).name == "check"
    assert time.monotonic() - started < 10
    assert mark.exists()


def test_one_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.3)
    program = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + lines(CHECK) + "time.sleep(60)\n"
    started = time.monotonic()
    with job(tmp_path, program, monkeypatch) as (running, _):
        next(running.events())
    assert time.monotonic() - started < 10


def test_an_answer_to_one_that_has_ended_is_not_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with job(tmp_path, lines(RESULT), monkeypatch) as (running, _):
        assert running.result() == {"answer": 42}
        for _ in range(3):
            running.answer("go" * 100_000)


def test_the_token_of_the_cloud_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_TOKEN", "stg_canary")
    program = "import json, os; print(json.dumps({'event': 'result', 'token': os.environ.get('STIGMER_TOKEN')}))"
    with job(tmp_path, program, monkeypatch) as (running, _):
        assert running.result() == {"token": None}
