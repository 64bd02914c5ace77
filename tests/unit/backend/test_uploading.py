"""An upload that is interrupted: what was not sent whole never happens, what was is waited for."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import pytest

from reconciler.actions import Action
from reconciler.ports import ApplyOptions, ResourceChange
from reconciler.resource import ResourceKey
from stigmer.backend import upload, uploading
from stigmer.backend.client import GrpcBackend

from .conftest import ScriptedServer


def press_ctrl_c() -> None:
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


class Changes(Sequence[ResourceChange]):
    """Changes that take their time: `interrupt_at` says before which one the main thread is interrupted."""

    def __init__(self, count: int, interrupt_at: int) -> None:
        self.count, self.interrupt_at = count, interrupt_at

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: Any) -> Any:
        if index >= self.count:
            raise IndexError
        if index == self.interrupt_at:
            press_ctrl_c()
            time.sleep(0.3)
        body = {"metadata": {"name": "bot"}, "spec": {"instructions": "answer every question"}}
        return ResourceChange(ResourceKey("Agent", "local", f"bot-{index}"), Action.CREATE, body)


def whole_uploads(server: ScriptedServer, answer_after: float = 0.0, *, interrupt: bool = False) -> threading.Event:
    """Scripts a server that commits what is whole, and returns what tells that it has."""
    committed = threading.Event()

    def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        count = next(requests).header.change_count
        received = sum(len(request.chunk.changes) for request in requests)
        if interrupt:
            press_ctrl_c()
        time.sleep(answer_after)
        if received == count:
            committed.set()
        return {"revision": 1}

    server.script["ApplyChanges"] = answer
    return committed


def apply(backend: GrpcBackend, changes: Sequence[ResourceChange]) -> None:
    backend.apply_changes(changes, ApplyOptions("r1"))


@pytest.mark.parametrize("moment", [0, 1, 9])
def test_an_interrupt_before_the_last_message_ends_the_upload(
    moment: int, server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_CHANGES", 1)
    committed = whole_uploads(server)
    with pytest.raises(KeyboardInterrupt):
        apply(backend, Changes(10, moment))
    assert not committed.wait(0.2)


def test_an_interrupt_after_the_last_message_waits_for_the_answer(server: ScriptedServer, backend: GrpcBackend) -> None:
    committed = whole_uploads(server, answer_after=0.3, interrupt=True)
    with pytest.raises(KeyboardInterrupt):
        apply(backend, Changes(3, -1))
    assert committed.is_set()


def test_an_answer_is_not_waited_for_without_end(
    server: ScriptedServer, backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "INTERRUPT_GRACE_S", 0.1)
    whole_uploads(server, answer_after=1.5, interrupt=True)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        apply(backend, Changes(3, -1))
    assert time.monotonic() - began < 1.2


def test_the_backend_can_be_used_after_an_interrupt(server: ScriptedServer, backend: GrpcBackend) -> None:
    whole_uploads(server)
    with pytest.raises(KeyboardInterrupt):
        apply(backend, Changes(3, 1))
    apply(backend, Changes(3, -1))
