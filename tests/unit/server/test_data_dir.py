"""The files of a data directory around the store: lock, socket, record, token, log."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys

import pytest

from stigmer.errors import InvalidArgument, Unauthenticated, Unavailable
from stigmer.server import logs, record, socket, tokens
from stigmer.server.lock import DataDirLock, LockHeldError
from stigmer.server.record import DaemonRecord


def test_the_lock_has_one_holder_and_goes_with_it(tmp_path):
    with DataDirLock(tmp_path), pytest.raises(LockHeldError):
        DataDirLock(tmp_path)
    DataDirLock(tmp_path).release()
    assert (tmp_path / "daemon.lock").exists()


def test_the_lock_is_not_inherited_by_children(tmp_path):
    lock = DataDirLock(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.release()
    DataDirLock(tmp_path).release()
    child.communicate(b"\n")


def test_a_short_plain_path_is_used_as_it_is(tmp_path):
    assert socket.socket_path(tmp_path) == tmp_path / "daemon.sock"


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """Where short sockets go, and a data directory whose own path is too long."""
    monkeypatch.setattr(socket, "_runtime_folders", lambda: [tmp_path / "run"])
    return tmp_path / "run", tmp_path / ("x" * 120)


def test_a_long_path_gets_one_short_name_per_folder(runtime):
    folder, data_dir = runtime
    first = socket.socket_path(data_dir)
    assert first.parent == folder
    assert first == socket.socket_path(data_dir)
    assert first != socket.socket_path(data_dir.with_name("y" * 120))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_runtime_folder_that_others_can_enter_is_not_trusted(runtime):
    folder, data_dir = runtime
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(Unavailable):
        socket.socket_path(data_dir)


def test_a_runtime_folder_behind_a_link_is_not_trusted(runtime, tmp_path):
    folder, data_dir = runtime
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        socket.socket_path(data_dir)


def test_the_record_is_replaced_whole_and_private(tmp_path):
    fields = DaemonRecord(1, "0.1", "hash", "/s", "", "now", "id")
    record.write(tmp_path, fields)
    record.write(tmp_path, fields)
    assert json.loads((tmp_path / "daemon.json").read_text())["pid"] == 1
    assert stat.S_IMODE((tmp_path / "daemon.json").stat().st_mode) == 0o600
    record.remove(tmp_path)
    record.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_token_is_made_once_and_kept_private(tmp_path):
    token = tokens.read_token(tmp_path)
    assert len(bytes.fromhex(token)) == 32
    assert tokens.read_token(tmp_path) == token
    (tmp_path / "daemon.token").chmod(0o644)
    with pytest.raises(Unavailable):
        tokens.read_token(tmp_path)


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", "127.0.0.1:0"), ("localhost:80", "127.0.0.1:80"), ("[::1]:9", "[::1]:9"), ("127.9.9.9:1",) * 2],
)
def test_loopback_addresses_are_accepted(text, address):
    assert tokens.loopback_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0:0", "192.0.2.1:80", "example.com:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":80", "[::]:1"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidArgument):
        tokens.loopback_address(text)


def test_only_the_unix_socket_needs_no_token():
    callers = tokens.LocalCallers()
    assert callers("unix:", {}) == callers("unix:/path", {})
    with pytest.raises(Unauthenticated):
        callers("ipv4:127.0.0.1:5", {"authorization": "Bearer "})


def test_the_actor_is_the_user_and_the_host(monkeypatch):
    assert tokens.actor().count("@") == 1

    def nobody():
        raise KeyError

    monkeypatch.setattr(tokens.getpass, "getuser", nobody)
    assert tokens.actor().startswith(f"uid-{os.geteuid()}@")


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


def test_the_log_rotates_and_is_private(tmp_path, root_logger, monkeypatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 1_000)
    old = os.umask(0o077)
    try:
        logs.configure(tmp_path)
        for number in range(200):
            logging.getLogger("stigmer").info("line %d", number)
    finally:
        os.umask(old)
    files = list((tmp_path / "logs").iterdir())
    assert len(files) == 1 + logs.KEPT_LOGS
    assert all(each.stat().st_size <= 1_000 and stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)


@pytest.mark.parametrize(("text", "level"), [("debug", 10), ("WARNING", 30), ("nonsense", 20), ("", 20)])
def test_the_level_comes_from_the_environment(monkeypatch, text, level):
    monkeypatch.setenv("STIGMER_LOG_LEVEL", text)
    assert logs.level() == level
