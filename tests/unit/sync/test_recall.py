"""Documents recalled from the cache whose bodies are needed after all."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from stigmer.errors import Aborted
from stigmer.sync import Status, desired, reread

AGENT = """apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {{name: bot-{0}}}
spec: {{instructions: Help people with {0}.}}
"""


def write_and_forget(bench: Any, count: int) -> Any:
    """One file of many documents, old enough to be trusted, known to the cache, and gone from the backend."""
    path = bench.write("all.yaml", "---\n".join(AGENT.format(number) for number in range(count)))
    old = path.stat().st_mtime - 100
    os.utime(path, (old, old))
    for _ in range(100):
        if cached(bench):
            bench.delete()
            return path
        time.sleep(0.02)
    raise AssertionError("the cache never came to trust the file")


def cached(bench: Any) -> bool:
    """Whether an apply no longer reads the file."""
    bench.events.clear()
    bench.apply()
    return not any(isinstance(event, desired.Loading) for event in bench.events)


def test_a_file_of_many_documents_is_read_again_once(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_and_forget(bench, 30)
    reads = []
    real = reread.parse
    monkeypatch.setattr(reread, "parse", lambda data, path, *rest: reads.append(path) or real(data, path, *rest))
    outcome = bench.apply()
    assert (outcome.status, outcome.report.counts()["created"]) == (Status.OK, 30)
    assert len(reads) == 1


def test_a_file_that_changes_under_a_recalled_document_stops_the_run(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_and_forget(bench, 2)
    real = reread.parse
    other = path.read_bytes().replace(b"Help people", b"Hurt people")
    monkeypatch.setattr(reread, "parse", lambda data, path, *rest: real(other, path, *rest))
    with pytest.raises(Aborted, match="changed while it was being applied"):
        bench.apply()
