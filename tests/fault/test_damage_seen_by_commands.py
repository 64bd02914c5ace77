"""Damaged data as a user meets them: what `get` shows is right or an error, the doctor names the damage and what to do,
and there is no backup of it. Commands run in this process, daemons and maintenance in their own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stigmer.backend import daemon
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.main import main

from .backup_kit import ROOT

PAGE = 4096
AGENTS = 30
DATA = {"lmdb": "data.mdb", "sqlite": "data.sqlite"}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Home:
    """A home folder of stigmer."""

    path: Path
    engine: str = "lmdb"
    expected: dict[str, str] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        return self.path / "data"

    @property
    def data(self) -> Path:
        return self.data_dir / DATA[self.engine]

    def __call__(self, *arguments: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("STIGMER_HOME", str(self.path))
            patch.chdir(self.path)
            code = main(list(map(str, arguments)))
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return Answer(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: object) -> Answer:
        answer = self(*arguments)
        assert answer.code == 0, answer
        return answer

    def apply(self, text: str) -> None:
        documents = [
            {
                "apiVersion": "agentic.stigmer.ai/v1",
                "kind": "Agent",
                "metadata": {"name": f"Bot {number}"},
                "spec": {"instructions": f"{text} {number} " * 40},
            }
            for number in range(AGENTS)
        ]
        (self.path / "agents.yaml").write_text("\n---\n".join(map(json.dumps, documents)))
        self.ok("apply", "-f", "agents.yaml")

    def agents(self) -> dict[str, str] | None:
        """Instructions by name as `get` shows them; None when it says that it cannot."""
        answer = self("get", "agents", "-o", "json")
        if answer.code:
            assert answer.code == ExitCode.ERROR
            assert answer.json["error"]["code"] in {"DATA_LOSS", "UNAVAILABLE", "FAILED_PRECONDITION"}, answer
            return None
        return {item["metadata"]["name"]: item["spec"]["instructions"] for item in answer.json["items"]}

    def findings(self, *options: str) -> tuple[int, list[dict[str, Any]]]:
        answer = self("local", "doctor", *options, "-o", "json")
        return answer.code, [check for check in answer.json["checks"] if check["status"] == "error"]


@pytest.fixture(scope="module", params=["lmdb", pytest.param("sqlite", marks=pytest.mark.slow)])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose daemon has stopped: two revisions, and the data of the first one beside it as `older`."""
    home = Home(tmp_path_factory.mktemp("sound"), request.param)
    if home.engine != "lmdb":
        home.ok("config", "set", "backend.local.engine", home.engine)
    with contextlib.ExitStack() as stack:
        stack.callback(home, "local", "stop")
        home.apply("first")
        home.ok("local", "stop")
        shutil.copytree(home.data_dir, home.path / "older")
        home.apply("second")
        home.ok("apply", "-f", "agents.yaml")
        home.expected.update(home.agents() or {})
    assert len(home.expected) == AGENTS
    return home


@pytest.fixture
def home(sound: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy for one test."""
    shutil.copytree(sound.path, tmp_path / "home")
    copy = Home(tmp_path / "home", sound.engine, sound.expected)
    yield copy
    stop(copy)


def stop(home: Home) -> None:
    home("local", "stop")
    deadline = time.monotonic() + 10
    while daemon.lock_is_held(home.data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)


def empty(home: Home) -> None:
    home.data.write_bytes(b"")


def cut_in_half(home: Home) -> None:
    os.truncate(home.data, home.data.stat().st_size // 2)


def gone(home: Home) -> None:
    home.data.unlink()


def of_another_store(home: Home) -> None:
    other = home.path / "other"
    code = "import sys; from pathlib import Path; from stigmer.store.engines import open_store; "
    code += "open_store(Path(sys.argv[1]), sys.argv[2]).close()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(other), home.engine], check=True, env=environment)
    shutil.copy(other / home.data.name, home.data)


def unmarked(home: Home) -> None:
    (home.data_dir / "store.json").unlink()


def marked_with_rubbish(home: Home) -> None:
    (home.data_dir / "store.json").write_bytes(b'{"store_id": 7}')


def pages_of_text(home: Home) -> list[int]:
    data = home.data.read_bytes()
    return [at // PAGE for at in range(2 * PAGE, len(data), PAGE) if b"second" in data[at : at + PAGE]]


def a_letter_of_a_resource(home: Home) -> None:
    data = home.data.read_bytes()
    home.data.write_bytes(data.replace(b"second 7 ", b"secomd 7 "))


def a_page_blanked(home: Home) -> None:
    data = bytearray(home.data.read_bytes())
    for page in pages_of_text(home)[1:2]:
        data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    home.data.write_bytes(data)


DAMAGES: dict[str, Callable[[Home], None]] = {
    each.__name__: each
    for each in (
        empty,
        cut_in_half,
        gone,
        of_another_store,
        unmarked,
        marked_with_rubbish,
        a_letter_of_a_resource,
        a_page_blanked,
    )
}


SELDOM = {"cut_in_half", "gone", "unmarked", "marked_with_rubbish"}
"""Refused at the same place as others."""


@pytest.mark.parametrize(
    "damage", [pytest.param(name, marks=pytest.mark.slow) if name in SELDOM else name for name in DAMAGES]
)
def test_damage_is_told_by_every_command(home: Home, damage: str) -> None:
    DAMAGES[damage](home)
    assert home.agents() in (None, home.expected)
    code, findings = home.findings("--verify")
    assert code == ExitCode.UNSOUND, findings
    assert any("stigmer local restore" in check["hint"] for check in findings), findings
    stop(home)
    assert home.findings("--verify")[0] == ExitCode.UNSOUND
    refused = home("local", "backup", "backup.tar")
    assert refused.code == ExitCode.ERROR, refused
    assert not (home.path / "backup.tar").exists()
    assert not list(home.data_dir.glob("*.tmp"))


def check_flips(home: Home, numbers: range) -> None:
    whole = home.data.read_bytes()
    noticed = 0
    for number in numbers:
        chance = random.Random(number)
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        home.data.write_bytes(data)
        code, findings = home.findings("--verify")
        made = home("local", "backup", "backup.tar", "--force").code == 0
        shown = home.agents()
        stop(home)
        assert shown in (None, home.expected), number
        assert (code == 0) == made, (number, findings)
        if code:
            noticed += 1
        else:
            assert shown == home.expected, number
    assert noticed or len(numbers) < 10


def test_a_flipped_bit_is_harmless_or_told_by_every_command(home: Home) -> None:
    check_flips(home, range(2))


@pytest.mark.slow
def test_many_flipped_bits_are_harmless_or_told_by_every_command(home: Home) -> None:
    check_flips(home, range(100, 220))


def test_damage_is_found_while_the_daemon_serves(home: Home) -> None:
    """What the daemon has not looked at yet: its start walks small files, but reads no resource."""
    a_letter_of_a_resource(home)
    home.ok("local", "start")
    code, findings = home.findings("--verify")
    assert code == ExitCode.UNSOUND
    assert any("checksum" in check["message"] for check in findings)
    assert home("local", "backup", "backup.tar").code == ExitCode.ERROR
    assert home.agents() is None


def test_an_older_file_that_is_put_back_by_hand_is_seen_by_who_has_seen_more(home: Home) -> None:
    """SQLite keeps a mark of its own; for LMDB the memory of clients bears witness."""
    shutil.copy(home.path / "older" / home.data.name, home.data)
    code, findings = home.findings()
    assert code == ExitCode.UNSOUND
    assert findings


def test_the_advice_about_an_older_file_gives_the_store_a_history_of_its_own(home: Home) -> None:
    if home.engine != "lmdb":
        pytest.skip("its own mark refuses the file")
    shutil.copy(home.path / "older" / home.data.name, home.data)
    home.ok("local", "backup", "old.tar")
    home.ok("local", "restore", "old.tar", "--yes")
    assert home.findings()[0] == 0
    assert home.ok("apply", "-f", "agents.yaml", "-o", "json").json["summary"]["updated"] == AGENTS


def test_a_file_that_is_replaced_under_a_daemon_is_told_and_ends_it(home: Home) -> None:
    home.ok("local", "start")
    pid = daemon.owner(home.data_dir)
    assert pid is not None
    shutil.copy(home.path / "older" / home.data.name, home.path / "data.new")
    (home.path / "data.new").rename(home.data)
    code, findings = home.findings()
    assert code == ExitCode.UNSOUND, findings
    deadline = time.monotonic() + 10
    while daemon.is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_restore_puts_damaged_data_right(home: Home) -> None:
    home.ok("local", "backup", "good.tar")
    for damage in (empty, gone, marked_with_rubbish):
        damage(home)
        home.ok("local", "restore", "good.tar", "--yes")
        assert home.agents() == home.expected
        stop(home)
