"""The use cases over a real server on a memory store, in a thread of its own."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler import Plan, Recording
from stigmer.backend import GrpcBackend
from stigmer.contract import default_contract
from stigmer.server.app import build_server
from stigmer.store.memory import MemoryStore
from stigmer.sync import Outcome, Request, Workspace, apply, delete, plan, validate


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    socket = f"unix:{tmp_path_factory.mktemp('s') / 'd.sock'}"
    started = threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        store = MemoryStore()
        server = build_server(store, default_contract())
        server.grpc.add_insecure_port(socket)
        await server.start()
        started.set()
        await done.wait()
        await server.stop(grace=1)
        store.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    yield socket
    loop.call_soon_threadsafe(done.set)
    thread.join(10)
    loop.close()
    assert not thread.is_alive()


@dataclass
class Bench:
    """A folder of manifests and a backend; `calls` are the methods of the reconciler's port that were used."""

    folder: Path
    backend: GrpcBackend
    workspace: Workspace
    recording: Recording
    events: list[object] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def request(self, **options: Any) -> Request:
        return Request(paths=(str(self.folder),), **options)

    def apply(self, confirm: bool = True, **options: Any) -> Outcome:
        return apply(self.request(**options), self.workspace, confirm=lambda _: confirm, emit=self.events.append)

    def plan(self, **options: Any) -> Outcome:
        return plan(self.request(**options), self.workspace, emit=self.events.append)

    def validate(self) -> Outcome:
        return validate(self.request(), self.workspace, emit=self.events.append)

    def delete(self, **options: Any) -> Outcome:
        def confirm(made: Plan) -> bool:
            return True

        return delete(self.request(), self.workspace, confirm=confirm, emit=self.events.append, **options)

    def methods(self) -> list[str]:
        """The port's methods called since the last look."""
        found = self.recording.methods()
        self.recording.calls.clear()
        return found

    def get(self, kind: str, slug: str) -> Any:
        return self.backend.get(kind, slug)


@pytest.fixture
def bench(address: str, tmp_path: Path) -> Iterator[Bench]:
    contract = default_contract()
    folder = tmp_path / "manifests"
    folder.mkdir()
    with GrpcBackend(address, contract) as backend:
        recording = Recording(backend)
        workspace = Workspace(
            backend=recording,
            contract=contract,
            default_org="local",
            backend_id="test",
            cache_dir=tmp_path / "cache",
            stdin=io.BytesIO(),
            environ={},
        )
        yield Bench(folder, backend, workspace, recording)
