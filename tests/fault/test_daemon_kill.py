"""R1: kill -9 of the daemon at any moment of a large apply, and SIGTERM in the middle of one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from stigmer.backend.v1 import backend_pb2
from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import default_contract
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES

from .daemon_process import apply_messages, connected, digests, finish, read_all, skill, spawn, wait_until_serving

CREATE, UPDATE = 1, 2
UNCHANGED = pb.CHANGE_OUTCOME_UNCHANGED


class Writer(threading.Thread):
    """Creates single skills one after the other and remembers what was acknowledged."""

    def __init__(self, record: dict[str, Any], first: int) -> None:
        super().__init__()
        self.record, self.number = record, first
        self.acknowledged: list[int] = []

    def run(self) -> None:
        with connected(self.record) as stub:
            while True:
                try:
                    resource = skill(self.number)
                    stub.CreateSkill(backend_pb2.CreateSkillRequest(resource=resource), timeout=20)
                except grpc.RpcError:
                    return
                self.acknowledged.append(self.number)
                self.number += 1


def campaign(tmp_path: Path, engine: str, points: int, size: int) -> int:
    """Kill the daemon at `points` moments of an apply of `size`; then everything acknowledged is there, whole. Returns
    how many of the applies happened."""
    chance = random.Random(points)
    expected: dict[int, str] = {}
    process = spawn(tmp_path, "--engine", engine)
    duration, total = 1.0, 0
    for point in range(points):
        record = wait_until_serving(tmp_path, process)
        wanted = [(UPDATE if number in expected else CREATE, skill(number, f"v{point}")) for number in range(size)]
        writer = Writer(record, first=50_000 + point * 1_000)
        writer.start()
        killer = threading.Timer(duration * chance.random(), os.kill, (process.pid, signal.SIGKILL))
        killer.start()
        started = time.monotonic()
        committed = try_apply(record, wanted, f"apply-{point}")
        # The next kill is aimed so that it falls on either side of the commit.
        duration = 1.3 * (time.monotonic() - started) if committed else 1.5 * duration
        killer.join()
        writer.join()
        finish(process)
        problems_in(tmp_path, engine)
        process = spawn(tmp_path, "--engine", engine)
        record = wait_until_serving(tmp_path, process)
        with connected(record) as stub:
            happened = check(stub, wanted, committed, f"apply-{point}", expected, f"v{point}")
            expected.update((number, "") for number in writer.acknowledged)
            held = digests(stub)
            assert all(skill(number).metadata.slug in held for number in writer.acknowledged)
        total += happened
        if happened:
            expected.update((number, f"v{point}") for number in range(size))
    record = wait_until_serving(tmp_path, process)
    converges(record, size, expected)
    finish(process, signal.SIGTERM)
    problems_in(tmp_path, engine)
    return total


def try_apply(record: dict[str, Any], wanted: list[tuple[int, Any]], request_id: str) -> bool:
    """Whether the apply was acknowledged."""
    with connected(record) as stub:
        try:
            return bool(stub.ApplyChanges(apply_messages(wanted, request_id), timeout=60).committed)
        except grpc.RpcError as error:
            code = error.code()
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    return False


def check(
    stub: Any, wanted: list[tuple[int, Any]], committed: bool, request_id: str, before: dict[int, str], text: str
) -> bool:
    """All of the apply is there or nothing, and the server knows which. Returns whether it happened."""
    known = is_known(stub, request_id)
    assert known or not committed, "an acknowledged apply was lost"
    held = read_all(stub, [each.metadata.slug for _, each in wanted])
    new = [each for _, each in wanted if text in held.get(each.metadata.slug, each.__class__()).spec.skill_md]
    assert len(new) == (len(wanted) if known else 0)
    if not known:
        assert len(held) == sum(number in before for number in range(len(wanted)))
    return known


def is_known(stub: Any, request_id: str) -> bool:
    """Whether the server says that the request has committed."""
    code = None
    try:
        stub.GetApplyOutcome(pb.GetApplyOutcomeRequest(request_id=request_id), timeout=20)
    except grpc.RpcError as error:
        code = error.code()
    assert code in (None, grpc.StatusCode.NOT_FOUND)
    return code is None


def problems_in(data_dir: Path, engine: str = "lmdb") -> None:
    """Records, indexes, log and checksums agree."""
    store = open_store(data_dir, engine)
    try:
        assert store.verify() == []
    finally:
        store.close()


def converges(record: dict[str, Any], size: int, expected: dict[int, str]) -> None:
    """Applying again brings the wanted state; once more changes nothing."""
    with connected(record) as stub:
        wanted = [(UPDATE if number in expected else CREATE, skill(number, "last")) for number in range(size)]
        assert stub.ApplyChanges(apply_messages(wanted, "converge"), timeout=60).committed
        again = [(UPDATE, each) for _, each in wanted]
        response = stub.ApplyChanges(apply_messages(again, "again"), timeout=60)
        assert not response.committed
        assert {each.outcome for each in response.results} == {UNCHANGED}
        kind = default_contract().kinds["Skill"]
        codec = default_contract().codec
        held = digests(stub)
        for _, each in wanted:
            assert held[each.metadata.slug].digest == codec.digests(kind, codec.canonical(kind, each)).resource


@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_a_kill_at_any_moment_loses_nothing_and_halves_nothing(tmp_path, engine):
    campaign(tmp_path, engine, points=3, size=800)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINE_FILES)
def test_fifty_kills_of_a_large_apply_lose_nothing(tmp_path, engine):
    assert 5 < campaign(tmp_path, engine, points=50, size=10_000) < 45, "the kills fell to one side of the commits"


def test_sigterm_during_an_apply_finishes_it(tmp_path):
    process = spawn(tmp_path)
    record = wait_until_serving(tmp_path, process)
    wanted = [(CREATE, skill(number)) for number in range(1_500)]
    sent = threading.Event()

    def messages() -> Any:
        for at, message in enumerate(apply_messages(wanted, "stopped")):
            if at == 4:
                sent.set()
            yield message

    def stop() -> None:
        sent.wait(20)
        process.send_signal(signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with connected(record) as stub:
        response = stub.ApplyChanges(messages(), timeout=60)
    stopper.join()
    assert response.committed
    code, said = finish_itself(process)
    assert (code, said) == (0, "")
    assert not (tmp_path / "daemon.json").exists()
    assert not (tmp_path / "daemon.sock").exists()
    problems_in(tmp_path)
    log = (tmp_path / "logs" / "daemon.log").read_text()
    assert "stopped" in log
    assert "x" * 100 not in log


def finish_itself(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_sigterm_ends_streams_with_unavailable_and_an_idle_daemon_at_once(tmp_path):
    process = spawn(tmp_path)
    record = wait_until_serving(tmp_path, process)
    with connected(record) as stub:
        stream = stub.Watch(pb.WatchRequest(), timeout=60)
        next(stream)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as raised:
            next(stream)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert finish_itself(process)[0] == 0
    assert time.monotonic() - began < 5
