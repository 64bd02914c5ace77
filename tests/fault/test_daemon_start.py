"""R5: one owner of a data directory, whatever was left there and however many start at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stigmer.server.__main__ import EXIT_ALREADY_RUNNING, EXIT_FAILED, EXIT_UNUSABLE, EXIT_USAGE

from .daemon_process import connected, daemon, empty, finish, read_record, spawn, wait_until_serving

AT_ONCE, AT_ONCE_LONG = 20, 100


def start_many(data_dir: Path, count: int) -> None:
    """Start `count` daemons together: one serves, the others say so and leave."""
    processes = [spawn(data_dir) for _ in range(count)]
    try:
        record = wait_until_serving(data_dir, *processes)
        losers = [each for each in processes if each.pid != record["pid"]]
        for each in losers:
            code, said = finish_by_itself(each)
            assert code == EXIT_ALREADY_RUNNING, said
            assert "another daemon owns" in said
        with connected(record) as stub:
            assert stub.GetServerInfo(empty(stub), timeout=10).pid == record["pid"]
        assert [each.pid for each in processes if each.poll() is None] == [record["pid"]]
    finally:
        for each in processes:
            finish(each)


def finish_by_itself(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def leave_stale_files(data_dir: Path) -> None:
    """What a daemon that was killed leaves: a lock file, a socket nobody listens on, a record of a dead process."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    (data_dir / "daemon.lock").touch()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(data_dir / "daemon.sock"))
    record = {"pid": 2**22 - 1, "socket": str(data_dir / "daemon.sock"), "version": "0", "contract_hash": "x"}
    (data_dir / "daemon.json").write_text(json.dumps(record))


def test_of_many_starts_at_once_one_serves(tmp_path):
    leave_stale_files(tmp_path / "data")
    start_many(tmp_path / "data", AT_ONCE)


@pytest.mark.slow
def test_of_a_hundred_starts_at_once_one_serves(tmp_path):
    for attempt in range(5):
        leave_stale_files(tmp_path / f"data{attempt}")
        start_many(tmp_path / f"data{attempt}", AT_ONCE_LONG)


def test_a_broken_record_and_a_killed_owner_are_no_obstacle(tmp_path):
    first = spawn(tmp_path)
    old = wait_until_serving(tmp_path, first)
    finish(first)
    (tmp_path / "daemon.json").write_text("{")
    with daemon(tmp_path) as new:
        assert new["start_id"] != old["start_id"]
        with connected(new) as stub:
            assert stub.GetServerInfo(empty(stub), timeout=10).pid == new["pid"]


def test_the_folder_is_private_and_says_where_the_daemon_is(tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    with daemon(data_dir) as record:
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        found = Path(record["socket"]).stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert record["tcp"] == ""
        assert record.keys() == {"pid", "version", "contract_hash", "socket", "tcp", "started_at", "start_id"}
        for path in data_dir.rglob("*"):
            assert not path.stat().st_mode & 0o077, path


@pytest.mark.parametrize("name", ["x" * 120, "with space %20 and ümlaut"], ids=["long", "unusual"])
def test_a_path_that_no_socket_address_can_carry_is_replaced_by_a_short_one(tmp_path, name):
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    with daemon(tmp_path / name, XDG_RUNTIME_DIR=str(runtime), TMPDIR=str(runtime)) as record:
        path = Path(record["socket"])
        assert tmp_path / name not in path.parents
        assert len(os.fsencode(path)) < 108
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list((tmp_path / name).glob("*.sock"))


def test_a_daemon_whose_folder_is_gone_ends(tmp_path):
    process = spawn(tmp_path / "data")
    wait_until_serving(tmp_path / "data", process)
    shutil.rmtree(tmp_path / "data")
    assert finish_by_itself(process)[0] == EXIT_UNUSABLE


def test_a_daemon_whose_folder_was_replaced_leaves_its_successor_alone(tmp_path):
    folder = tmp_path / "data"
    first = spawn(folder)
    wait_until_serving(folder, first)
    shutil.rmtree(folder)
    second = spawn(folder)
    try:
        wait_until_serving(folder, second)
        first.communicate(timeout=30)
        assert first.returncode == 73
        with connected(wait_until_serving(folder, second)) as stub:
            assert stub.GetServerInfo(empty(stub), timeout=10).pid == second.pid
        assert (folder / "daemon.sock").exists()
    finally:
        second.terminate()
        second.communicate(timeout=30)


def test_a_record_removed_by_hand_is_written_again(tmp_path):
    folder = tmp_path / "data"
    daemon = spawn(folder)
    try:
        before = wait_until_serving(folder, daemon)
        (folder / "daemon.json").unlink()
        assert wait_until_serving(folder, daemon) == before
    finally:
        daemon.terminate()
        daemon.communicate(timeout=30)


def test_two_folders_have_two_daemons(tmp_path):
    with daemon(tmp_path / "a") as first, daemon(tmp_path / "b") as second:
        assert first["socket"] != second["socket"]


def refused(data_dir: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    code, said = finish_by_itself(spawn(data_dir, *arguments, **environment))
    assert "Traceback" not in said
    assert said.startswith("stigmer.server: ")
    return code, said


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code, said = refused(tmp_path / "file" / "data")
    assert code == EXIT_UNUSABLE
    assert "Not a directory" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_read_only_folder_is_a_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    code, said = refused(tmp_path)
    assert code == EXIT_UNUSABLE
    assert "Permission denied" in said


def test_a_damaged_store_is_a_clear_error(tmp_path):
    process = spawn(tmp_path)
    wait_until_serving(tmp_path, process)
    finish(process)
    (tmp_path / "data.mdb").write_bytes(b"")
    code, said = refused(tmp_path)
    assert code == EXIT_FAILED
    assert "data.mdb" in said


def test_an_unknown_engine_is_a_clear_error(tmp_path):
    code, said = refused(tmp_path, "--engine", "floppy")
    assert code == EXIT_USAGE
    assert "floppy" in said


def test_only_loopback_addresses_are_listened_on(tmp_path):
    code, said = refused(tmp_path, "--listen", "0.0.0.0:0")
    assert code == EXIT_USAGE
    assert "address" in said
    assert read_record(tmp_path) is None


def test_the_loopback_port_takes_the_token_of_the_folder(tmp_path):
    with daemon(tmp_path, "--listen", "127.0.0.1:0") as record:
        token = (tmp_path / "daemon.token").read_text().strip()
        assert len(token) == 64
        script = (
            "import grpc, sys\n"
            "channel = grpc.insecure_channel(sys.argv[1])\n"
            "call = channel.unary_unary('/stigmer.backend.v1.BackendService/GetServerInfo')\n"
            "call(b'', metadata=(('authorization', 'Bearer ' + sys.argv[2]),), timeout=10)\n"
        )
        for given, code in ((token, 0), ("wrong", 1)):
            command = [sys.executable, "-c", script, record["tcp"], given]
            assert subprocess.run(command, capture_output=True, check=False).returncode == code


def test_a_clients_look_at_the_lock_does_not_keep_a_daemon_from_starting(tmp_path):
    """Whoever asks whether a daemon lives takes the lock for an instant."""
    import fcntl

    (tmp_path / "daemon.lock").touch()
    with (tmp_path / "daemon.lock").open("rb") as probe:
        fcntl.flock(probe, fcntl.LOCK_SH)
        process = spawn(tmp_path)
        time.sleep(0.05)
        fcntl.flock(probe, fcntl.LOCK_UN)
        wait_until_serving(tmp_path, process)
        finish(process)
