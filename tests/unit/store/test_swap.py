"""One store in the place of another: whatever step was the last one before a crash, the folder then holds the old store
or gets the new one as soon as somebody opens it. The crash is an exception in the place of a system call; processes
are killed under tests/fault."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer.errors import DataLoss, StigmerError
from stigmer.store import copies
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES
from stigmer.store.marker import find_marker
from stigmer.store.swap import JOURNAL_NAME, finish_swap, pending_swap, swap

from .rows import record, save

ENGINES = tuple(ENGINE_FILES)
CALLS = ("mkdir", "rename", "replace", "unlink", "fsync")


class CrashError(BaseException):
    """Here the process would have ended."""


def made(folder: Path, engine: str, number: int) -> str:
    """A closed store that holds one record; its id."""
    store = open_store(folder, engine)
    save(store, record(number))
    store.close()
    return store.store_id


def held(folder: Path) -> tuple[str, list[str]]:
    """The id of the store in a folder, as the next start finds it, and what is in it."""
    finish_swap(folder)
    marker = find_marker(folder)
    assert marker is not None
    store = open_store(folder, marker.engine)
    assert store.verify() == []
    found = store.store_id, [head.id for head in store.read(lambda tx: list(tx.heads("acme")))]
    store.close()
    return found


def crash_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The calls that change a folder, of which number `step` is not made any more; returns how many there were."""
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise CrashError
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        owner: object = os if name == "fsync" else Path
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    return lambda: count


@pytest.mark.parametrize("old", ENGINES)
@pytest.mark.parametrize("new", ENGINES)
def test_a_crash_at_any_step_leaves_the_old_store_or_the_new_one(old: str, new: str, tmp_path: Path) -> None:
    outcomes = []
    step = 0
    while True:
        step += 1
        data = tmp_path / str(step)
        old_id, new_id = made(data, old, 1), made(data / "new.tmp", new, 2)
        with pytest.MonkeyPatch.context() as patch:
            calls = crash_at(step, patch)
            try:
                swap(data, data / "new.tmp", data / "kept")
                done = True
            except CrashError:
                done = False
        found = held(data)
        assert found in [(old_id, ["agent-000001"]), (new_id, ["agent-000002"])]
        outcomes.append(found[0] == new_id)
        if outcomes[-1]:
            assert held(data / "kept") == (old_id, ["agent-000001"])
            assert not any((data / "new.tmp" / name).exists() for name in ENGINE_FILES[new].all)
        if done:
            assert not (data / "new.tmp").exists()
            assert calls() < step
            break
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert len(outcomes) > 8


def test_a_second_crash_while_a_swap_is_finished_changes_nothing(tmp_path: Path) -> None:
    old_id, new_id = made(tmp_path, "lmdb", 1), made(tmp_path / "new.tmp", "lmdb", 2)
    with pytest.MonkeyPatch.context() as patch:
        crash_at(9, patch)
        with pytest.raises(CrashError):
            swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept")
    assert pending_swap(tmp_path) is not None
    for step in range(1, 9):
        with pytest.MonkeyPatch.context() as patch:
            crash_at(step, patch)
            try:
                finish_swap(tmp_path)
            except CrashError:
                continue
    assert held(tmp_path)[0] == new_id
    assert held(tmp_path / "kept")[0] == old_id


def test_a_daemon_that_opens_the_folder_finishes_the_swap(tmp_path: Path) -> None:
    made(tmp_path, "lmdb", 1)
    new_id = made(tmp_path / "new.tmp", "lmdb", 2)
    with pytest.MonkeyPatch.context() as patch:
        crash_at(9, patch)
        with pytest.raises(CrashError):
            swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept")
    store = open_store(tmp_path)
    assert store.store_id == new_id
    store.close()
    assert not (tmp_path / JOURNAL_NAME).exists()


def test_without_an_old_store_nothing_is_kept(tmp_path: Path) -> None:
    new_id = made(tmp_path / "new.tmp", "sqlite", 2)
    assert swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept") is False
    assert held(tmp_path)[0] == new_id
    assert not (tmp_path / "kept").exists()


def test_what_is_left_of_a_damaged_store_is_kept_too(tmp_path: Path) -> None:
    made(tmp_path, "sqlite", 1)
    (tmp_path / "store.json").unlink()
    (tmp_path / "data.mdb").write_bytes(b"rubbish")
    new_id = made(tmp_path / "new.tmp", "lmdb", 2)
    assert swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept") is True
    assert held(tmp_path)[0] == new_id
    assert (tmp_path / "kept" / "data.mdb").read_bytes() == b"rubbish"
    assert (tmp_path / "kept" / "data.sqlite").exists()
    assert not (tmp_path / "data.sqlite").exists()


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    made(tmp_path, "lmdb", 1)
    made(tmp_path / "new.tmp", "lmdb", 2)
    (tmp_path / "daemon.token").write_text("token")
    swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept")
    assert (tmp_path / "daemon.token").read_text() == "token"


def test_a_new_store_that_has_gone_is_an_error_and_no_empty_store(tmp_path: Path) -> None:
    made(tmp_path, "lmdb", 1)
    journal = {"staged": "gone.tmp", "kept": "kept", "files": ["data.sqlite", "store.json"]}
    (tmp_path / JOURNAL_NAME).write_text(json.dumps(journal))
    for _ in range(2):
        with pytest.raises(DataLoss) as refused:
            open_store(tmp_path)
        assert refused.value.reason == "SWAP_INCOMPLETE"
        assert "restore" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"staged": "a", "kept": "b"}',
        '{"staged": "../a", "kept": "b", "files": []}',
        '{"staged": "", "kept": "b", "files": []}',
        '{"staged": "a", "kept": "/tmp/b", "files": []}',
        '{"staged": "a", "kept": "b", "files": ["daemon.token"]}',
        '{"staged": "a", "kept": "b", "files": 7}',
    ],
)
def test_a_journal_that_cannot_be_understood_moves_nothing(text: str, tmp_path: Path) -> None:
    made(tmp_path, "lmdb", 1)
    (tmp_path / JOURNAL_NAME).write_text(text)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(StigmerError):
        finish_swap(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_store_that_was_swapped_in_can_be_copied(tmp_path: Path) -> None:
    made(tmp_path, "sqlite", 1)
    made(tmp_path / "new.tmp", "lmdb", 2)
    swap(tmp_path, tmp_path / "new.tmp", tmp_path / "kept")
    assert copies.engine_of(tmp_path) == "lmdb"
    assert copies.engine_of(tmp_path / "kept") == "sqlite"
    copies.copy_data(tmp_path, tmp_path / "copy")
    assert copies.check_copy(tmp_path / "copy").revision == 1
