"""Reading in several processes gives what reading in one gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pool

from manifests import Entry, FileTree
from stigmer.backend.spawn import with_our_packages
from stigmer.contract import Contract, default_contract
from stigmer.sync import Status, readers
from stigmer.sync.documents import Document, Row, from_row, read_rows
from stigmer.sync.reader import main as serve_batches
from stigmer.sync.readers import BATCH_FILES, Work, read_files, reader_count

FILES = 6 * BATCH_FILES

AGENT = """\
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {{name: agent-{0}, labels: {{number: {0}}}}}
spec:
  instructions: Answer questions about topic number {0}.
  mcpServers: [github]
  config: {{temperature: 1e-{1}}}
---
apiVersion: agentic.stigmer.ai/v1
kind: AgentInstance
metadata: {{name: instance-{0}}}
spec: {{agent: agent-{0}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(FILES):
        (tmp_path / f"{number:04}.yaml").write_text(AGENT.format(number, number % 7))
    return tmp_path


@pytest.fixture
def children() -> Iterator[list[int]]:
    """The processes that were started while the test ran, all of which must have ended."""
    seen: list[int] = []
    yield seen
    for pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def read(folder: Path, count: int, seen: list[int] | None = None) -> tuple[list[Entry], readers.Rows, list[int]]:
    tree = FileTree([str(folder)])
    entries = list(tree.scan().entries)
    progress: list[int] = []
    rows = read_files(entries, Work(default_contract(), "local", tree.read), count, progress.append)
    return entries, rows, progress


def meant(rows: list[Row]) -> list[tuple[Document, Mapping[str, Any]]]:
    """What rows say: the marshalled form of one value may differ from one time to the next."""
    return [(document, load()) for document, load in map(from_row, rows)]


def meant_here(path: str) -> list[tuple[Document, Mapping[str, Any]]]:
    rows = read_rows(default_contract(), Path(path).read_bytes(), path, "local")
    assert rows is not None
    return meant(rows)


def spy_on_starts(monkeypatch: pytest.MonkeyPatch, seen: list[int]) -> None:
    start = readers._start

    def started(org: str) -> readers._Reader:
        reader = start(org)
        seen.append(reader.process.pid)
        return reader

    monkeypatch.setattr(readers, "_start", started)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_file_is_read_once_and_alike_by_any_number_of_readers(
    folder: Path, count: int, monkeypatch: pytest.MonkeyPatch, children: list[int]
) -> None:
    spy_on_starts(monkeypatch, children)
    entries, rows, progress = read(folder, count)
    assert len(children) == count
    for entry in entries:
        assert meant(rows[entry.path]) == meant_here(entry.path)
    assert progress == sorted(progress)
    assert progress[-1] == FILES


def test_a_row_gives_the_document_with_its_body_and_its_place(folder: Path) -> None:
    entries, rows, _ = read(folder, 1)
    second = rows[entries[3].path][1]
    document, load = from_row(second)
    assert str(document.key) == "local/AgentInstance/instance-3"
    assert (document.origin.file, document.origin.line, document.origin.document) == (entries[3].path, 9, 1)
    assert [str(reference.target) for reference in document.references] == ["local/Agent/agent-3"]
    body = load()
    assert body == {"metadata": {"name": "instance-3"}, "spec": {"agent": "agent-3"}}
    assert body.content == document.content


def test_files_about_which_there_is_something_to_say_are_left_to_the_loader(folder: Path) -> None:
    (folder / "0001.yaml").write_text("kind: Agent\nkind: Agent\n")
    (folder / "0002.yaml").write_text(AGENT.format(2, 2).replace("instructions", "instruction"))
    (folder / "0003.yaml").write_text(AGENT.format(3, 3).replace("Answer questions", "a: b: c"))
    (folder / "0004.yaml").write_text(
        "apiVersion: agentic.stigmer.ai/v1\nkind: Environment\nmetadata: {name: e}\n"
        "spec: {data: {HOME: {valueFrom: {env: HOME}}}}\n"
    )
    (folder / "0005.yaml").write_text("# nothing but a comment\n")
    _, rows, _ = read(folder, 2)
    missing = {f"{number:04}.yaml" for number in range(FILES)} - {Path(path).name for path in rows}
    assert missing == {"0001.yaml", "0002.yaml", "0003.yaml", "0004.yaml"}
    assert rows[str(folder / "0005.yaml")] == []


def test_a_reader_does_not_read_what_was_not_scanned(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = FileTree([str(folder)])
    entries = list(tree.scan().entries)
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text(AGENT.format(9, 9))
    (folder / "0007.yaml").unlink()
    (folder / "0007.yaml").symlink_to(secret)
    (folder / "0008.yaml").write_text(AGENT.format(8, 1).replace("topic", "another topic"))
    rows = read_files(entries, Work(default_contract(), "local", _refuse), 1, lambda _: None)
    assert str(folder / "0007.yaml") not in rows
    assert str(folder / "0008.yaml") not in rows


def _refuse(entry: Entry) -> bytes:
    from manifests import ManifestError
    from manifests.diagnostics import Source, error

    raise ManifestError(error("not here", Source(entry.path)))


def test_a_reader_that_is_killed_leaves_its_files_to_the_loader(
    folder: Path, monkeypatch: pytest.MonkeyPatch, children: list[int]
) -> None:
    spy_on_starts(monkeypatch, children)
    tree = FileTree([str(folder)])
    entries = list(tree.scan().entries)

    def kill_the_first(done: int) -> None:
        if not killed:
            killed.append(children[0])
            os.kill(children[0], signal.SIGKILL)

    killed: list[int] = []
    rows = read_files(entries, Work(default_contract(), "local", tree.read), 2, kill_the_first)
    assert killed
    assert len(rows) >= FILES - readers.AHEAD * BATCH_FILES
    for path, found in rows.items():
        assert meant(found) == meant_here(path)


def test_an_interrupt_ends_the_readers(folder: Path, monkeypatch: pytest.MonkeyPatch, children: list[int]) -> None:
    spy_on_starts(monkeypatch, children)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    tree = FileTree([str(folder)])
    with pytest.raises(KeyboardInterrupt):
        read_files(list(tree.scan().entries), Work(default_contract(), "local", tree.read), 2, interrupt)
    assert len(children) == 2


def test_a_reader_ends_when_nobody_holds_the_other_end_any_more() -> None:
    script = "import os, sys, time; from stigmer.sync.readers import _start; r = _start('local');"
    script += "print(r.process.pid, flush=True); os.kill(os.getpid(), 9)"
    environment = with_our_packages(os.environ)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False, text=True)
    _await_end(int(done.stdout))


def _await_end(pid: int) -> None:
    from time import monotonic, sleep

    deadline = monotonic() + 20
    while monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        sleep(0.05)
    raise AssertionError(f"reader {pid} is still there")


def test_a_folder_cannot_lend_its_modules_to_a_reader(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("yaml.py", "stigmer.py", "marshal.py", "google.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'hit')!r}, 'w')\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    _, rows, _ = read(folder, 1)
    assert len(rows) == FILES
    assert not (tmp_path / "hit").exists()


def test_paths_of_any_length_fit_into_the_socket(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(12):
        deep /= "f" * 250
    deep.mkdir(parents=True)
    for number in range(3 * BATCH_FILES):
        (deep / f"{number:04}.yaml").write_text("---\n".join([AGENT.format(number, 1)] * 20))
    _, rows, _ = read(tmp_path, 1)
    assert len(rows) == 3 * BATCH_FILES


def test_readers_are_started_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "processors", lambda: 4)
    contract = default_contract()
    assert reader_count(readers.FILES_PER_READER - 1, contract) == 0
    assert reader_count(readers.FILES_PER_READER, contract) == 1
    assert reader_count(1_000_000, contract) == 3
    other = Contract(descriptor_pool.Default())
    assert reader_count(1_000_000, other) == 0
    monkeypatch.setattr(readers, "processors", lambda: 1)
    assert reader_count(1_000_000, contract) == 0


def test_a_reader_answers_until_its_socket_is_closed(folder: Path) -> None:
    import marshal
    from multiprocessing import Pipe
    from threading import Thread

    entries = FileTree([str(folder)]).scan().entries[:2]
    ours, theirs = Pipe()
    thread = Thread(target=serve_batches, args=(os.dup(theirs.fileno()), "acme"))
    theirs.close()
    thread.start()
    ours.send_bytes(marshal.dumps([tuple(entry) for entry in entries]))
    answer = marshal.loads(ours.recv_bytes())
    ours.close()
    thread.join(10)
    assert not thread.is_alive()
    assert [row[0] for row in answer[0]] == [("Agent", "acme", "agent-0"), ("AgentInstance", "acme", "instance-0")]


def test_an_apply_with_readers_is_the_apply_without_them(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        bench.write(f"{number:02}.yaml", AGENT.format(number, 1))
    bench.write("17.yaml", AGENT.format(17, 1).replace("kind: AgentInstance", "kind: AgentInstances"))
    bench.write("23.yaml", AGENT.format(22, 1))
    alone = bench.apply()
    monkeypatch.setattr(readers, "FILES_PER_READER", 10)
    monkeypatch.setattr(readers, "processors", lambda: 3)
    together = bench.apply()
    assert alone.status is together.status is Status.INVALID
    assert alone.diagnostics == together.diagnostics
    assert any("twice" in found.message for found in together.diagnostics)

    bench.write("17.yaml", AGENT.format(17, 1))
    bench.write("23.yaml", AGENT.format(23, 1))
    applied = bench.apply(use_cache=False)
    assert applied.status is Status.OK
    assert applied.plan is not None
    assert len(applied.plan.writes) == 80
    again = bench.plan(use_cache=False)
    assert again.plan is not None
    assert again.plan.is_empty
