"""Every end of the process is ours. Commands run in this process, or as children where the process itself matters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stigmer.cli import application
from stigmer.cli.faults import asks_for_json
from stigmer.cli.main import main
from stigmer.errors import FailedPrecondition, Violation

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STIGMER_DEBUG", raising=False)
    return tmp_path / "home"


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(*_: object) -> None:
        raise error

    monkeypatch.setattr(application, "execute", execute)


@pytest.mark.parametrize(
    "arguments",
    [["--nonsense"], ["apply"], ["apply", "--nonsense"], ["get"], ["delete"], ["agent", "create"], ["config", "get"]],
    ids=" ".join,
)
def test_a_usage_error_is_exit_code_1(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("✗ ")
    assert "--help' for what it takes" in captured.err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["aply"], "apply"), (["agent", "creat"], "create"), (["locl"], "local"), (["vaildate"], "validate")],
    ids=str,
)
def test_a_mistyped_command_gets_a_suggestion(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["apply", "-o", "json"], ["plan", "--bad", "-ojson"]], ids=str)
def test_a_usage_error_of_a_change_command_is_the_whole_object_in_json(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    value = json.loads(capsys.readouterr().out)
    assert {"changes", "summary", "revision", "diagnostics"} <= value.keys()
    assert value["diagnostics"][0]["severity"] == "error"


def test_an_error_of_another_command_is_an_error_object_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "get", "nonsense.key", "-o", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "INVALID_ARGUMENT"


def test_an_error_of_ours_shows_message_violations_and_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = FailedPrecondition("it is \x1b[31min use", violations=[Violation("spec.a", "by b")], hint="delete b first")
    fail_with(error, monkeypatch)
    assert main(["apply"]) == 1
    assert capsys.readouterr().err == "✗ it is [31min use\n  spec.a: by b\n  delete b first\n"


def test_an_unexpected_fault_is_one_line_and_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(ZeroDivisionError("division by zero"), monkeypatch)
    assert main(["apply"]) == 1
    assert capsys.readouterr().err == (
        "✗ unexpected ZeroDivisionError: division by zero\n  run with STIGMER_DEBUG=1 for the traceback\n"
    )


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STIGMER_DEBUG", "1")
    fail_with(ZeroDivisionError("division by zero"), monkeypatch)
    assert main(["apply"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(PermissionError(13, "Permission denied", "/some/file"), monkeypatch)
    assert main(["apply"]) == 1
    assert capsys.readouterr().err == "✗ /some/file: Permission denied\n"


def test_ctrl_c_is_exit_code_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)
    assert main(["get", "agents"]) == 130
    assert capsys.readouterr().err == "✗ interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("apply -o json", True),
        ("apply --output json", True),
        ("apply --output=json", True),
        ("-ojson apply", True),
        ("apply -o json -o yaml", False),
        ("apply -o yaml", False),
        ("apply -- -o json", False),
        ("apply -o", False),
    ],
)
def test_whether_json_is_wanted_is_known_without_parsing(arguments: str, answer: bool) -> None:
    assert asks_for_json(arguments.split()) is answer


@pytest.mark.parametrize("command", ["apply", "config"])
def test_a_format_that_a_command_does_not_have_is_refused_with_those_it_has(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"apply": ["apply", "-f", "x", "-o", "xml"], "config": ["config", "list", "-o", "wide"]}[command]
    assert main(arguments) == 1
    assert "-o takes table," in capsys.readouterr().err


def test_a_bad_jsonpath_is_refused_before_anything_is_done(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "-f", "x", "-o", "jsonpath={.a["]) == 1
    assert "jsonpath expression" in capsys.readouterr().err
    assert not home.exists()


def test_common_options_may_stand_before_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-o", "json", "--data-dir", str(tmp_path / "d"), "local", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["data_dir"] == str(tmp_path / "d")


def test_common_options_may_stand_before_the_word_of_a_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["local", "-o", "json", "--data-dir", str(tmp_path / "d"), "status"]) == 0
    assert json.loads(capsys.readouterr().out)["data_dir"] == str(tmp_path / "d")


def test_the_last_of_a_common_option_wins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data-dir", "/nowhere", "local", "status", "--data-dir", str(tmp_path), "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["data_dir"] == str(tmp_path)


def child(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "stigmer.cli", *arguments], env=environment, **{"stderr": subprocess.PIPE, **options}
    )


def test_a_closed_pipe_is_quiet_and_141() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = child("config", "list", stdout=writer)
    os.close(writer)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (141, b"")


def test_a_full_disk_behind_the_output_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        process = child("--help", stdout=full)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors == "✗ cannot write the output: No space left on device\n".encode()


def test_closed_standard_streams_are_no_fault() -> None:
    script = f"exec {sys.executable} -m stigmer.cli config list >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(["/bin/sh", "-c", script], env=environment, timeout=20, check=False).returncode == 0


def test_a_terminal_that_is_not_unicode_is_no_fault() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "stigmer.cli", "aply"], env=environment, capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr[:7]) == (1, b"\\u2717 ")


def test_an_interrupt_from_outside_is_130(home: Path) -> None:
    (home / "data" / "logs").mkdir(parents=True)
    (home / "data" / "logs" / "daemon.log").write_text("one line\n", encoding="utf-8")
    with child("local", "logs", "--follow", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"one line\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "✗ interrupted\n".encode())
