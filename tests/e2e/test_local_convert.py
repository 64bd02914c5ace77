"""Changing the storage engine as a user does: everything is still there, and nobody notices but the configuration.
Crashes and full disks are under tests/fault."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from stigmer.backend.config import load
from stigmer.backend.factory import open_backend

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICKSTART = EXAMPLES / "quickstart"


@pytest.fixture
def filled(own_cli):
    """A home with an agent at revision 1."""
    own_cli.write("bot.yaml", own_cli.agent("Bot"))
    own_cli.ok("apply", "-f", "bot.yaml")
    return own_cli


def manifests(cli) -> str:
    """Everything, as a person sees it."""
    return cli.ok("export", "--all").out + cli.ok("get", "agents", "-o", "yaml").out


def watched(cli, since: int, epoch: str, count: int) -> list[tuple[int, str]]:
    """(revision, slug) of the next events behind a cursor."""
    with open_backend(load(environ=cli.environment())) as backend:
        stream = backend.watch(since, epoch=epoch)
        events = [next(stream) for _ in range(count)]
        stream.close()
    return [(event.revision, str(event.key)) for event in events]


def info(cli) -> tuple[str, str, int]:
    with open_backend(load(environ=cli.environment())) as backend:
        found = backend.server_info()
    return found.store_id, found.epoch, found.revision


def test_there_and_back_again_nothing_has_changed(filled) -> None:
    filled.ok("apply", "-f", QUICKSTART)
    before, who, events = manifests(filled), info(filled), watched(filled, 1, info(filled)[1], 2)
    for engine in ("sqlite", "lmdb"):
        done = filled.json("local", "convert", "--to", engine, "--yes")
        assert (done["converted"], done["engine"], done["revision"]) == (True, engine, who[2])
        assert done["records"] > 5
        assert Path(done["kept_in"], "store.json").exists()
        assert manifests(filled) == before
        assert watched(filled, 1, who[1], 2) == events
        filled.ok("plan", "-f", QUICKSTART, "--detailed-exitcode")
        assert filled.json("apply", "-f", QUICKSTART)["committed"] is False
        assert info(filled) == who
    assert len(list((filled.home / "data").glob("before-convert-*"))) == 2
    filled.write("bot.yaml", filled.agent("Bot", "Something else."))
    assert filled.json("apply", "-f", "bot.yaml")["summary"]["updated"] == 1
    assert filled.revision() == who[2] + 1


def test_a_person_is_asked_and_told(filled) -> None:
    pid = filled.pid()
    refused = filled("local", "convert", "--to", "sqlite")
    assert (refused.code, "--yes" in refused.err) == (5, True)
    assert filled.pid() == pid
    result = filled.ok("local", "convert", "--to", "sqlite", "--yes")
    told, kept, config = result.err.splitlines()
    assert "converted from lmdb to sqlite and verified" in told
    assert Path(kept.rpartition("rm -r ")[2], "data.mdb").exists()
    assert "backend.local.engine is sqlite from now on" in config
    assert result.out == ""
    assert filled.json("local", "status").items() >= {"running": False, "engine": "sqlite"}.items()
    assert "is of the engine sqlite already" in filled.ok("local", "convert", "--to", "sqlite").err


def test_an_engine_is_one_of_those_there_are(own_cli) -> None:
    assert own_cli("local", "convert").code == 1
    assert "sqlite" in own_cli("local", "convert", "--to", "postgres").err
    assert not own_cli.home.exists()


def test_a_store_of_another_engine_than_configured_is_refused_with_the_command_that_converts_it(filled) -> None:
    filled.ok("local", "stop")
    filled.ok("config", "set", "backend.local.engine", "sqlite")
    refused = filled("get", "agents")
    assert refused.code == 1
    assert "stigmer local convert --to sqlite" in refused.err
    assert "stigmer config set backend.local.engine lmdb" in refused.err
    done = filled.json("local", "convert", "--to", "lmdb")
    assert (done["converted"], done["engine"], done["engine_set"]) == (False, "lmdb", True)
    assert "bot" in filled.ok("get", "agents").out


def test_what_is_advised_for_another_folder_leaves_the_own_one_alone(filled) -> None:
    """Both commands of the advice, carried out to the letter."""
    other = ("--data-dir", str(filled.folder / "other"))
    filled.ok(*other, "local", "start")
    filled.ok(*other, "local", "stop")
    filled.ok("local", "convert", "--to", "sqlite", "--yes")
    advice = filled(*other, "get", "agents").err
    assert f"set STIGMER_ENGINE to lmdb for commands on {other[1]}" in advice
    assert f"stigmer --data-dir {other[1]} local convert --to sqlite" in advice
    filled.ok(*other, "local", "convert", "--to", "sqlite", "--yes")
    filled.ok(*other, "get", "agents")
    assert "bot" in filled.ok("get", "agents").out
    filled.ok(*other, "local", "stop")


def test_without_a_store_only_the_configuration_changes(own_cli) -> None:
    assert "holds no store yet" in own_cli.ok("local", "convert", "--to", "sqlite").err
    own_cli.ok("local", "start")
    assert (own_cli.home / "data" / "data.sqlite").exists()


def test_damage_is_refused_and_the_store_left_alone(filled) -> None:
    filled.ok("local", "stop")
    path = filled.home / "data" / "data.mdb"
    content = path.read_bytes()
    damaged = content.replace(b"Do as you are told.", b"Do as you are t0ld.")
    assert damaged != content
    path.write_bytes(damaged)
    refused = filled("local", "convert", "--to", "sqlite", "--yes")
    assert (refused.code, "damaged" in refused.err, "stigmer local restore" in refused.err) == (1, True, True)
    assert path.read_bytes() == damaged
    assert list((filled.home / "data").glob("*.tmp")) == []
    path.write_bytes(content)
    filled.ok("local", "convert", "--to", "sqlite", "--yes")


@pytest.mark.parametrize(("end", "seconds"), [(signal.SIGINT, 0.35), (signal.SIGKILL, 0.5)], ids=["Ctrl-C", "kill -9"])
def test_a_conversion_that_is_cut_short_leaves_a_store_that_serves(filled, end: int, seconds: float) -> None:
    before, who = manifests(filled), info(filled)
    with filled.start("local", "convert", "--to", "sqlite", "--yes", start_new_session=True) as process:
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, end) if end == signal.SIGKILL else process.send_signal(end)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err.decode(), (out, err)
    await_maintenance_end(filled)
    engine = json.loads((filled.home / "data" / "store.json").read_text())["engine"]
    filled.ok("local", "convert", "--to", engine, "--yes")
    assert (manifests(filled), info(filled)) == (before, who)


def await_maintenance_end(cli) -> None:
    """A conversion whose caller was killed comes to its own end."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        if not any("server.maintenance" in line and str(cli.home) in line for line in listed.splitlines()):
            return
        time.sleep(0.05)
    raise AssertionError("the conversion does not end")
