"""A daemon as a process of its own, and a plain gRPC client for it: nothing of stigmer's client is used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.backend.v1.backend_pb2_grpc import BackendServiceStub
from stigmer.backend.v1.skill_pb2 import Skill

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0


def spawn(data_dir: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stigmer.server", "--data-dir", str(data_dir), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_serving(data_dir: Path, *processes: subprocess.Popen[str]) -> dict[str, Any]:
    """The record of the daemon, once it answers. Fails early when every process has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        record = read_record(data_dir)
        if record is not None and any(each.pid == record["pid"] for each in processes):
            with connected(record) as stub:
                stub.GetServerInfo(empty(stub), timeout=START_SECONDS, wait_for_ready=True)
            return record
        if all(each.poll() is not None for each in processes):
            raise AssertionError([each.communicate() for each in processes])
        time.sleep(0.01)
    raise AssertionError("no daemon serves")


def empty(_: Any) -> Any:
    from stigmer.backend.v1.backend_pb2 import GetServerInfoRequest

    return GetServerInfoRequest()


def read_record(data_dir: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads((data_dir / "daemon.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return record


@contextmanager
def connected(record: dict[str, Any]) -> Iterator[Any]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"unix:{record['socket']}", options=options) as channel:
        yield BackendServiceStub(channel)


@contextmanager
def daemon(data_dir: Path, *arguments: str, **environment: str) -> Iterator[dict[str, Any]]:
    """A serving daemon, killed at the end unless it has ended by then."""
    process = spawn(data_dir, *arguments, **environment)
    try:
        yield wait_until_serving(data_dir, process)
    finally:
        finish(process)


def finish(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> tuple[int, str]:
    """End a process if it still lives; its exit code and what it said on standard error."""
    if process.poll() is None:
        process.send_signal(number)
    _, said = process.communicate(timeout=START_SECONDS)
    return process.returncode, said


def skill(number: int, text: str = "") -> Skill:
    slug = f"skill-{number:05}"
    return Skill(
        metadata={"name": slug, "slug": slug, "labels": {"part": f"p{number % 7}"}},
        spec={"skill_md": f"# {slug} {text}\n" + "x" * 1_000},
    )


def apply_messages(
    changes: Sequence[tuple[int, Skill]], request_id: str, chunk: int = 200
) -> Iterator[pb.ApplyChangesRequest]:
    """The stream that applies (action, skill) pairs."""
    yield pb.ApplyChangesRequest(header={"request_id": request_id, "change_count": len(changes)})
    for start in range(0, len(changes), chunk):
        part = [
            {
                "key": {"kind": "Skill", "slug": each.metadata.slug},
                "action": action,
                "content": each.SerializeToString(deterministic=True),
            }
            for action, each in changes[start : start + chunk]
        ]
        yield pb.ApplyChangesRequest(chunk={"changes": part})


def digests(stub: Any) -> dict[str, pb.DigestEntry]:
    pages = stub.ListDigests(pb.ListDigestsRequest(), timeout=60)
    return {each.slug: each for page in pages for each in page.entries}


def read_all(stub: Any, slugs: Iterable[str]) -> dict[str, Skill]:
    keys = [{"kind": "Skill", "slug": slug} for slug in slugs]
    pages = stub.GetResources(pb.GetResourcesRequest(keys=keys), timeout=60)
    return {each.key.slug: Skill.FromString(each.content) for page in pages for each in page.resources}
