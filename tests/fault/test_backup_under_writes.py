"""Backups of a store that a daemon is writing: each holds exactly one revision, and no apply in part."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .backup_kit import content, maintenance, put_back
from .daemon_process import apply_messages, connected, daemon, skill

CREATE, UPDATE, DELETE = 1, 2, 3

FIXED = 25
"""Resources that every apply changes. One more comes with every apply, and every third takes two away."""

TURN = re.compile(rb"turn (\d+) ")


@dataclass
class Writing:
    """What the writer was told: the turn that made each revision, and the resources after it."""

    turns: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    problems: list[BaseException] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.turns)


@contextmanager
def writing(record: dict[str, Any]) -> Iterator[Writing]:
    """A client that applies, turn after turn, as long as the block lasts."""
    state, ended = Writing(), threading.Event()
    thread = threading.Thread(target=write, args=(record, state, ended))
    thread.start()
    try:
        wait_for(state, 2)
        yield state
    finally:
        ended.set()
        thread.join()
    assert not state.problems


def write(record: dict[str, Any], state: Writing, ended: threading.Event) -> None:
    extra: list[int] = []
    turn = 0
    try:
        with connected(record) as stub:
            while not ended.is_set():
                turn += 1
                text = f"turn {turn} "
                changes = [(CREATE if turn == 1 else UPDATE, skill(number, text)) for number in range(FIXED)]
                changes.append((CREATE, skill(1_000 + turn, text)))
                extra.append(1_000 + turn)
                if turn % 3 == 0:
                    changes += [(DELETE, skill(extra.pop(0))) for _ in range(2)]
                answer = stub.ApplyChanges(apply_messages(changes, str(uuid.uuid4())), timeout=30)
                assert not [each for each in answer.results if each.HasField("error")], answer.results[0]
                state.counts[answer.revision] = FIXED + len(extra)
                state.turns[answer.revision] = turn
    except BaseException as error:
        state.problems.append(error)
        raise


def wait_for(state: Writing, turns: int) -> None:
    deadline = time.monotonic() + 20
    while len(state) < turns and not state.problems:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def backed_up(data_dir: Path, file: Path) -> dict[str, Any]:
    """A backup by a process of its own."""
    with maintenance(data_dir, "backup", "--to", str(file)) as process:
        said, words = process.communicate(timeout=60)
        assert process.returncode == 0, words
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


def check_backups(tmp_path: Path, engine: str, count: int) -> None:
    found = []
    with daemon(tmp_path / "data", "--engine", engine) as record, writing(record) as state:
        for number in range(count):
            before = len(state)
            found.append(backed_up(tmp_path / "data", tmp_path / f"{number}.tar"))
            assert len(state) > before, "the writer waited for the backup"
            wait_for(state, len(state) + 1)
    assert len({each["revision"] for each in found}) == count
    for number, made in enumerate(found):
        put_back(tmp_path / str(number), tmp_path / f"{number}.tar")
        revision, rows, _ = content(tmp_path / str(number))
        assert revision == made["revision"]
        assert len(rows) == state.counts[revision] == made["resources"]
        fixed = {row.slug: TURN.search(row.body) for row in rows if row.slug < "skill-01000"}
        assert len(fixed) == FIXED
        assert {int(match[1]) for match in fixed.values() if match} == {state.turns[revision]}


@pytest.mark.parametrize(("engine", "count"), [("lmdb", 10), ("sqlite", 3)])
def test_each_backup_under_writes_is_exactly_one_revision(tmp_path: Path, engine: str, count: int) -> None:
    check_backups(tmp_path, engine, count)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["lmdb", "sqlite"])
def test_each_of_many_backups_under_writes_is_exactly_one_revision(tmp_path: Path, engine: str) -> None:
    check_backups(tmp_path, engine, 150)
