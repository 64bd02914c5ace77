"""The local daemon as its clients meet it: found, started, recognised, replaced, stopped, and found dead."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reconciler.actions import Action
from reconciler.ports import ApplyOptions, ResourceChange
from reconciler.resource import ResourceKey
from stigmer.backend import daemon, local, open_backend, start, upload
from stigmer.backend.client import new_request_id
from stigmer.backend.config import Config
from stigmer.contract import default_contract
from stigmer.errors import FailedPrecondition, InvalidArgument, NotFound, StigmerError, Unavailable
from stigmer.version import VERSION

from .local_backend import configure, kill, local_config, python


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    with local_config(tmp_path / "home") as config:
        yield config


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A daemon for the tests that let it live."""
    with local_config(tmp_path_factory.mktemp("running")) as config:
        local.start(config)
        yield config


def agent(slug: str) -> Any:
    message: Any = default_contract().kinds["Agent"].message_class
    return message(metadata={"name": slug}, spec={"instructions": "answer every question"})


def pid_of(config: Config) -> int:
    with local.connect_local(config) as backend:
        return backend.server_info().pid


def edit_record(config: Config, **changes: Any) -> None:
    path = config.data_dir / daemon.RECORD_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


CLIENT = """
import sys
from stigmer.backend import config, local
with local.connect_local(config.load()) as backend:
    print(backend.server_info().pid)
"""


def test_connecting_starts_one_daemon_and_finds_it_again(config: Config) -> None:
    assert not local.status(config).running
    pid = pid_of(config)
    assert pid_of(config) == pid
    status = local.status(config)
    assert (status.running, status.pid, status.version, status.engine) == (True, pid, VERSION, "lmdb")
    assert (status.data_dir, status.revision, status.tcp) == (str(config.data_dir), 0, "")
    assert (len(status.store_id) > 0, status.contract_hash) == (True, default_contract().hash)
    assert 0 <= status.uptime < 60
    assert Path(status.socket).is_socket()


def test_nothing_is_started_by_looking(config: Config) -> None:
    assert not local.status(config).running
    assert local.stop(config) is None
    with pytest.raises(NotFound, match="there is no log"):
        next(local.logs(config))
    assert not config.data_dir.exists()


@pytest.mark.parametrize("count", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_many_clients_at_once_end_with_one_daemon(config: Config, count: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(python(config, CLIENT)) for _ in range(count)]
        answers = [client.communicate(timeout=60) for client in clients]
    assert {error for _, error in answers} == {""}
    assert len({pid for pid, _ in answers}) == 1


def test_many_threads_at_once_end_with_one_daemon(config: Config) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(pid_of, [config] * 8))) == 1


def test_the_daemon_outlives_the_process_that_started_it(config: Config) -> None:
    with python(config, CLIENT) as client:
        out, error = client.communicate(timeout=30)
    assert (client.returncode, error) == (0, "")
    pid = int(out)
    assert daemon.is_alive(pid)
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    open_files = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert not any(name.startswith("pipe:") for name in open_files), "the client's pipes would never end"


def test_it_is_found_whatever_the_clients_folder_and_path(running: Config, tmp_path: Path) -> None:
    root = Path(local.__file__).resolve().parents[2]
    (tmp_path / "link").symlink_to(root)
    environment = os.environ | {"STIGMER_HOME": str(running.home), "PYTHONPATH": "link"}
    run = subprocess.run(
        [sys.executable, "-c", CLIENT],
        check=False,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_folders_and_files_are_their_owners(running: Config) -> None:
    made = [running.data_dir, running.data_dir / "logs", *running.data_dir.rglob("*")]
    open_to_others = [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_stopping_is_told_once(config: Config) -> None:
    pid = pid_of(config)
    assert local.stop(config) == pid
    assert not daemon.is_alive(pid)
    assert local.stop(config) is None
    assert not local.status(config).running


def test_restarting_keeps_the_data(config: Config) -> None:
    with open_backend(config) as backend:
        backend.create("agent", agent("bot"))
    before = local.status(config)
    after = local.restart(config)
    assert after.pid != before.pid
    assert (after.revision, after.store_id) == (before.revision, before.store_id)


def test_a_killed_daemon_is_replaced_and_its_leftovers_do_not_matter(config: Config) -> None:
    with open_backend(config) as backend:
        backend.create("agent", agent("bot"))
    pid = kill(config)
    assert (config.data_dir / daemon.RECORD_NAME).exists()
    assert not local.status(config).running
    assert local.stop(config) is None
    with open_backend(config) as backend:
        assert backend.server_info().pid != pid
        assert backend.get("agent", "bot").metadata.slug == "bot"  # type: ignore[attr-defined]


def test_a_client_in_use_survives_the_daemons_death(config: Config) -> None:
    with open_backend(config) as backend:
        backend.create("agent", agent("before"))
        kill(config)
        backend.create("agent", agent("after"))
        assert backend.server_info().revision == 2
        assert {each.metadata.slug for each in backend.list("agents")} == {"before", "after"}  # type: ignore[attr-defined]


def test_a_watch_survives_a_restart(config: Config) -> None:
    with open_backend(config) as backend:
        seen: list[tuple[int, str]] = []
        enough = threading.Event()

        def follow() -> None:
            for event in backend.watch(0):
                seen.append((event.revision, event.key.slug))
                if event.key.slug == "last":
                    enough.set()
                    return

        watcher = threading.Thread(target=follow)
        watcher.start()
        backend.create("skill", _skill("first"))
        local.restart(config)
        backend.create("skill", _skill("second"))
        backend.create("skill", _skill("last"))
        assert enough.wait(10)
        watcher.join()
    assert seen == [(1, "first"), (2, "second"), (3, "last")]


def _skill(slug: str) -> Any:
    message: Any = default_contract().kinds["Skill"].message_class
    return message(metadata={"name": slug}, spec={"skill_md": "# how"})


@pytest.mark.parametrize("record", ["", "{", "[]", "null", '{"pid": "x"}', '{"pid": 1}', "\0" * 100])
def test_a_record_that_is_none_counts_as_absent(config: Config, record: str) -> None:
    config.data_dir.mkdir(parents=True)
    (config.data_dir / daemon.RECORD_NAME).write_text(record)
    assert daemon.serving(config.data_dir) is None
    assert daemon.owner(config.data_dir) is None
    assert not local.status(config).running


def test_a_record_of_somebody_elses_process_stops_nobody(config: Config, tmp_path: Path) -> None:
    local.start(config)
    kill(config)
    bystander = subprocess.Popen(["sleep", "30"])
    try:
        edit_record(config, pid=bystander.pid)
        assert local.stop(config) is None
        assert not local.status(config).running
        assert pid_of(config) != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_idle_daemon_of_another_version_makes_way(config: Config) -> None:
    pid = local.start(config).pid
    edit_record(config, version="0.0.9")
    assert pid_of(config) != pid
    assert not daemon.is_alive(pid)


def test_a_daemon_of_another_contract_makes_way(config: Config) -> None:
    pid = local.start(config).pid
    edit_record(config, contract_hash="0" * 64)
    assert pid_of(config) != pid


def test_a_busy_daemon_of_another_version_is_left_alone_and_named(config: Config) -> None:
    with open_backend(config) as backend:
        pid = backend.server_info().pid
        backend.create("agent", agent("bot"))
        watch = backend.watch(0)
        next(watch)
        edit_record(config, version="0.0.9")
        with pytest.raises(FailedPrecondition) as caught:
            local.connect_local(config)
        watch.close()  # type: ignore[attr-defined]
    assert daemon.is_alive(pid)
    assert "version 0.0.9" in caught.value.message
    assert f"version {VERSION}" in caught.value.message
    assert "stigmer local restart" in caught.value.hint


@pytest.mark.parametrize("data_dir", ["/dev/null/data", "/proc/stigmer", "{file}", "{file}/data"])
def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, data_dir: str) -> None:
    (tmp_path / "file").write_text("")
    config = configure(tmp_path / "home", STIGMER_DATA_DIR=data_dir.format(file=tmp_path / "file"))
    with pytest.raises(FailedPrecondition, match="cannot use the data folder") as caught:
        local.connect_local(config)
    assert str(config.data_dir) in caught.value.message
    assert "backend.local.data_dir" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_named(config: Config) -> None:
    config.data_dir.mkdir(parents=True)
    (config.data_dir / "logs").mkdir()
    config.data_dir.chmod(0o500)
    with pytest.raises(FailedPrecondition, match="read-only"):
        local.connect_local(config)
    config.data_dir.chmod(0o700)


def test_a_daemon_that_cannot_start_says_why(config: Config) -> None:
    local.start(config)
    local.stop(config)
    (database,) = config.data_dir.rglob("data.mdb")
    database.write_bytes(b"not a database" * 1000)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        local.connect_local(config)
    assert time.monotonic() - began < 10
    assert "did not start: it ended with code" in caught.value.message
    assert "stigmer.server: " in caught.value.message
    assert caught.value.reason == "DAEMON_NOT_STARTED"
    assert str(config.data_dir) in caught.value.hint


def test_the_last_words_are_those_of_this_start(config: Config) -> None:
    logs = config.data_dir / "logs"
    logs.mkdir(parents=True)
    (logs / daemon.OUTPUT_NAME).write_text("an older complaint\n")
    local.start(config)
    local.stop(config)
    (database,) = config.data_dir.rglob("data.mdb")
    database.write_bytes(b"")
    with pytest.raises(Unavailable) as caught:
        local.connect_local(config)
    assert "older complaint" not in caught.value.message


def test_a_folder_held_by_something_that_never_serves_ends_with_the_deadline(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.data_dir.mkdir(parents=True)
    with (config.data_dir / daemon.LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        with monkeypatch.context() as patch:
            patch.setattr(start, "START_S", 0.5)
            with pytest.raises(Unavailable, match="held by a process that has not answered"):
                local.connect_local(config)
        assert time.monotonic() - began < 2
    assert pid_of(config) > 0


def test_a_daemon_on_its_way_out_is_waited_for(config: Config) -> None:
    """The lock is free only a moment after the socket has closed."""
    config.data_dir.mkdir(parents=True)
    with (config.data_dir / daemon.LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.4, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        assert pid_of(config) > 0


def test_a_frozen_daemon_is_reported_and_not_waited_for_in_vain(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "STOP_S", 0.3)
    monkeypatch.setattr(local, "INFO_S", 0.5)
    pid = local.start(config).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StigmerError, match=r"in time|timed out"):
            local.status(config)
        with pytest.raises(Unavailable, match="has not stopped within"):
            local.stop(config)
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(local, "STOP_S", 10.0)
    local.stop(config)


def test_a_long_path_does_not_matter(tmp_path: Path) -> None:
    with local_config(tmp_path / ("long" * 20) / ("er" * 30)) as config:
        assert len(str(config.data_dir)) > 150
        assert pid_of(config) == local.status(config).pid


def test_the_log_can_be_read_and_followed(running: Config) -> None:
    with open_backend(running) as backend:
        backend.server_info()
        lines = local.logs(running, 1000, follow=True)
        assert "serving on" in next(lines)
        backend.create("agent", agent("bot"))
        assert any("CreateAgent" in line for line in lines)
        lines.close()  # type: ignore[attr-defined]
    assert len(list(local.logs(running, 1))) == 1


def test_the_cloud_backend_says_that_it_is_not_there_yet(tmp_path: Path) -> None:
    config = configure(tmp_path, STIGMER_BACKEND="cloud")
    with pytest.raises(FailedPrecondition, match="not available in this version") as caught:
        open_backend(config)
    assert "stigmer backend switch local" in caught.value.hint


def test_an_upload_that_fails_while_it_is_made_changes_nothing(
    running: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    right = {"metadata": {"name": "bot"}, "spec": {"instructions": "answer every question"}}
    wrong = {"metadata": {"name": "bot"}, "spec": {"instructionz": "answer every question"}}
    with open_backend(running) as backend:
        before = backend.server_info().revision
        for number in range(1, 20):
            bodies = [right] * number + [wrong]
            changes = [
                ResourceChange(ResourceKey("Agent", "local", f"bot-{at}"), Action.CREATE, body)
                for at, body in enumerate(bodies)
            ]
            with pytest.raises(InvalidArgument):
                backend.apply_changes(changes, ApplyOptions(new_request_id()))
        assert backend.server_info().revision == before


def test_every_typed_operation_reaches_the_daemon(running: Config) -> None:
    with open_backend(running) as backend:
        created: Any = backend.create("agent", agent("bot"), org="acme")
        found: Any = backend.get("agent", "bot", "acme")
        assert created == found
        found.spec.description = "helps"
        updated: Any = backend.update("agent", found)
        assert (updated.spec.description, updated.metadata.generation) == ("helps", 2)
        masked: Any = backend.update("agent", agent_with_id(updated), update_mask=["spec.description"])
        assert masked.spec.description == ""
        listed: list[Any] = list(backend.list("agents", org="acme"))
        assert [each.metadata.id for each in listed] == [created.metadata.id]
        assert created.metadata.id in {each.metadata.id for each in backend.list("agents", org="-")}  # type: ignore[attr-defined]
        assert created.metadata.id not in {each.metadata.id for each in backend.list("agents")}  # type: ignore[attr-defined]
        gone: Any = backend.delete("agent", resource_id=created.metadata.id, etag=masked.metadata.etag)
        assert gone.metadata.id == created.metadata.id
        with pytest.raises(NotFound, match="agent not found: bot"):
            backend.get("agent", "bot", "acme")
        assert backend.delete("agent", "bot", "acme", allow_missing=True).metadata.id == ""  # type: ignore[attr-defined]


def agent_with_id(found: Any) -> Any:
    message: Any = default_contract().kinds["Agent"].message_class
    return message(metadata={"id": found.metadata.id})
