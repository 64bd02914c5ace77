"""Copies of stores that are in use: what they hold, what is refused, and the history they get when they are put in
use themselves. That what is copied is one commit, whoever writes meanwhile, is shown under tests/fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stigmer.errors import DataLoss, FailedPrecondition, Unavailable
from stigmer.store import copies, files, swap
from stigmer.store.base import LOG_RETENTION, Store
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES

from .conftest import Opener
from .rows import labelled, record, save

ROOT = Path(__file__).resolve().parents[3]
ENGINES = tuple(ENGINE_FILES)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def used(opened: Opener, engine: str) -> Store:
    """An open store with three revisions, in the test's folder `data`."""
    store = opened(engine)
    save(store, labelled(1, "a"), labelled(2, "a", "b"))
    save(store, record(3, kind="Skill", body=b"x" * 9_000))
    store.write(lambda tx: (tx.delete_many([record(1).key]), tx.kv_put("space", b"key", b"value"), tx.append([])))
    return store


def elsewhere(code: str, *paths: Path) -> Any:
    """What a process of its own prints as JSON: LMDB lets no process open a store twice. `paths` are in `sys.argv`,
    the package `copies` is at hand."""
    prelude = (
        "import json, sys; from dataclasses import asdict; from pathlib import Path; from stigmer.store import copies"
    )
    line = f"{prelude}; one, *more = map(Path, sys.argv[1:]); {code}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", line, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def copy_elsewhere(source: Path, target: Path) -> None:
    elsewhere("copies.copy_data(one, more[0])", source, target)


def content(store: Store) -> object:
    """All that can be read."""
    return store.read(
        lambda tx: (
            list(tx.all_records()),
            list(tx.all_pairs()),
            [(org, list(tx.heads(org))) for org in tx.orgs()],
            tx.commits(0, LOG_RETENTION),
            tx.revision,
        )
    )


def test_a_copy_of_a_store_in_use_is_that_store(used: Store, tmp_path: Path, engine: str) -> None:
    copy_elsewhere(tmp_path / "data", tmp_path / "copy")
    copy = open_store(tmp_path / "copy", engine)
    assert (copy.store_id, copy.epoch) == (used.store_id, used.epoch)
    assert content(copy) == content(used)
    assert copy.verify() == []
    copy.close()


def test_the_original_goes_on_after_a_copy_and_the_copy_stays_behind(used: Store, tmp_path: Path, engine: str) -> None:
    before = content(used)
    copy_elsewhere(tmp_path / "data", tmp_path / "copy")
    assert save(used, record(9)) == 4
    copy = open_store(tmp_path / "copy", engine)
    assert content(copy) == before
    copy.close()
    assert used.verify() == []


def test_a_copy_is_private_and_holds_data_and_marker_only(used: Store, tmp_path: Path, engine: str) -> None:
    copy_elsewhere(tmp_path / "data", tmp_path / "copy")
    made = sorted((tmp_path / "copy").iterdir())
    assert [path.name for path in made] == sorted([ENGINE_FILES[engine].data, "store.json"])
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "copy" / ENGINE_FILES[engine].data).stat().st_mode & 0o777 == 0o600


def test_a_copy_of_a_closed_store_is_that_store(used: Store, tmp_path: Path, engine: str) -> None:
    before = content(used)
    used.close()
    copies.copy_data(tmp_path / "data", tmp_path / "copy")
    copy = open_store(tmp_path / "copy", engine)
    assert content(copy) == before
    copy.close()


def test_a_store_is_not_copied_over_another(used: Store, tmp_path: Path) -> None:
    used.close()
    copies.copy_data(tmp_path / "data", tmp_path / "copy")
    before = {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()}
    with pytest.raises((FailedPrecondition, Unavailable)):
        copies.copy_data(tmp_path / "data", tmp_path / "copy")
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()} == before


def test_a_new_epoch_changes_nothing_else(used: Store, tmp_path: Path, engine: str) -> None:
    before, epoch, name = content(used), used.epoch, used.store_id
    used.close()
    renewed = copies.renew_epoch(tmp_path / "data")
    again = open_store(tmp_path / "data", engine)
    assert (again.epoch, again.store_id) == (renewed, name)
    assert renewed != epoch
    assert content(again) == before
    assert again.verify() == []
    again.close()


@pytest.mark.parametrize("commits", range(1, 7))
def test_a_copy_with_a_new_epoch_leaves_no_doubt_whatever_its_age(opened: Opener, tmp_path: Path, commits: int) -> None:
    """The state record of a compact copy of LMDB carries the number of a transaction of the original."""
    store = opened("lmdb")
    for number in range(commits):
        save(store, record(number))
    copy_elsewhere(tmp_path / "data", tmp_path / "copy")
    copies.renew_epoch(tmp_path / "copy")
    assert copies.examine(tmp_path / "copy").problems == ()
    again = open_store(tmp_path / "copy")
    assert again.verify() == []
    again.close()


def test_a_survey_of_a_store_in_use_says_where_it_stands(used: Store, tmp_path: Path, engine: str) -> None:
    found = elsewhere("print(json.dumps(asdict(copies.survey(one))))", tmp_path / "data")
    assert found == {
        "engine": engine,
        "store_id": used.store_id,
        "epoch": used.epoch,
        "revision": 3,
        "committed_at": used.read(lambda tx: tx.commits(2, 1))[0].at,
        "resources": {},
        "size": (tmp_path / "data" / ENGINE_FILES[engine].data).stat().st_size,
        "doubts": [],
        "freed_readers": 0,
    }


def test_an_examination_of_a_store_in_use_counts_what_it_holds(used: Store, tmp_path: Path) -> None:
    found = elsewhere("print(json.dumps(asdict(copies.examine(one))))", tmp_path / "data")
    assert found["problems"] == []
    assert found["survey"]["resources"] == {"Agent": 1, "Skill": 1}
    assert save(used, record(9)) == 4


def test_a_reader_that_died_does_not_hold_the_store_back(opened: Opener, tmp_path: Path) -> None:
    """Its place in LMDB's table of readers would keep every later page from being used again."""
    store = opened("lmdb")
    save(store, record(1))
    reading = "copies.last_commit_at = lambda tx: os.kill(os.getpid(), 9)"
    line = f"import os, sys; from pathlib import Path; from stigmer.store import copies; {reading}"
    child = [sys.executable, "-c", f"{line}; copies.survey(Path(sys.argv[1]))", str(tmp_path / "data")]
    assert subprocess.run(child, check=False, cwd=ROOT).returncode == -9
    assert elsewhere("print(copies.survey(one).freed_readers)", tmp_path / "data") > 0
    assert elsewhere("print(copies.survey(one).freed_readers)", tmp_path / "data") == 0


def test_a_new_store_is_surveyed_and_copied(opened: Opener, engine: str, tmp_path: Path) -> None:
    opened(engine)
    assert elsewhere("print(copies.survey(one).committed_at)", tmp_path / "data") == 0
    copy_elsewhere(tmp_path / "data", tmp_path / "copy")
    assert copies.check_copy(tmp_path / "copy").revision == 0


def test_a_damaged_store_is_not_copied_and_every_problem_is_told(used: Store, tmp_path: Path, engine: str) -> None:
    used.close()
    path = tmp_path / "data" / ENGINE_FILES[engine].data
    data = bytearray(path.read_bytes())
    for start in range(2 * 4096, len(data), 4096):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(DataLoss) as refused:
        copies.copy_data(tmp_path / "data", tmp_path / "copy")
    assert "stigmer local restore" in refused.value.hint
    assert not (tmp_path / "copy" / "store.json").exists()
    problems = copies.examine(tmp_path / "data").problems
    assert problems
    assert len(problems) >= len(refused.value.violations)


def test_a_record_that_fails_its_checksum_is_found_in_the_copy(used: Store, tmp_path: Path, engine: str) -> None:
    used.close()
    path = tmp_path / "data" / ENGINE_FILES[engine].data
    path.write_bytes(path.read_bytes().replace(b"x" * 50, b"x" * 49 + b"y", 1))
    copies.copy_data(tmp_path / "data", tmp_path / "copy")
    with pytest.raises(DataLoss, match="checksum") as refused:
        copies.check_copy(tmp_path / "copy")
    assert refused.value.reason == "STORE_DAMAGED"
    assert any("checksum" in problem for problem in copies.examine(tmp_path / "data").problems)


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    for ask in (copies.survey, copies.examine, copies.renew_epoch, copies.engine_of):
        with pytest.raises(FailedPrecondition) as refused:
            ask(tmp_path)
        assert refused.value.reason == "NO_STORE"
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_its_data_is_refused(used: Store, tmp_path: Path, engine: str) -> None:
    used.close()
    (tmp_path / "data" / ENGINE_FILES[engine].data).unlink()
    with pytest.raises(DataLoss) as refused:
        copies.copy_data(tmp_path / "data", tmp_path / "copy")
    assert refused.value.reason == "DATA_FILE_MISSING"


def test_the_data_of_another_store_are_refused(used: Store, tmp_path: Path, opened: Opener, engine: str) -> None:
    opened(engine, "other").close()
    used.close()
    data = ENGINE_FILES[engine].data
    (tmp_path / "data" / data).write_bytes((tmp_path / "other" / data).read_bytes())
    with pytest.raises(DataLoss) as refused:
        copies.survey(tmp_path / "data")
    assert refused.value.reason == "STORE_MISMATCH"


def test_an_engine_of_another_version_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"store_id": "1", "engine": "granite", "format": 1}))
    with pytest.raises(FailedPrecondition, match="granite") as refused:
        copies.copy_data(tmp_path, tmp_path / "copy")
    assert refused.value.reason == "ENGINE_UNKNOWN"


def test_nothing_is_read_while_the_store_is_being_replaced(used: Store, tmp_path: Path) -> None:
    used.close()
    journal = {"staged": "new.tmp", "kept": "old", "files": ["data.mdb", "store.json"]}
    (tmp_path / "data" / swap.JOURNAL_NAME).write_text(json.dumps(journal))
    with pytest.raises(Unavailable) as refused:
        copies.survey(tmp_path / "data")
    assert refused.value.reason == "SWAP_PENDING"


def test_every_file_of_an_engine_has_its_name_in_the_table(used: Store, tmp_path: Path, engine: str) -> None:
    save(used, record(7))
    with_store = {path.name for path in (tmp_path / "data").iterdir()}
    assert with_store <= set(ENGINE_FILES[engine].all)
    assert set(ENGINE_FILES[engine].all) <= set(files.STORE_FILES)


def test_a_folder_that_cannot_be_made_is_no_crash(used: Store, tmp_path: Path) -> None:
    used.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        copies.copy_data(tmp_path / "data", tmp_path / "file" / "copy")
